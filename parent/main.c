#include "command.h"

#include "cmdline.h"
#include "environment.h"
#include "heap.h"
#include "process.h"
#include "voice.h"

const char program_name[] = "handoff";

static const char version[] = "handoff " HANDOFF_VERSION "\r\n";

enum { EXIT_TIMED_OUT = 124 };

/* ---- what goes wrong ---- */

static void put_error(struct line *line, const struct handoff_error *error)
{
    struct text *text = line_begin(line);

    text->length += handoff_error_text(error, text->at + text->length, text->capacity - text->length);
}

void complain_of_error(const struct handoff_error *error)
{
    struct line line;

    put_error(&line, error);
    line_print(&line, STD_ERROR_HANDLE);
}

static void complain_of_source(const struct source *source, const wchar_t *name, DWORD code)
{
    struct handoff_error error = {.stage = HANDOFF_STAGE_OPEN, .code = code};
    struct text subject = {.at = error.subject, .capacity = ARRAYSIZE(error.subject)};
    struct line line;

    text_put(&subject, source->what);
    text_end(&subject);
    put_error(&line, &error);
    text_format(&line.text, " (--%s %w)", options[source->option].name, name);
    if (code == ERROR_SHARING_VIOLATION)
        put_users(&line.text, source->what);
    line_print(&line, STD_ERROR_HANDLE);
}

static void complain_of_option(const struct prefix *prefix)
{
    const wchar_t *word = prefix->subject;
    const char *nearest = NULL;
    struct line line;
    struct text *text = line_begin(&line);

    text_put_ascii(text, prefix->fault);
    if (word != NULL)
        text_put_quoted(text, word);
    if (word != NULL && word[0] == L'-' && word[1] == L'-')
        nearest = nearest_option(word);
    if (nearest != NULL && !text_equal_ascii(word + 2, nearest))
        text_format(text, ": --%s?", nearest);
    line_print(&line, STD_ERROR_HANDLE);
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

static BOOL check_sources(struct prefix *prefix)
{
    for (uint32_t i = 0; i < prefix->request.pass_count && prefix->fault == NULL; i++) {
        prefix->fault = find_source_fault(&prefix->sources[i]);
        prefix->subject = prefix->sources[i].what;
    }
    return prefix->fault == NULL;
}

static BOOL check_options(struct command *command)
{
    struct prefix *prefix = &command->prefix;
    const wchar_t *timeout = prefix->values[OPTION_TIMEOUT], *directory = prefix->values[OPTION_DIR];
    BOOL waits = timeout != NULL || prefix->values[OPTION_RELAY] != NULL || prefix->values[OPTION_KILL_ON_EXIT] != NULL;

    command->timeout_ms = INFINITE;
    if (timeout != NULL && !parse_duration(timeout, &command->timeout_ms)) {
        prefix->fault = "not a time such as 500ms, 10s, 5m or 1h:";
        prefix->subject = timeout;
    } else if (prefix->values[OPTION_DETACH] != NULL && waits) {
        prefix->fault = "--detach does not wait, so --timeout, --relay and --kill-on-exit mean nothing with it";
        prefix->subject = NULL;
    } else if (directory != NULL && !is_directory(directory)) {
        prefix->fault = "--dir is no directory:";
        prefix->subject = directory;
    }
    return prefix->fault == NULL && check_sources(prefix);
}

/* ---- handles ---- */

static wchar_t *rewrite_line(const wchar_t *line, struct pass *pass)
{
    wchar_t nowhere[1];
    struct text text = {.at = nowhere, .capacity = 1};

    line_rewrite(&text, line, pass, 1);
    text = (struct text){.capacity = text.length + 1, .at = allocate((text.length + 1) * sizeof *text.at)};
    if (text.at != NULL) {
        line_rewrite(&text, line, pass, 1);
        text_end(&text);
    }
    return text.at;
}

static wchar_t *rewrite_variables(const wchar_t *variables, struct pass *pass)
{
    wchar_t nowhere[1];
    struct text text = {.at = nowhere, .capacity = 1};

    environment_rewrite(&text, variables, pass, 1);
    text = (struct text){.capacity = text.length + 1, .at = allocate((text.length + 1) * sizeof *text.at)};
    if (text.at != NULL) {
        environment_rewrite(&text, variables, pass, 1);
        text_end(&text);
    }
    return text.at;
}

/* NAME.port is a placeholder that only handoff knows, so it is replaced here. */
static BOOL put_port(struct command *command, const wchar_t *name, WORD number)
{
    struct text text = {.at = allocate((text_length(name) + 8) * sizeof *text.at), .capacity = text_length(name) + 8};
    struct pass port = {.name = text.at, .number = number};

    if (text.at == NULL)
        return FALSE;
    text_format(&text, "%w.port", name);
    text_end(&text);
    request_index(&port, 1);
    command->line = rewrite_line(command->line, &port);
    if (command->variables != NULL)
        command->variables = rewrite_variables(command->variables, &port);
    release(text.at);
    return command->line != NULL;
}

/* Last of all that can go wrong with the options, since a file that is opened for writing is emptied. */
static BOOL open_sources(struct command *command)
{
    const struct request *request = &command->prefix.request;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct source *source = &command->prefix.sources[i];
        WORD port;
        HANDLE handle = open_source(source, &port);

        if (handle == NULL) {
            complain_of_source(source, request->passes[i].name, GetLastError());
            return FALSE;
        }
        command->passes[command->pass_count++] = (struct handoff_pass){.name = request->passes[i].name,
                                                                       .handle = handle,
                                                                       .streams = request->passes[i].streams,
                                                                       .descriptor = request->passes[i].descriptor};
        if (port != 0 && !put_port(command, request->passes[i].name, port))
            return FALSE;
    }
    return TRUE;
}

