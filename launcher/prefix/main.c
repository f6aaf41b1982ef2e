#include "command.h"

#include "clock.h"
#include "cmdline.h"
#include "descriptor.h"
#include "error.h"
#include "heap.h"
#include "lookup.h"
#include "startup.h"
#include "steal.h"
#include "stream.h"
#include "voice.h"

static const char version[] = "handoff " HANDOFF_VERSION "\r\n";

/* ---- what goes wrong ---- */

static const char no_job_inside[] = "; before Windows 8 there is none within another";
static const char nothing_stolen[] = "; nothing was stolen";

/* Programs that read the line look for this end, so a line that is too long is cut before it. */
static void put_nothing_stolen(struct text *text)
{
    size_t most = text->capacity - sizeof nothing_stolen;

    if (text->length > most)
        text->length = most;
    text_put_ascii(text, nothing_stolen);
}

static DWORD refuse(const struct options *options, const wchar_t *line)
{
    const wchar_t *word = options->subject;
    const char *nearest = NULL;
    struct line out;
    struct text *text = line_begin(&out);

    text_put_ascii(text, options->fault);
    if (word != NULL)
        text_put_quoted(text, word);
    if (word != NULL && word[0] == L'-' && word[1] == L'-')
        nearest = nearest_option(word);
    if (nearest != NULL && !text_equal_ascii(word + 2, nearest))
        text_format(text, ": --%s?", nearest);
    if (options_take_handles(line))
        put_nothing_stolen(text);
    line_print(&out, STD_ERROR_HANDLE);
    return EXIT_HANDOFF;
}

static const char *advice_about(const struct command *command, const struct source *source, DWORD code)
{
    if (source->option == OPTION_LOCK && code == ERROR_SHARING_VIOLATION && !has_option(command, OPTION_WAIT))
        return "; --wait waits for it";
    if (source->option == OPTION_APPEND && code == ERROR_NOT_SUPPORTED)
        return "; a pipe has no end to append to: --pipe";
    if (source->option == OPTION_TEE_APPEND && code == ERROR_NOT_SUPPORTED)
        return "; a pipe has no end to append to: --tee";
    if (source->option == OPTION_LOCK && code == ERROR_NOT_SUPPORTED)
        return "; a lock is a file";
    if (source->option == OPTION_PROCESS && code == ERROR_INVALID_PARAMETER)
        return "; no process has that id";
    if (is_own_stream(source) && code == ERROR_INVALID_HANDLE)
        return "; handoff itself has none that can be passed on";
    return "";
}

/* A source is named as it stands in the line, and by its option. */
static void put_failure(struct text *text, const struct command *command, const struct failure *failure,
                        struct handoff_error *error)
{
    const struct request *request = &command->options.request;
    BOOL opened = failure->stage == HANDOFF_STAGE_OPEN, named = failure->pass < request->pass_count;
    struct source own = {.option = command->unopened, .what = command->options.values[command->unopened]};
    const struct source *source = named ? &command->options.sources[failure->pass] : &own;
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    error_describe(error, request, failure->stage, failure->pass, failure->code);
    if (opened) {
        text_put(&subject, source->what);
        text_end(&subject);
    }
    text->length += handoff_error_text(error, text->at + text->length, text->capacity - text->length);
    put_whose_path(text, request, error);
    if (failure->stage == HANDOFF_STAGE_PREPARE && command->job_code != ERROR_SUCCESS)
        text_format(text, " (--kill-on-exit needs a job for the command%s)", no_job_inside);
    if (!opened)
        return;
    if (option_table[source->option].kind == OPTION_SOURCE)
        text_format(text, " (--%s %w)", option_table[source->option].name, request->passes[failure->pass].name);
    else if (!named)
        text_format(text, " (--%s)", option_table[source->option].name);
    text_put_ascii(text, advice_about(command, source, failure->code));
    if (failure->code == ERROR_SHARING_VIOLATION)
        put_users(text, source->what);
}

/* Says why on stderr and, if there is one, in the report. Returns the exit code: 125 or 123 only if nothing was stolen. */
static DWORD give_up(struct command *command, const struct failure *failure)
{
    struct handoff_error error = {0};
    struct line line;
    struct text *text = line_begin(&line);
    DWORD code;

    release_lock(command);
    put_failure(text, command, failure, &error);
    code = error_exit_code(&error);
    if (failure->stage == HANDOFF_STAGE_OPEN && is_taken(failure->code))
        code = EXIT_TAKEN;
    if (code == EXIT_HANDOFF && command->stolen)
        code = EXIT_CANNOT_RUN;
    if (code <= EXIT_HANDOFF && has_option(command, OPTION_PARENT))
        put_nothing_stolen(text);
    text_end(text);
    report_error(command, code, text->at);
    line_print(&line, STD_ERROR_HANDLE);
    return code;
}

