#include "command.h"

#include "clock.h"
#include "cmdline.h"
#include "descriptor.h"
#include "environment.h"
#include "error.h"
#include "heap.h"
#include "startup.h"
#include "steal.h"
#include "stream.h"
#include "voice.h"

static const char version[] = "handoff " HANDOFF_VERSION "\r\n";

/* ---- what goes wrong ---- */

static const char nothing_stolen[] = "; nothing was stolen";

BOOL mistake(struct command *command, const char *fault, const wchar_t *subject)
{
    command->options.fault = fault;
    command->options.subject = subject;
    return FALSE;
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
        text_put_ascii(text, nothing_stolen);
    line_print(&out, STD_ERROR_HANDLE);
    return EXIT_HANDOFF;
}

/* A source is named as it stands in the line, and by its option. */
static void put_failure(struct text *text, const struct command *command, const struct failure *failure,
                        struct handoff_error *error)
{
    const struct request *request = &command->options.request;
    const struct source *source = failure->stage == HANDOFF_STAGE_OPEN ? &command->options.sources[failure->pass] : NULL;
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};

    error_describe(error, request, failure->stage, failure->pass, failure->code);
    if (source != NULL) {
        text_put(&subject, source->what);
        text_end(&subject);
    }
    text->length += handoff_error_text(error, text->at + text->length, text->capacity - text->length);
    if (source != NULL)
        text_format(text, " (--%s %w)", option_table[source->option].name, request->passes[failure->pass].name);
    if (source != NULL && failure->code == ERROR_SHARING_VIOLATION)
        put_users(text, source->what);
}

/* Says why on stderr and, if there is one, in the report. Returns the exit code: 125 only if nothing was stolen. */
static DWORD give_up(const struct command *command, const struct failure *failure)
{
    struct handoff_error error = {0};
    struct line line;
    struct text *text = line_begin(&line);
    DWORD code;

    put_failure(text, command, failure, &error);
    code = error_exit_code(&error);
    if (code == EXIT_HANDOFF && command->stolen)
        code = EXIT_CANNOT_RUN;
    if (code == EXIT_HANDOFF && has_option(command, OPTION_PARENT))
        text_put_ascii(text, nothing_stolen);
    text_end(text);
    report_error(command, code, text->at);
    line_print(&line, STD_ERROR_HANDLE);
    return code;
}

/* ---- options ---- */

/* 500ms, 10s, 5m, 1h; without a unit seconds. */
static BOOL parse_duration(const wchar_t *text, DWORD *ms)
{
    static const struct {
        char unit[3];
        DWORD ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    uint64_t number;
    const wchar_t *unit = text_parse_number(text, &number);

    for (size_t i = 0; unit != NULL && i < ARRAYSIZE(units); i++) {
        if (!text_equal_ascii(unit, units[i].unit) || number > (INFINITE - 1) / units[i].ms)
            continue;
        *ms = (DWORD)number * units[i].ms;
        return TRUE;
    }
    return FALSE;
}

static BOOL is_directory(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);

    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

static BOOL check_sources(struct command *command)
{
    const char *fault;

    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        fault = find_source_fault(&command->options.sources[i]);
        if (fault != NULL)
            return mistake(command, fault, command->options.sources[i].what);
    }
    return TRUE;
}

static BOOL check_options(struct command *command)
{
    const wchar_t *timeout = command->options.values[OPTION_TIMEOUT], *directory = command->options.values[OPTION_DIR];
    BOOL waits = timeout != NULL || has_option(command, OPTION_RELAY) || has_option(command, OPTION_KILL_ON_EXIT);

    command->timeout_ms = INFINITE;
    if (timeout != NULL && !parse_duration(timeout, &command->timeout_ms))
        return mistake(command, "not a time such as 500ms, 10s, 5m or 1h:", timeout);
    if (has_option(command, OPTION_DETACH) && waits)
        return mistake(command, "--detach does not wait, so --timeout, --relay and --kill-on-exit mean nothing with it",
                       NULL);
    if (has_option(command, OPTION_REPORT) && (waits || has_option(command, OPTION_DETACH)))
        return mistake(command,
                       "--report leaves the waiting to the parent: no --timeout, --relay, --kill-on-exit or --detach",
                       NULL);
    if (directory != NULL && !is_directory(directory))
        return mistake(command, "--dir is no directory:", directory);
    return check_sources(command) && check_parent_options(command);
}

