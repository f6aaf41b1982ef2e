/* What is wrong with the options, before anything is opened. */
#include "command.h"

/* Reads .5 as 5 of 10, and no more than nine digits. */
static const wchar_t *parse_fraction(const wchar_t *text, int *part, int *of)
{
    if (*text != L'.')
        return text;
    for (text++; *text >= L'0' && *text <= L'9'; text++) {
        if (*of == 1000000000)
            continue;
        *part = *part * 10 + (*text - L'0');
        *of *= 10;
    }
    return text;
}

enum { TOO_LONG = INFINITE }; /* for a deadline: see clock.h */

/* 500ms, 1.5s, 5m, 1h, 1d; without a unit seconds. What is not 0 is at least a millisecond. */
static BOOL parse_duration(const wchar_t *text, DWORD *ms)
{
    const DWORD most = 40 * 86400000u;
    static const struct {
        char unit[3];
        DWORD ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    uint64_t number;
    const wchar_t *unit = text_parse_number(text, &number);
    int part = 0, of = 1;

    if (unit != NULL)
        unit = parse_fraction(unit, &part, &of);
    for (size_t i = 0; unit != NULL && i < ARRAYSIZE(units); i++) {
        uint64_t time = (uint32_t)number * (uint64_t)units[i].ms + (uint32_t)MulDiv(part, (int)units[i].ms, of);

        if (!text_equal_ascii(unit, units[i].unit))
            continue;
        *ms = time == 0 && part > 0 ? 1 : (DWORD)time;
        if (number > most || time > most)
            *ms = TOO_LONG;
        return TRUE;
    }
    return FALSE;
}

static BOOL is_directory(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

/* Windows keeps the current directory of a process, with a backslash and a NUL, in a place of this size, whatever the
 * manifest says of long paths. */
static BOOL is_too_long_to_start_in(const wchar_t *path)
{
    return GetFullPathNameW(path, 0, NULL, NULL) > MAX_PATH - 1;
}

static BOOL check_sources(struct command *command)
{
    struct options *options = &command->options;
    const char *fault;

    for (uint32_t i = 0; i < options->request.pass_count; i++) {
        const struct source *source = &options->sources[i];

        if (source_has(source, OPENS_PATH) && *source->what == L'\0')
            return options_refuse(&command->options, "no path for the name",
                                  command->options.request.passes[i].placeholder.name);
        fault = source->origin == ORIGIN_OPTION ? find_source_fault(source, &options->remedy) : NULL;
        if (fault != NULL)
            return options_refuse_value(options, source->option, fault, source->what);
    }
    return TRUE;
}

/* If the option is given. */
static BOOL take_duration(struct options *options, uint32_t option, DWORD *ms)
{
    const wchar_t *text = options->values[option];

    if (text == NULL)
        return TRUE;
    if (!parse_duration(text, ms))
        return options_refuse_value(options, option, "not a time such as 500ms, 1.5s, 5m, 1h or 1d:", text);
    return *ms != TOO_LONG || options_refuse_value(options, option, "at most 40d, not", text);
}

static BOOL check_code(struct command *command)
{
    const wchar_t *code = command->options.values[OPTION_CODE], *end;
    uint64_t number = EXIT_TAKEN;

    if (code != NULL) {
        end = text_parse_number(code, &number);
        if (end == NULL || *end != L'\0' || number > MAXDWORD)
            return options_refuse_value(&command->options, OPTION_CODE, "not an exit code:", code);
    }
    command->opening.taken_code = (DWORD)number;
    return TRUE;
}

/* Without --wait nothing is tried again, and opening may take as long as the command may. */
static BOOL check_wait(struct command *command)
{
    if (!take_duration(&command->options, OPTION_WAIT, &command->opening.deadline.ms))
        return FALSE;
    command->opening.tries_again = command->opening.deadline.ms > 0;
    if (!command->opening.tries_again)
        command->opening.deadline.ms = command->time.ms;
    deadline_begin(&command->opening.deadline);
    return TRUE;
}

/* With --relay the name stdout means the relay of the command's stdout, so that must not come from elsewhere. */
static BOOL check_relay(struct command *command)
{
    const struct options *options = &command->options;
    uint32_t claimed = request_claimed_streams(&options->request);
    BOOL relays = has_option(command, OPTION_RELAY) || has_tee(command);

    if (relays && has_stream(claimed, STREAM_STDOUT) && has_stream(claimed, STREAM_STDERR))
        return options_refuse(
            &command->options,
            "--relay and --tee have nothing to pass on: the command has stdout and stderr from elsewhere", NULL);
    for (uint32_t i = 0; relays && i < options->request.pass_count; i++) {
        const struct source *source = &options->sources[i];

        if (source->origin == ORIGIN_STREAM && source->stream != STREAM_STDIN && (claimed >> source->stream & 1) != 0)
            return options_refuse(
                &command->options,
                "--relay and --tee pass nothing on for a stream that the command has from elsewhere:", source->what);
    }
    return TRUE;
}

BOOL check_options(struct command *command)
{
    const wchar_t *timeout = command->options.values[OPTION_TIMEOUT], *directory = command->options.values[OPTION_DIR];
    BOOL waits = timeout != NULL || has_option(command, OPTION_RELAY) || has_tee(command) ||
                 has_option(command, OPTION_WAIT_TREE) || has_option(command, OPTION_KILL_ON_EXIT);

    if (!take_duration(&command->options, OPTION_TIMEOUT, &command->time.ms) || !check_code(command))
        return FALSE;
    if (command->time.ms == 0) /* none given, or none, as coreutils' timeout has it */
        command->time.ms = INFINITE;
    if (has_option(command, OPTION_TEE) && has_option(command, OPTION_TEE_APPEND))
        return options_refuse(&command->options, "one of --tee and --tee-append", NULL);
    if (has_option(command, OPTION_DETACH) && waits)
        return options_refuse(
            &command->options,
            "--detach does not wait, so --timeout, --wait-tree, --relay, --tee and --kill-on-exit mean "
            "nothing with it",
            NULL);
    if (has_option(command, OPTION_REPORT) && (waits || has_option(command, OPTION_DETACH)))
        return options_refuse(&command->options,
                              "--report leaves the waiting to the parent: no --timeout, --wait-tree, --relay, --tee, "
                              "--kill-on-exit or --detach",
                              NULL);
    if (directory != NULL && is_too_long_to_start_in(directory))
        return options_refuse(&command->options,
                              "--dir is longer than the 258 characters of a directory to start in:", directory);
    if (has_option(command, OPTION_LOCK) && (has_option(command, OPTION_REPORT) || has_option(command, OPTION_DETACH)))
        return options_refuse(&command->options, "--lock is held while handoff waits: not with --detach or --report",
                              NULL);
    if (directory != NULL && !is_directory(directory))
        return options_refuse(&command->options, "--dir is no directory:", directory);
    return check_wait(command) && check_relay(command) && check_sources(command) && check_parent_options(command);
}
