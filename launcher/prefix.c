/*
 * The prefix door.
 *
 * There is no claim page here, so the contract is plain. First everything that can be found out is:
 * bad options, a parent that is not there, a number that is not open end with EXIT_HANDOFF, and nothing
 * was stolen. Then every number that --steal names is closed in the parent, and the launcher ends with
 * the child's exit code, EXIT_CANNOT_RUN or EXIT_NOT_FOUND.
 *
 * Each handle is copied first, and the copy is what the child gets: a copy of a number that is not the
 * one meant hurts nobody. Stealing is then only the closing of the parent's.
 */
#include "prefix.h"

#include "clock.h"
#include "cmdline.h"
#include "descriptor.h"
#include "error.h"
#include "heap.h"
#include "launcher.h"
#include "process.h"
#include "steal.h"
#include "startup.h"
#include "stream.h"
#include "trace.h"
#include "voice.h"

const char program_name[] = "handoff-launcher";

enum { OPTION_PARENT = OPTION_OWN, OPTION_STEAL, OPTION_COPY, OPTION_REPORT };

static const struct option options[] = {OPTIONS_OF_BOTH,
                                        {"parent", OPTION_VALUE},
                                        {"steal", OPTION_SOURCE},
                                        {"copy", OPTION_SOURCE},
                                        {"report", OPTION_VALUE}};

static const char help[] =
    "handoff-launcher [--parent PID[:CREATED]] [--steal|--copy NAME=HANDLE]...\r\n"
    "  [--stdin|--stdout|--stderr NAME] [--fd NUMBER=NAME]... [--seal]\r\n"
    "  [--env VARIABLE=TEXT] [--unset VARIABLE]... [--report HANDLE] [--trace] -- COMMAND LINE\r\n"
    "{NAME} becomes the handle's number, {NAME:x} hexadecimal. Exit code: the command's;\r\n"
    "127 not found, 126 cannot be run, 125 nothing was stolen.\r\n";

static const char version[] = "handoff-launcher " HANDOFF_VERSION "\r\n";

struct door {
    struct prefix prefix;
    DWORD parent_id;
    HANDLE parent;
    HANDLE report; /* a pipe; NULL: the launcher stands in for the child */
    STARTUPINFOW startup;
    BOOL stolen;      /* what --steal names is gone */
    LONGLONG started; /* clock_now() */
    DWORD copied_us, created_us;
};

/* ---- saying things ---- */

static const char nothing_stolen[] = "; nothing was stolen";

static DWORD refuse(const struct prefix *prefix)
{
    struct line line;

    text_format(line_begin(&line), prefix->subject != NULL ? "%s%q%s" : "%s%s%s", prefix->fault,
                prefix->subject != NULL ? prefix->subject : (const void *)"", nothing_stolen);
    line_print(&line, STD_ERROR_HANDLE);
    return EXIT_HANDOFF;
}