/* ---- the command's handles ---- */

static DWORD open_pass(struct command *command, uint32_t i, struct pass *port)
{
    const struct source *source = &command->options.sources[i];
    WORD number = 0;
    HANDLE handle;
    DWORD code;

    if (is_of_parent(source)) {
        code = copy_from_parent(command, source, &handle);
    } else {
        handle = open_source(source, &number);
        code = handle != NULL ? ERROR_SUCCESS : GetLastError();
    }
    command->options.request.passes[i].number = (uint32_t)handle_number(handle);
    port->number = number;
    return code;
}

/* Last of all that can go wrong with the options, since a file that is opened for writing is emptied; and what comes out
 * of a process before what is opened. */
static BOOL open_passes(struct command *command, struct pass *ports, struct failure *failure)
{
    for (int of_parent = 1; of_parent >= 0; of_parent--) {
        for (uint32_t i = 0; i < command->declared; i++) {
            DWORD code = ERROR_SUCCESS;

            if (is_of_parent(&command->options.sources[i]) == of_parent)
                code = open_pass(command, i, &ports[i]);
            if (code != ERROR_SUCCESS)
                return fail(failure, of_parent ? HANDOFF_STAGE_STEAL : HANDOFF_STAGE_OPEN, i, code);
        }
    }
    return TRUE;
}

/* ---- {NAME.port}, which only the prefix knows ---- */

/* A pass for each declared one, with the port's name for its own; and the names. NULL if there is no memory. */
static struct pass *make_ports(const struct request *request)
{
    size_t units = 0;
    struct pass *ports;
    struct text names;

    for (uint32_t i = 0; i < request->pass_count; i++)
        units += text_length(request->passes[i].name) + sizeof ".port";
    ports = allocate((request->pass_count + 1) * sizeof *ports + units * sizeof *names.at);
    if (ports == NULL)
        return NULL;
    names = (struct text){.at = (wchar_t *)(void *)(ports + request->pass_count + 1), .capacity = units + 1};
    for (uint32_t i = 0; i < request->pass_count; i++) {
        ports[i].name = names.at + names.length;
        text_format(&names, "%w.port", request->passes[i].name);
        text_put_unit(&names, L'\0');
    }
    return ports;
}

/* Only sockets have one: the others' names go, so that their braces stay. */
static uint32_t keep_sockets(struct pass *ports, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (ports[i].number != 0)
            ports[kept++] = ports[i];
    }
    request_index(ports, kept);
    return kept;
}

static BOOL rewrite_ports(struct request *request, struct pass *ports, uint32_t count)
{
    struct text line = {.at = allocate(LINE_CAPACITY * sizeof *line.at), .capacity = LINE_CAPACITY}, variables = {0};
    wchar_t nowhere[1];

    if (line.at == NULL)
        return FALSE;
    line_rewrite(&line, request->command_line, ports, count);
    text_end(&line);
    request->command_line = line.at;
    if (request->variables == NULL)
        return TRUE;
    variables = (struct text){.at = nowhere, .capacity = 1};
    environment_rewrite(&variables, request->variables, ports, count);
    variables = (struct text){.capacity = variables.length + 1,
                              .at = allocate((variables.length + 1) * sizeof *variables.at)};
    if (variables.at == NULL)
        return FALSE;
    environment_rewrite(&variables, request->variables, ports, count);
    text_end(&variables);
    request->variables = variables.at;
    return TRUE;
}