/* ---- options ---- */

/* Reads .5 as 5 of 10; as much of it as matters. */
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

/* 500ms, 1.5s, 5m, 1h, 1d; without a unit seconds. What is not 0 is at least a millisecond, and what a stopwatch cannot
 * measure is none. */
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

        if (!text_equal_ascii(unit, units[i].unit) || number > most || time > most)
            continue;
        *ms = time == 0 && part > 0 ? 1 : (DWORD)time;
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
    const char *fault;

    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        const struct source *source = &command->options.sources[i];

        if (source->option >= OPTION_READ && source->option <= OPTION_PIPE && *source->what == L'\0')
            return options_refuse(&command->options, "no path for the name", command->options.request.passes[i].name);
        fault = find_source_fault(source);
        if (fault != NULL)
            return options_refuse(&command->options, fault, source->what);
    }
    return TRUE;
}

static BOOL take_duration(struct options *options, const wchar_t *text, DWORD *ms)
{
    return parse_duration(text, ms) || options_refuse(options, "not a time such as 500ms, 1.5s, 5m, 1h or 1d:", text);
}

static BOOL check_wait(struct command *command)
{
    const wchar_t *wait = command->options.values[OPTION_WAIT];

    if (wait == NULL)
        return TRUE;
    command->wait.watch = stopwatch_start();
    return take_duration(&command->options, wait, &command->wait.ms);
}

/* What is relayed is the command's own stream, and with it what has the name of ours. */
static BOOL check_relay(struct command *command)
{
    const struct options *options = &command->options;
    uint32_t claimed = request_claimed_streams(&options->request);
    BOOL relays = has_option(command, OPTION_RELAY) || has_tee(command);

    for (uint32_t i = 0; relays && i < options->request.pass_count; i++) {
        const struct source *source = &options->sources[i];

        if (is_own_stream(source) && source->option != OPTION_STDIN &&
            (claimed >> (source->option - OPTION_STDIN) & 1) != 0)
            return options_refuse(
                &command->options,
                "--relay and --tee pass nothing on for a stream that the command has from elsewhere:", source->what);
    }
    return TRUE;
}

static BOOL check_options(struct command *command)
{
    const wchar_t *timeout = command->options.values[OPTION_TIMEOUT], *directory = command->options.values[OPTION_DIR];
    BOOL waits = timeout != NULL || has_option(command, OPTION_RELAY) || has_tee(command) ||
                 has_option(command, OPTION_WAIT_TREE) || has_option(command, OPTION_KILL_ON_EXIT);

    if (timeout != NULL && !take_duration(&command->options, timeout, &command->timeout_ms))
        return FALSE;
    if (command->timeout_ms == 0) /* none given, or none, as coreutils' timeout has it */
        command->timeout_ms = INFINITE;
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

/* ---- the command's start ---- */

static BOOL waits(const struct command *command)
{
    return !has_option(command, OPTION_DETACH) && !has_option(command, OPTION_REPORT);
}

/* Everything that a process hands on by being one. A high priority class, alone of these, is not inherited. */
static void set_surroundings(struct command *command)
{
    struct request *request = &command->options.request;

    take_startup(request, &command->startup);
    request->creation_flags = GetPriorityClass(GetCurrentProcess());
    request->directory = command->options.values[OPTION_DIR];
    /* On a console without a window, or what it starts would open windows; and nobody's Ctrl-C or job reaches it. */
    if (has_option(command, OPTION_DETACH))
        request->creation_flags |= CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_BREAKAWAY_FROM_JOB;
    else if (is_detached())
        request->creation_flags |= DETACHED_PROCESS;
    for (uint32_t i = 0; has_option(command, OPTION_SEAL) && i < request->pass_count; i++)
        request->passes[i].flags |= PASS_SEALED;
}

static BOOL create(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;

    return command->job != NULL ? create_child_in_job(request, child, &command->job_code, failure)
                                : create_child(request, child, failure);
}

/* Outside of the job that this process may be in, if that lets it go. */
static BOOL create_outside(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;

    if (create(command, child, failure))
        return TRUE;
    if (failure->code != ERROR_ACCESS_DENIED || (request->creation_flags & CREATE_BREAKAWAY_FROM_JOB) == 0)
        return FALSE;
    request->creation_flags &= ~(uint32_t)CREATE_BREAKAWAY_FROM_JOB;
    return create(command, child, failure);
}

/* In the start directory, so before that is left. */
static BOOL create_command(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;
    wchar_t *program;
    DWORD code = lookup_program(request->command_line, &program);
    BOOL created = FALSE;

    if (code != ERROR_SUCCESS) {
        fail(failure, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, code);
    } else {
        request->application = program;
        created = (expose_handles(command) || fail(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, GetLastError())) &&
                  create_outside(command, child, failure);
        request->application = NULL; /* errors name it as the line does */
    }
    release(program);
    return created;
}

/* Where the command is in no job, it does not run if a job is what was asked for. */
static BOOL check_job(struct command *command, const PROCESS_INFORMATION *child, struct failure *failure)
{
    if (keep_job(command))
        return TRUE;
    child_end(child);
    return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, command->job_code);
}