/* UTF-8, whatever the code page: programs read it. Returns a Win32 code. */
static DWORD write_report(const struct door *door, const struct text *report)
{
    size_t capacity = 3 * report->length + 1;
    char *bytes = allocate(capacity);
    DWORD size, written, code = ERROR_SUCCESS;

    if (bytes == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    size = (DWORD)WideCharToMultiByte(CP_UTF8, 0, report->at, (int)report->length, bytes, (int)capacity, NULL, NULL);
    if (size == 0 || !WriteFile(door->report, bytes, size, &written, NULL))
        code = GetLastError();
    else if (written != size)
        code = ERROR_WRITE_FAULT;
    release(bytes);
    return code;
}

/* Says why on stderr and, if there is one, in the report. Returns the exit code. */
static DWORD give_up(struct door *door, const struct failure *failure)
{
    struct handoff_error error = {0};
    struct line line;
    struct text *text = line_begin(&line),
                report = {.at = allocate(2 * sizeof line), .capacity = 2 * ARRAYSIZE(line.units)};
    DWORD code = EXIT_HANDOFF;

    error_describe(&error, &door->prefix.request, failure->stage, failure->pass, failure->code);
    if (door->stolen)
        code = error_exit_code(&error) == EXIT_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
    text->length += handoff_error_text(&error, text->at + text->length, text->capacity - text->length);
    if (!door->stolen)
        text_put_ascii(text, nothing_stolen);
    if (door->report != NULL && report.at != NULL && text_end(text)) {
        text_format(&report, "error=%u\nmessage=%w\n", code, text->at);
        write_report(door, &report);
    }
    line_print(&line, STD_ERROR_HANDLE);
    return code;
}

static void trace(const struct door *door, const PROCESS_INFORMATION *child)
{
    const struct request *request = &door->prefix.request;
    struct way way = {
        .parent_id = door->parent_id, .launcher_id = GetCurrentProcessId(), .child_id = child->dwProcessId};

    for (uint32_t i = 0; i < request->pass_count; i++) {
        uint64_t in_parent = 0;

        if (request->passes[i].name != NULL)
            text_parse_number(door->prefix.sources[i].what, &in_parent);
        trace_handle(&way, &request->passes[i], (uint32_t)in_parent, request->passes[i].number);
    }
    trace_command_line(request);
    trace_time("handles taken", door->copied_us);
    trace_time("child created", door->created_us);
}

/* ---- the parent ---- */

static BOOL mistake(struct door *door, const char *fault, const wchar_t *subject)
{
    door->prefix.fault = fault;
    door->prefix.subject = subject;
    return FALSE;
}

static BOOL parse_handle(const wchar_t *text, uint64_t *number)
{
    text = text_parse_number(text, number);
    return text != NULL && *text == L'\0' && handle_can_travel(*number);
}

/* PID or PID:CREATED. */
static BOOL parse_parent(const wchar_t *text, DWORD *process_id, uint64_t *created)
{
    uint64_t number;

    *created = 0;
    text = text_parse_number(text, &number);
    *process_id = (DWORD)number;
    if (text != NULL && *text == L':') {
        text = text_parse_number(text + 1, created);
        if (*created == 0) /* would be taken for "not known" */
            return FALSE;
    }
    return text != NULL && *text == L'\0' && number == *process_id;
}

/* The second steal of a number would take what somebody else has got it for meanwhile. */
static BOOL is_stolen_before(const struct prefix *prefix, uint32_t pass, uint64_t number)
{
    uint64_t earlier;

    if (prefix->sources[pass].option != OPTION_STEAL)
        return FALSE;
    for (uint32_t i = 0; i < pass; i++) {
        if (prefix->sources[i].option == OPTION_STEAL && parse_handle(prefix->sources[i].what, &earlier) &&
            earlier == number)
            return TRUE;
    }
    return FALSE;
}

static BOOL check_options(struct door *door)
{
    const struct prefix *prefix = &door->prefix;
    uint64_t number;

    if (prefix->values[OPTION_PARENT] == NULL &&
        (prefix->request.pass_count > 0 || prefix->values[OPTION_REPORT] != NULL))
        return mistake(door, "handles of which process? --parent PID is missing", NULL);
    if (prefix->values[OPTION_PARENT] != NULL &&
        !parse_parent(prefix->values[OPTION_PARENT], &door->parent_id, &number))
        return mistake(door, "not PID or PID:CREATED:", prefix->values[OPTION_PARENT]);
    if (prefix->values[OPTION_REPORT] != NULL && !parse_handle(prefix->values[OPTION_REPORT], &number))
        return mistake(door, "not the number of a handle:", prefix->values[OPTION_REPORT]);
    for (uint32_t i = 0; i < prefix->request.pass_count; i++) {
        if (!parse_handle(prefix->sources[i].what, &number))
            return mistake(door, "not the number of a handle:", prefix->sources[i].what);
        if (is_stolen_before(prefix, i, number))
            return mistake(door, "stolen twice:", prefix->sources[i].what);
    }
    return TRUE;
}

static BOOL reach_parent(struct door *door, struct failure *failure)
{
    const struct prefix *prefix = &door->prefix;
    uint64_t number;
    DWORD code;

    if (prefix->values[OPTION_PARENT] == NULL)
        return TRUE;
    parse_parent(prefix->values[OPTION_PARENT], &door->parent_id, &number);
    code = open_owner(door->parent_id, number, &door->parent);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_CONNECT, HANDOFF_NO_PASS, code);
    if (prefix->values[OPTION_REPORT] == NULL)
        return TRUE;
    parse_handle(prefix->values[OPTION_REPORT], &number);
    code = copy(door->parent, number, FALSE, &door->report);
    return code == ERROR_SUCCESS || fail(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
}

/* Whether a steal would leave it open in the parent. If so this copy of it cannot be closed either, which is of
 * no importance: the launcher gives up and ends. */
static BOOL is_protected(HANDLE parent, uint64_t number)
{
    enum { SAME_ATTRIBUTES = 4 };
    HANDLE handle;

    return DuplicateHandle(parent, handle_from_number(number), GetCurrentProcess(), &handle, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | SAME_ATTRIBUTES) &&
           !CloseHandle(handle);
}

static BOOL copy_handles(struct door *door, struct failure *failure)
{
    struct request *request = &door->prefix.request;
    uint32_t declared = request->pass_count;
    HANDLE handle;
    DWORD code;

    for (uint32_t i = 0; i < declared; i++) {
        uint64_t number;

        code = ERROR_INVALID_HANDLE;
        if (parse_handle(door->prefix.sources[i].what, &number))
            code = copy(door->parent, number, TRUE, &handle);
        if (code == ERROR_SUCCESS && door->prefix.sources[i].option == OPTION_STEAL &&
            is_protected(door->parent, number))
            code = ERROR_NOT_SUPPORTED;
        if (code != ERROR_SUCCESS)
            return fail(failure, HANDOFF_STAGE_STEAL, i, code);
        request->passes[i].number = (uint32_t)handle_number(handle);
    }
    code = append_own_streams(request, GetCurrentProcess());
    if (code == ERROR_SUCCESS)
        code = append_descriptors(request, &door->startup, GetCurrentProcess());
    if (code != ERROR_SUCCESS) /* of the pass that could not be made */
        return fail(failure, HANDOFF_STAGE_STEAL, request->pass_count++, code);
    for (uint32_t i = 0; door->prefix.values[OPTION_SEAL] != NULL && i < request->pass_count; i++)
        request->passes[i].flags |= PASS_SEALED;
    return TRUE;
}

static void close_stolen(struct door *door)
{
    HANDLE handle;
    uint64_t number;

    for (uint32_t i = 0; i < door->prefix.request.pass_count; i++) {
        const struct source *source = &door->prefix.sources[i];

        if (source->option == OPTION_STEAL && parse_handle(source->what, &number) &&
            steal(door->parent, number, FALSE, &handle) == ERROR_SUCCESS)
            CloseHandle(handle);
    }
    door->stolen = TRUE;
}

/* ---- the child ---- */

static DWORD write_child(const struct door *door, const PROCESS_INFORMATION *child, uint32_t there)
{
    const struct request *request = &door->prefix.request;
    struct text report = {.at = allocate(4 * LINE_CAPACITY * sizeof *report.at), .capacity = 4 * LINE_CAPACITY};
    DWORD code;

    if (report.at == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    text_format(&report, "pid=%u\nprocess=%u\n", child->dwProcessId, there);
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (request->passes[i].name != NULL)
            text_format(&report, "handle.%w=%u\n", request->passes[i].name, request->passes[i].number);
    }
    code = text_end(&report) ? write_report(door, &report) : ERROR_FILENAME_EXCED_RANGE;
    release(report.at);
    return code;
}

/* Puts a handle of the child into the parent and says so; takes it back if nobody hears it. */
static DWORD report_child(const struct door *door, const PROCESS_INFORMATION *child)
{
    HANDLE there, back;
    DWORD code;

    if (!DuplicateHandle(GetCurrentProcess(), child->hProcess, door->parent, &there, 0, FALSE, DUPLICATE_SAME_ACCESS))
        return GetLastError();
    code = write_child(door, child, (uint32_t)handle_number(there));
    if (code != ERROR_SUCCESS && steal(door->parent, handle_number(there), FALSE, &back) == ERROR_SUCCESS)
        CloseHandle(back);
    return code;
}

/* From a suspended child to one that runs and has somebody who waits for it. */
static BOOL let_run(const struct door *door, const PROCESS_INFORMATION *child, struct failure *failure)
{
    DWORD code = ERROR_SUCCESS;

    if (door->report != NULL)
        code = report_child(door, child);
    else
        bind_child(child->hProcess, JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
    if (door->prefix.values[OPTION_TRACE] != NULL)
        trace(door, child);
    if (door->parent != NULL)
        CloseHandle(door->parent);
    if (door->report == NULL)
        let_go(); /* when the child begins it finds nothing held by us */
    return ResumeThread(child->hThread) != (DWORD)-1 ||
           fail(failure, HANDOFF_STAGE_RESUME, HANDOFF_NO_PASS, GetLastError());
}

static DWORD start(struct door *door)
{
    struct failure failure;
    struct request *request = &door->prefix.request;
    PROCESS_INFORMATION child;
    BOOL created;

    if (!reach_parent(door, &failure) || !copy_handles(door, &failure))
        return give_up(door, &failure);
    close_stolen(door);
    door->copied_us = clock_us(door->started);
    take_startup(request, &door->startup);
    request->creation_flags = GetPriorityClass(GetCurrentProcess()); /* a high one is not inherited */
    created = create_child(request, &child, &failure);
    close_passes(request, 0, request->pass_count);
    if (!created)
        return give_up(door, &failure);
    door->created_us = clock_us(door->started);
    if (!let_run(door, &child, &failure)) {
        TerminateProcess(child.hProcess, ERROR_PROCESS_ABORTED);
        return give_up(door, &failure);
    }
    CloseHandle(child.hThread);
    return door->report != NULL ? 0 : wait_for_exit(child.hProcess);
}

DWORD run_prefix(const wchar_t *line)
{
    struct door door = {.prefix = {.options = options, .option_count = ARRAYSIZE(options)}, .started = clock_now()};
    void *memory;

    GetStartupInfoW(&door.startup);
    door.prefix.room = STREAM_COUNT + count_startup_descriptors(&door.startup);
    memory = allocate(prefix_memory(line, door.prefix.room));
    if (memory == NULL) {
        print_ascii(STD_ERROR_HANDLE, "handoff-launcher: Win32 error 8; nothing was stolen\r\n");
        return EXIT_HANDOFF;
    }
    if (!prefix_parse(&door.prefix, line, memory) || !check_options(&door))
        return refuse(&door.prefix);
    if (door.prefix.request.command_line != NULL)
        return start(&door);
    print_ascii(STD_OUTPUT_HANDLE, door.prefix.values[OPTION_HELP] != NULL ? help : version);
    return 0;
}