static void close_passes(struct command *command)
{
    for (DWORD i = 0; i < command->pass_count; i++)
        CloseHandle(command->passes[i].handle);
}

/* While it waits, handoff holds nothing that it was given either. */
static void drop_own_handles(const struct command *command)
{
    for (uint32_t i = 0; i < command->prefix.request.pass_count; i++)
        close_own(&command->prefix.sources[i]);
    let_go();
}

/* ---- running ---- */

static const wchar_t *start_directory(const struct command *command, wchar_t *system)
{
    if (command->prefix.values[OPTION_DIR] != NULL)
        return command->prefix.values[OPTION_DIR];
    if (command->prefix.values[OPTION_DETACH] == NULL || GetSystemDirectoryW(system, MAX_PATH) == 0)
        return NULL;
    return system;
}

static DWORD unclaimed_streams(const struct command *command)
{
    DWORD streams = HANDOFF_STDIN | HANDOFF_STDOUT | HANDOFF_STDERR;

    for (DWORD i = 0; i < command->pass_count; i++)
        streams &= ~command->passes[i].streams;
    return streams;
}

static BOOL spawn(struct command *command, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    const struct prefix *prefix = &command->prefix;
    wchar_t system[MAX_PATH];
    STARTUPINFOW startup;
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = command->line,
                                      .variables = command->variables,
                                      .directory = start_directory(command, system),
                                      .creation_flags = CREATE_SUSPENDED | GetPriorityClass(GetCurrentProcess()),
                                      .startup = &startup,
                                      .passes = command->passes,
                                      .pass_count = command->pass_count,
                                      .closed_streams = prefix->request.closed_streams,
                                      .seal_all = prefix->values[OPTION_SEAL] != NULL,
                                      .numbers = command->numbers,
                                      .trace = &command->trace};

    GetStartupInfoW(&startup);
    if (prefix->values[OPTION_DETACH] != NULL) {
        request.creation_flags |= DETACHED_PROCESS;
        request.closed_streams = unclaimed_streams(command);
        startup.lpReserved2 = NULL;
        startup.cbReserved2 = 0;
    }
    return handoff_spawn(&request, child, error);
}

static void show(const struct command *command, DWORD child_id)
{
    if (command->prefix.values[OPTION_TRACE] != NULL)
        show_trace(command, child_id);
    if (command->prefix.values[OPTION_TRACE_JSON] != NULL)
        show_trace_json(command, child_id);
}

/* The command's own children may outlive us, unless an option says otherwise. */
static HANDLE bind(const struct command *command, HANDLE process)
{
    BOOL whole_tree =
        command->prefix.values[OPTION_KILL_ON_EXIT] != NULL || command->prefix.values[OPTION_TIMEOUT] != NULL;

    if (command->prefix.values[OPTION_DETACH] != NULL)
        return NULL;
    return bind_child(process, whole_tree ? 0 : JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK);
}

static void end_tree(HANDLE job, HANDLE process)
{
    if (job == NULL || !TerminateJobObject(job, EXIT_TIMED_OUT))
        TerminateProcess(process, EXIT_TIMED_OUT);
    WaitForSingleObject(process, INFINITE);
}