/* The command is in it from its creation on, where Windows lets it be at all. */
static void add_job(struct command *command)
{
    struct request *request = &command->options.request;

    make_job(command);
    if (command->job != NULL)
        request->passes[request->pass_count++] =
            (struct pass){.kind = PASS_JOB, .flags = PASS_OPTIONAL, .number = (uint32_t)handle_number(command->job)};
}

/* From options to a suspended child that alone has the handles that were opened. */
static BOOL start_command(struct command *command, struct relay *relays, PROCESS_INFORMATION *child,
                          struct failure *failure)
{
    BOOL created;

    if (!take_given(command, failure) || !reach_parent(command, failure) || !open_handles(command, failure) ||
        !add_streams_or_relays(command, relays, failure))
        return FALSE;
    outlive_console_events(); /* not before: who waits for somebody else's file can be stopped */
    close_stolen(command);
    command->opened_us = clock_us(command->started);
    let_go_of_inherited();
    set_surroundings(command);
    /* A command that is not to end with us is in no job of ours: a process in a job cannot join every other job. */
    if (waits(command))
        add_job(command);
    created = create_command(command, child, failure);
    close_handles(command);
    command->created_us = clock_us(command->started);
    return created && check_job(command, child, failure);
}

/* ---- what is said at the start ---- */

static void say_outside(const struct command *command)
{
    struct line line;

    text_put_ascii(line_begin(&line), "--wait-tree waits for the command alone, which cannot be put into a job");
    error_put_code(&line.text, command->job_code, L"");
    text_put_ascii(&line.text, no_job_inside);
    line_print(&line, STD_ERROR_HANDLE);
}

static BOOL is_half_waited_for(const struct command *command)
{
    return has_option(command, OPTION_WAIT_TREE) && command->job_code != ERROR_SUCCESS;
}

static DWORD WINAPI say_start(void *argument)
{
    struct command *command = argument;

    if (is_half_waited_for(command))
        say_outside(command);
    if (has_option(command, OPTION_TRACE))
        show_trace(command);
    if (has_option(command, OPTION_TRACE_JSON))
        show_trace_json(command);
    return 0;
}

static void introduce(struct command *command, const PROCESS_INFORMATION *child)
{
    BOOL traces = has_option(command, OPTION_TRACE) || has_option(command, OPTION_TRACE_JSON);

    command->child_id = child->dwProcessId;
    if (traces)
        command->program = program_of(child->hProcess);
    if (traces || is_half_waited_for(command))
        say_beside(command, say_start);
}

/* ---- what is said at the end ---- */

/* Into the file of --tee too, which is what is read later; and there first, since stderr may have no reader. */
static void say(struct command *command, struct line *line)
{
    const struct sink tee = {.to = command->tee};

    if (command->tee != NULL && command->tee_code == ERROR_SUCCESS)
        command->tee_code = line_write(line, &tee);
    line_print(line, STD_ERROR_HANDLE);
}

static void say_late(struct command *command)
{
    struct line line;

    text_put_ascii(line_begin(&line), command->late);
    text_put_quoted(&line.text, command->options.values[OPTION_TIMEOUT]);
    say(command, &line);
}

/* A long path leaves room for what follows it. */
static void put_place(struct text *text, const wchar_t *what)
{
    enum { ROOM = 256 };

    text_put_quoted(text, what);
    if (text->length > text->capacity - ROOM)
        text->length = text->capacity - ROOM;
}

static void say_loss(struct command *command, const wchar_t *what, DWORD code, const char *option)
{
    struct line line;

    if (code == ERROR_SUCCESS)
        return;
    text_put_ascii(line_begin(&line), "cannot write");
    put_place(&line.text, what);
    error_put_code(&line.text, code, what);
    if (option != NULL)
        text_format(&line.text, " (--%s)", option);
    else if (has_option(command, OPTION_DETACH) && command->child_id != 0)
        text_format(&line.text, " (the command runs, as process %u)", command->child_id);
    say(command, &line);
}

/* The file of --tee comes last: it may be found full only when it is to have one of these lines. */
static void say_losses(struct command *command)
{
    const wchar_t *const *values = command->options.values;
    uint32_t tee = tee_option(command);

    say_loss(command, L"stdout", print_loss(STD_OUTPUT_HANDLE), NULL);
    say_loss(command, L"stderr", print_loss(STD_ERROR_HANDLE), NULL);
    say_loss(command, values[OPTION_TRACE_JSON], command->trace_code, option_table[OPTION_TRACE_JSON].name);
    say_loss(command, values[tee], command->tee_code, option_table[tee].name);
}

