/* Why there is no command: one line on stderr, with what to do about it. */
#include "command.h"

#include "environment.h"
#include "error.h"
#include "lookup.h"
#include "upcase.h"
#include "voice.h"

const char no_job_inside[] = "; before Windows 8 there is none within another";
static const char nothing_stolen[] = "; nothing was stolen";

/* Programs that read the line look for this end, so a line that is too long is cut before it. */
static void put_nothing_stolen(struct text *text)
{
    size_t most = text->capacity - sizeof nothing_stolen;

    if (text->length > most)
        text->length = most;
    text_put_ascii(text, nothing_stolen);
}

/* What may have been meant. */
static void put_guess(struct text *text, const struct options *options)
{
    const wchar_t *word = options->subject,
                  *name = options->wants_name && word != NULL ? nearest_name(options, word) : NULL;
    const char *option = NULL;

    if (name != NULL) {
        text_format(text, ": %w?", name);
    } else if (options->remedy != NULL) {
        text_put_ascii(text, ": ");
        text_format(text, options->remedy, word);
        text_put_unit(text, L'?');
    } else if (word != NULL && word[0] == L'-' && options->fault_option == NULL) {
        option = nearest_option(word);
    }
    if (option != NULL && !text_equal_ascii(word + 2, option))
        text_format(text, ": --%s?", option);
}

DWORD explain_refusal(const struct options *options, const wchar_t *line)
{
    struct line out;
    struct text *text = line_begin(&out);

    text_put_ascii(text, options->fault);
    if (options->subject != NULL)
        text_put_quoted(text, options->subject);
    if (options->fault_option != NULL)
        text_format(text, " (--%s)", options->fault_option);
    put_guess(text, options);
    if (options_take_handles(line))
        put_nothing_stolen(text);
    line_print(&out, STD_ERROR_HANDLE);
    return EXIT_HANDOFF;
}

/* What to do about a failure to open what this option names. */
static const struct {
    uint8_t option;
    uint8_t code;
    char text[52];
} advice[] = {
    {OPTION_LOCK, ERROR_NOT_SUPPORTED, "a lock is a file"},
    {OPTION_APPEND, ERROR_NOT_SUPPORTED, "a pipe has no end to append to: --pipe"},
    {OPTION_TEE_APPEND, ERROR_NOT_SUPPORTED, "a pipe has no end to append to: --tee"},
    {OPTION_PROCESS, ERROR_INVALID_PARAMETER, "no process has that id"},
};

static void put_advice(struct text *text, const struct command *command, const struct source *source, DWORD code)
{
    if (source->origin == ORIGIN_STREAM && code == ERROR_INVALID_HANDLE)
        text_put_ascii(text, "; handoff itself has none that can be passed on");
    for (size_t i = 0; i < ARRAYSIZE(advice); i++) {
        if (source->origin == ORIGIN_OPTION && advice[i].option == source->option && advice[i].code == code)
            text_format(text, "; %s", advice[i].text);
    }
    if (is_taken(code) && !has_option(command, OPTION_WAIT))
        text_put_ascii(text, "; --wait TIME waits for it");
}

/* Where a program was not found that may be on the PATH given with --env: whose PATH counts. */
static void put_whose_path(struct text *text, const struct request *request, const struct handoff_error *error)
{
    if (error->stage == HANDOFF_STAGE_FIND && !name_has_directory(error->subject) && request->variables != NULL &&
        environment_has(request->variables, L"PATH", upcase))
        text_put_ascii(text, "; that is the PATH of handoff, and not the one which --env gives the command");
}

/* Windows' own words for it, such as "sharing violation", tell fewer people. */
static void put_taken(struct text *text, const struct command *command, const struct source *source, DWORD code)
{
    const wchar_t *wait = command->options.values[OPTION_WAIT];

    text_put_ascii(text, wait != NULL ? "somebody else still has" : "somebody else has");
    text_put_quoted(text, source->what);
    if (wait != NULL)
        text_format(text, " after --wait %w", wait);
    text_format(text, ": Win32 error %u", code);
}

/* A source is named as it stands in the line, and by its option. */
static void put_failure(struct text *text, const struct command *command, const struct failure *failure,
                        struct handoff_error *error)
{
    const struct request *request = &command->options.request;
    BOOL opened = failure->stage == HANDOFF_STAGE_OPEN, named = failure->pass < request->pass_count;
    struct source own = {.option = command->opening.unopened,
                         .what = command->options.values[command->opening.unopened]};
    const struct source *source = named ? &command->options.sources[failure->pass] : &own;
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    error_describe(error, request, failure->stage, failure->pass, failure->code);
    if (opened) {
        text_put(&subject, source->what);
        text_end(&subject);
    }
    if (opened && is_taken(failure->code))
        put_taken(text, command, source, failure->code);
    else
        text->length += handoff_error_text(error, text->at + text->length, text->capacity - text->length);
    put_whose_path(text, request, error);
    if (failure->stage == HANDOFF_STAGE_PREPARE && command->job.code != ERROR_SUCCESS)
        text_format(text, " (--kill-on-exit needs a job for the command%s)", no_job_inside);
    if (!opened)
        return;
    if (!named)
        text_format(text, " (--%s)", option_table[source->option].name);
    else if (source->origin == ORIGIN_OPTION)
        text_format(text, " (--%s %w)", option_table[source->option].name,
                    request->passes[failure->pass].placeholder.name);
    put_advice(text, command, source, failure->code);
    if (failure->code == ERROR_SHARING_VIOLATION)
        put_users(text, source->what);
}

static BOOL is_fault_of_program(const struct failure *failure)
{
    return failure->stage == HANDOFF_STAGE_FIND || failure->stage == HANDOFF_STAGE_CREATE;
}

static DWORD find_exit_code(const struct command *command, const struct failure *failure)
{
    if (failure->stage == HANDOFF_STAGE_OPEN && is_taken(failure->code))
        return command->opening.taken_code;
    if (!is_fault_of_program(failure))
        return command->parent.stolen ? EXIT_CANNOT_RUN : EXIT_HANDOFF;
    return failure->code == ERROR_FILE_NOT_FOUND || failure->code == ERROR_PATH_NOT_FOUND ? EXIT_NOT_FOUND
                                                                                          : EXIT_CANNOT_RUN;
}

DWORD explain_failure(struct command *command, const struct failure *failure)
{
    struct handoff_error error = {0};
    struct line line;
    struct text *text = line_begin(&line);
    DWORD code;

    release_lock(command);
    put_failure(text, command, failure, &error);
    code = find_exit_code(command, failure);
    if (!is_fault_of_program(failure) && !command->parent.stolen && has_option(command, OPTION_PARENT))
        put_nothing_stolen(text);
    text_end(text);
    report_error(command, code, text->at);
    line_say(&line);
    return code;
}