/* After its own end the command's children may go on, unless they are to be killed. */
static void spare_tree(const struct command *command, HANDLE job)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION none = {0};

    if (job != NULL && command->prefix.values[OPTION_KILL_ON_EXIT] == NULL)
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, &none, sizeof none);
}

static DWORD wait(const struct command *command, struct relay *relays, HANDLE job, HANDLE process)
{
    BOOL in_time = relay_until_exit(relays, process, command->timeout_ms);

    if (in_time)
        spare_tree(command, job);
    else
        end_tree(job, process);
    finish_relays(relays);
    return in_time ? wait_for_exit(process) : EXIT_TIMED_OUT;
}

static DWORD print_pid(DWORD process_id)
{
    wchar_t units[16];
    struct text text = {.at = units, .capacity = ARRAYSIZE(units)};

    text_format(&text, "%u\r\n", process_id);
    print(STD_OUTPUT_HANDLE, units, text.length);
    return 0;
}

static DWORD run_child(struct command *command, struct relay *relays)
{
    struct handoff_error error;
    PROCESS_INFORMATION child;
    HANDLE job;

    if (!spawn(command, &child, &error)) {
        complain_of_error(&error);
        return error_exit_code(&error);
    }
    job = bind(command, child.hProcess);
    show(command, child.dwProcessId);
    close_passes(command);
    if (command->prefix.values[OPTION_DETACH] == NULL) {
        drop_own_handles(command);
        start_relays(relays);
    }
    /* When the command begins it finds nothing held by us. */
    ResumeThread(child.hThread);
    CloseHandle(child.hThread);
    if (command->prefix.values[OPTION_DETACH] != NULL)
        return print_pid(child.dwProcessId);
    return wait(command, relays, job, child.hProcess);
}

static DWORD run(struct command *command)
{
    struct relay relays[2] = {{.from = NULL}};
    DWORD code = ERROR_SUCCESS;

    if (!open_sources(command))
        return EXIT_HANDOFF;
    if (command->prefix.values[OPTION_RELAY] != NULL)
        code = make_relays(command, relays);
    if (code != ERROR_SUCCESS) {
        complain_of_error(&(struct handoff_error){.stage = HANDOFF_STAGE_PREPARE, .code = code});
        return EXIT_HANDOFF;
    }
    outlive_console_events();
    return run_child(command, relays);
}

static BOOL allocate_passes(struct command *command)
{
    size_t most = (size_t)command->prefix.request.pass_count + STREAM_COUNT;

    command->passes = allocate(most * sizeof *command->passes);
    command->numbers = allocate(most * sizeof *command->numbers);
    command->line = (wchar_t *)(UINT_PTR)command->prefix.request.command_line;
    command->variables = (wchar_t *)(UINT_PTR)command->prefix.request.variables;
    if (command->passes != NULL && command->numbers != NULL)
        return TRUE;
    complain("out of memory", NULL);
    return FALSE;
}

static DWORD print_text(const struct prefix *prefix)
{
    wchar_t *topic = allocate((text_length(prefix->after_help) + 1) * sizeof *topic);

    if (prefix->values[OPTION_VERSION] != NULL) {
        print_ascii(STD_OUTPUT_HANDLE, version);
        return 0;
    }
    if (topic == NULL)
        return EXIT_HANDOFF;
    line_argument(prefix->after_help, topic);
    if (show_help(topic))
        return 0;
    complain("help is about sources, sinks, running and codes, not", topic);
    return EXIT_HANDOFF;
}

static DWORD run_line(const wchar_t *line)
{
    struct command command = {.prefix = {.options = options, .option_count = OPTION_END}};
    void *memory = allocate(prefix_memory(line, 0));

    if (memory == NULL) {
        complain("out of memory", NULL);
        return EXIT_HANDOFF;
    }
    if (!prefix_parse(&command.prefix, line, memory) || !check_options(&command)) {
        complain_of_option(&command.prefix);
        return EXIT_HANDOFF;
    }
    if (command.prefix.request.command_line == NULL)
        return print_text(&command.prefix);
    if (command.prefix.values[OPTION_DRY_RUN] != NULL)
        return show_plan(&command);
    return allocate_passes(&command) ? run(&command) : EXIT_HANDOFF;
}

/* The process' entry point: there is no C runtime, for which a waiting command would pay. */
void WINAPI command_start(void);
void WINAPI command_start(void)
{
    ExitProcess(run_line(GetCommandLineW()));
}