/* Opens everything, and puts the ports of what turned out to be a socket into line and variables. */
static BOOL open_sources(struct command *command, struct failure *failure)
{
    struct request *request = &command->options.request;
    struct pass *ports = make_ports(request);
    uint32_t count;

    if (ports == NULL)
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    if (!open_passes(command, ports, failure))
        return FALSE;
    count = keep_sockets(ports, command->declared);
    if (count > 0 && !rewrite_ports(request, ports, count))
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    release(ports);
    return TRUE;
}

/* ---- the command's start ---- */

/* This process' own streams are passes as they are: a copy of each would only be one more to close. One that is not
 * open is none, as it is for CreateProcessW; two that are one handle stay one. Returns a Win32 code, of the pass behind
 * the last. */
static DWORD add_stream(struct command *command, int stream)
{
    struct request *request = &command->options.request;
    HANDLE own = GetStdHandle(stream_id(stream));
    uint32_t number = (uint32_t)handle_number(own), i = command->own;
    DWORD flags;

    if (!handle_can_travel(handle_number(own)))
        return ERROR_SUCCESS;
    while (i < request->pass_count && request->passes[i].number != number)
        i++;
    if (i == request->pass_count) {
        request->passes[i] = (struct pass){.number = number, .streams = 1u << stream};
        if (!GetHandleInformation(own, &flags))
            return GetLastError() == ERROR_INVALID_HANDLE ? ERROR_SUCCESS : GetLastError();
        request->pass_count++;
    }
    request->passes[i].streams |= 1u << stream;
    return ERROR_SUCCESS;
}

/* Nor is one inheritable that the command does not get. */
static DWORD add_streams(struct command *command)
{
    struct request *request = &command->options.request;
    uint32_t claimed = request_claimed_streams(request);
    DWORD code = ERROR_SUCCESS;

    command->own = request->pass_count;
    for (int stream = 0; stream < STREAM_COUNT && code == ERROR_SUCCESS; stream++) {
        if ((claimed >> stream & 1) == 0)
            code = add_stream(command, stream);
        else
            SetHandleInformation(GetStdHandle(stream_id(stream)), HANDLE_FLAG_INHERIT, 0);
    }
    command->own_end = request->pass_count;
    return code;
}

static void close_all_but_streams(const struct command *command)
{
    const struct request *request = &command->options.request;

    close_passes(request, 0, command->own);
    close_passes(request, command->own_end, request->pass_count);
}

/* What the command gets without being named: streams and descriptors of this process, or relays instead. */
static BOOL add_own(struct command *command, struct relay *relays, struct failure *failure)
{
    struct request *request = &command->options.request;
    DWORD code = ERROR_SUCCESS;

    if (has_option(command, OPTION_DETACH))
        request->closed_streams |= ~request_claimed_streams(request) & ((1u << STREAM_COUNT) - 1);
    else if (has_option(command, OPTION_RELAY))
        code = make_relays(request, relays);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
    code = add_streams(command);
    if (code == ERROR_SUCCESS && !has_option(command, OPTION_DETACH))
        code = append_descriptors(request, &command->startup, GetCurrentProcess(), FALSE);
    if (code != ERROR_SUCCESS) /* of the pass that could not be made */
        return fail(failure, HANDOFF_STAGE_STEAL, request->pass_count++, code);
    return TRUE;
}

static wchar_t *system_directory(void)
{
    static wchar_t path[MAX_PATH];

    return GetSystemDirectoryW(path, ARRAYSIZE(path)) != 0 ? path : NULL;
}

/* Everything that a process hands on by being one. A high priority class, alone of these, is not inherited. */
static void set_surroundings(struct command *command)
{
    struct request *request = &command->options.request;

    take_startup(request, &command->startup);
    request->creation_flags = GetPriorityClass(GetCurrentProcess());
    request->directory = command->options.values[OPTION_DIR];
    if (has_option(command, OPTION_DETACH)) {
        request->creation_flags |= DETACHED_PROCESS;
        if (request->directory == NULL)
            request->directory = system_directory();
    }
    for (uint32_t i = 0; has_option(command, OPTION_SEAL) && i < request->pass_count; i++)
        request->passes[i].flags |= PASS_SEALED;
}