static DWORD WINAPI say_end(void *argument)
{
    struct command *command = argument;

    if (command->late != NULL)
        say_late(command);
    if (waits(command) && has_option(command, OPTION_TRACE))
        show_trace_end(command);
    if (waits(command) && has_option(command, OPTION_TRACE_JSON))
        show_trace_json_end(command);
    say_losses(command);
    return 0;
}

/* What this process ends with: a loss is no success. */
static DWORD end_code(const struct command *command)
{
    BOOL lost = print_loss(STD_OUTPUT_HANDLE) != ERROR_SUCCESS || print_loss(STD_ERROR_HANDLE) != ERROR_SUCCESS ||
                command->trace_code != ERROR_SUCCESS || command->tee_code != ERROR_SUCCESS;

    return command->code == 0 && lost ? EXIT_LOST : command->code;
}

/* Where there is no command that has been waited for. */
static DWORD finish(struct command *command, DWORD code)
{
    command->code = code;
    say_losses(command);
    return end_code(command);
}

/* ---- from a suspended child on ---- */

static void print_pid(DWORD process_id)
{
    wchar_t units[16];
    struct text text = {.at = units, .capacity = ARRAYSIZE(units)};

    text_format(&text, "%u\r\n", process_id);
    print(STD_OUTPUT_HANDLE, units, text.length);
}

/* Lets the suspended child run, with somebody who waits for it. When it begins, this process holds nothing of what it
 * was given. */
static BOOL let_run(struct command *command, struct relay *relays, const PROCESS_INFORMATION *child,
                    struct failure *failure)
{
    DWORD code = ERROR_SUCCESS;

    if (command->report != NULL)
        code = report_child(command, child);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
    introduce(command, child);
    if (command->parent != NULL)
        CloseHandle(command->parent);
    if (waits(command)) {
        let_go_of_streams(command);
        start_relays(relays);
    }
    if (resume(command, child->hThread))
        return TRUE;
    code = GetLastError();
    if (waits(command))
        borrow_stderr(&command->options.request, child->hProcess);
    return fail(failure, HANDOFF_STAGE_RESUME, HANDOFF_NO_PASS, code);
}

static DWORD run_command(struct command *command)
{
    struct relay relays[RELAYS] = {{.from = NULL}};
    PROCESS_INFORMATION child;
    struct failure failure;

    if (!start_command(command, relays, &child, &failure))
        return give_up(command, &failure);
    if (!let_run(command, relays, &child, &failure)) {
        DWORD code;

        child_end(&child);
        code = give_up(command, &failure);
        finish_relays(relays, INFINITE);
        return code;
    }
    CloseHandle(child.hThread);
    if (has_option(command, OPTION_DETACH))
        print_pid(child.dwProcessId);
    if (waits(command))
        stand_in(command, relays, child.hProcess);
    say_at_end(command, say_end);
    return end_code(command);
}

/* ---- the program ---- */

static DWORD print_text(const struct options *options)
{
    wchar_t *topic = allocate((text_length(options->after_help) + 1) * sizeof *topic);

    if (options->values[OPTION_VERSION] != NULL) {
        print_ascii(STD_OUTPUT_HANDLE, version);
        return 0;
    }
    if (topic == NULL)
        return EXIT_HANDOFF;
    line_argument(options->after_help, topic);
    if (show_help(topic))
        return 0;
    complain("help is about sources, sinks, running and codes, not", topic);
    return EXIT_HANDOFF;
}

static DWORD run_line(const wchar_t *line)
{
    struct command command = {.started = clock_now()};
    void *memory;

    GetStartupInfoW(&command.startup);
    command.options.room = STREAM_COUNT + 1 + count_startup_descriptors(&command.startup);
    memory = allocate(options_memory(line, command.options.room));
    if (memory == NULL) {
        complain("no memory: Win32 error 8; nothing was stolen", NULL);
        return EXIT_HANDOFF;
    }
    if (!options_parse(&command.options, line, memory))
        return refuse(&command.options, line);
    if (command.options.request.command_line == NULL)
        return finish(&command, print_text(&command.options));
    if (!check_options(&command))
        return refuse(&command.options, line);
    return has_option(&command, OPTION_DRY_RUN) ? finish(&command, show_plan(&command)) : run_command(&command);
}

/* The process' entry point: there is no C runtime, for which a waiting command would pay. */
void WINAPI program_start(void);
void WINAPI program_start(void)
{
    ExitProcess(run_line(GetCommandLineW()));
}