/* From options to a suspended child that alone has the handles that were opened. */
static BOOL start_command(struct command *command, struct relay *relays, PROCESS_INFORMATION *child,
                          struct failure *failure)
{
    struct request *request = &command->options.request;
    BOOL whole_tree = has_option(command, OPTION_KILL_ON_EXIT) || command->timeout_ms != INFINITE, created;

    if (!reach_parent(command, failure) || !open_sources(command, failure) || !add_own(command, relays, failure))
        return FALSE;
    close_stolen(command);
    command->opened_us = clock_us(command->started);
    let_go_of_inherited(&command->options);
    set_surroundings(command);
    if (!has_option(command, OPTION_DETACH) && command->report == NULL)
        command->job = make_job(whole_tree);
    created = create_child(request, &(struct terms){.expose = TRUE, .job = command->job}, child, failure);
    close_all_but_streams(command);
    command->created_us = clock_us(command->started);
    return created;
}

/* ---- from then on ---- */

static void show(const struct command *command, DWORD child_id)
{
    if (has_option(command, OPTION_TRACE))
        show_trace(command, child_id);
    if (has_option(command, OPTION_TRACE_JSON))
        show_trace_json(command, child_id);
}

static DWORD print_pid(DWORD process_id)
{
    wchar_t units[16];
    struct text text = {.at = units, .capacity = ARRAYSIZE(units)};

    text_format(&text, "%u\r\n", process_id);
    print(STD_OUTPUT_HANDLE, units, text.length);
    return 0;
}

/* From a suspended child to one that runs and has somebody who waits for it. When it begins, it finds nothing held
 * by this process. */
static BOOL let_run(const struct command *command, struct relay *relays, const PROCESS_INFORMATION *child,
                    struct failure *failure)
{
    DWORD code = ERROR_SUCCESS;
    BOOL leaves = command->report != NULL || has_option(command, OPTION_DETACH);

    if (command->report != NULL)
        code = report_child(command, child);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
    show(command, child->dwProcessId);
    if (command->parent != NULL)
        CloseHandle(command->parent);
    if (!leaves) {
        let_go_of_streams();
        start_relays(relays);
    }
    if (ResumeThread(child->hThread) != (DWORD)-1)
        return TRUE;
    code = GetLastError();
    if (!leaves)
        borrow_stderr(&command->options.request, child->hProcess);
    return fail(failure, HANDOFF_STAGE_RESUME, HANDOFF_NO_PASS, code);
}

static DWORD run_command(struct command *command)
{
    struct relay relays[RELAYS] = {{.from = NULL}};
    PROCESS_INFORMATION child;
    struct failure failure;

    outlive_console_events();
    command->declared = command->options.request.pass_count;
    if (!start_command(command, relays, &child, &failure))
        return give_up(command, &failure);
    if (!let_run(command, relays, &child, &failure)) {
        DWORD code;

        TerminateProcess(child.hProcess, ERROR_PROCESS_ABORTED);
        code = give_up(command, &failure);
        finish_relays(relays);
        return code;
    }
    CloseHandle(child.hThread);
    if (has_option(command, OPTION_DETACH))
        return print_pid(child.dwProcessId);
    return command->report != NULL ? 0 : stand_in(command, relays, child.hProcess);
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
    command.options.room = STREAM_COUNT + count_startup_descriptors(&command.startup);
    memory = allocate(options_memory(line, command.options.room));
    if (memory == NULL) {
        complain("no memory: Win32 error 8; nothing was stolen", NULL);
        return EXIT_HANDOFF;
    }
    if (!options_parse(&command.options, line, memory))
        return refuse(&command.options, line);
    if (command.options.request.command_line == NULL)
        return print_text(&command.options);
    if (!check_options(&command))
        return refuse(&command.options, line);
    return has_option(&command, OPTION_DRY_RUN) ? show_plan(&command) : run_command(&command);
}

/* The process' entry point: there is no C runtime, for which a waiting command would pay. */
void WINAPI program_start(void);
void WINAPI program_start(void)
{
    ExitProcess(run_line(GetCommandLineW()));
}
