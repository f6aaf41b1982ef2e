/*
 * Handles out of another process, by number.
 *
 * There is no claim page here, so the contract is plain. First everything that can be found out is: bad
 * options, a parent that is not there, a number that is not open end with EXIT_HANDOFF, and nothing was
 * stolen. Then every number that --steal names is closed in the parent, and the prefix ends with the
 * child's exit code, EXIT_CANNOT_RUN or EXIT_NOT_FOUND.
 *
 * Each handle is copied first, and the copy is what the child gets: a copy of a number that is not the
 * one meant hurts nobody. Stealing is then only the closing of the parent's.
 */
#include "command.h"

#include "heap.h"
#include "owner.h"
#include "steal.h"

uint32_t number_in_parent(const struct source *source)
{
    return source_has(source, IN_PARENT) ? (uint32_t)named_handle(source->what) : 0;
}

static BOOL is_stolen(const struct source *source)
{
    return source->origin == ORIGIN_OPTION && source->option == OPTION_STEAL;
}

/* ---- options ---- */

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

/* A second steal of a number would close whatever has got that number since. */
static BOOL is_stolen_before(const struct options *options, uint32_t pass)
{
    for (uint32_t i = 0; i < pass; i++) {
        if (is_stolen(&options->sources[i]) &&
            number_in_parent(&options->sources[i]) == number_in_parent(&options->sources[pass]))
            return TRUE;
    }
    return FALSE;
}

static BOOL check_numbers(struct command *command, uint32_t report)
{
    const struct options *options = &command->options;

    for (uint32_t i = 0; i < options->request.pass_count; i++) {
        const struct source *source = &options->sources[i];

        if (!source_has(source, IN_PARENT))
            continue;
        if (!has_option(command, OPTION_PARENT))
            return options_refuse(&command->options, "handles of which process? --parent PID is missing", NULL);
        if (number_in_parent(source) == 0)
            return options_refuse(&command->options, "not the number of a handle:", source->what);
        if (is_stolen(source) && is_stolen_before(options, i))
            return options_refuse(&command->options, "stolen twice:", source->what);
        if (is_stolen(source) && number_in_parent(source) == report)
            return options_refuse(&command->options, "stolen, and to be written to:", source->what);
    }
    return TRUE;
}

BOOL check_parent_options(struct command *command)
{
    const wchar_t *parent = command->options.values[OPTION_PARENT], *report = command->options.values[OPTION_REPORT];
    uint64_t created;

    if (parent == NULL && report != NULL)
        return options_refuse(&command->options, "a report to which process? --parent PID is missing", NULL);
    if (parent != NULL && !parse_parent(parent, &command->parent.id, &created))
        return options_refuse(&command->options, "not PID or PID:CREATED:", parent);
    if (report != NULL && named_handle(report) == 0)
        return options_refuse(&command->options, "not the number of a handle:", report);
    return check_numbers(command, report != NULL ? (uint32_t)named_handle(report) : 0);
}

/* ---- taking ---- */

BOOL reach_parent(struct command *command, struct failure *failure)
{
    uint64_t created;
    DWORD code;

    if (!has_option(command, OPTION_PARENT))
        return TRUE;
    parse_parent(command->options.values[OPTION_PARENT], &command->parent.id, &created);
    code = open_owner(command->parent.id, created, &command->parent.process);
    if (code != ERROR_SUCCESS)
        return failure_set(failure, HANDOFF_STAGE_CONNECT, HANDOFF_NO_PASS, code);
    if (!has_option(command, OPTION_REPORT))
        return TRUE;
    code = handle_copy(command->parent.process, named_handle(command->options.values[OPTION_REPORT]), FALSE,
                       &command->parent.report);
    return code == ERROR_SUCCESS || failure_set(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
}

/* Whether the handle is protected from being closed in the parent. Then this copy cannot be closed either, which does
 * not matter: the prefix gives up and ends. */
static BOOL is_protected(HANDLE parent, uint64_t number)
{
    enum { SAME_ATTRIBUTES = 4 };
    HANDLE handle;

    return DuplicateHandle(parent, handle_from_number(number), GetCurrentProcess(), &handle, 0, FALSE,
                           DUPLICATE_SAME_ACCESS | SAME_ATTRIBUTES) &&
           !CloseHandle(handle);
}

DWORD copy_from_parent(const struct command *command, const struct source *source, HANDLE *handle)
{
    uint64_t number = named_handle(source->what);
    DWORD code = handle_copy(command->parent.process, number, FALSE, handle);

    if (code == ERROR_SUCCESS && is_stolen(source) && is_protected(command->parent.process, number))
        code = ERROR_NOT_SUPPORTED;
    return code;
}

void close_stolen(struct command *command)
{
    HANDLE handle;

    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        const struct source *source = &command->options.sources[i];

        if (!is_stolen(source))
            continue;
        command->parent.stolen = TRUE;
        if (handle_steal(command->parent.process, named_handle(source->what), FALSE, &handle) == ERROR_SUCCESS)
            CloseHandle(handle);
    }
}

/* ---- the report ---- */

/* UTF-8, whatever the code page: programs read it. Returns a Win32 code. */
static DWORD write_report(const struct command *command, const struct text *report)
{
    size_t capacity = 3 * report->length + 1;
    char *bytes = allocate(capacity);
    const struct sink sink = {.to = command->parent.report};
    DWORD size, code;

    if (bytes == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    size = (DWORD)WideCharToMultiByte(CP_UTF8, 0, report->at, (int)report->length, bytes, (int)capacity, NULL, NULL);
    code = size > 0 ? sink_write(&sink, bytes, size) : GetLastError();
    release(bytes);
    return code;
}

void report_error(const struct command *command, DWORD exit_code, const wchar_t *message)
{
    size_t capacity = text_length(message) + 64;
    struct text report = {.at = allocate(capacity * sizeof *report.at), .capacity = capacity};

    if (command->parent.report != NULL && report.at != NULL) {
        text_format(&report, "error=%u\nmessage=%w\n", exit_code, message);
        write_report(command, &report);
    }
    release(report.at);
}

static void put_child(struct text *report, const struct command *command, const PROCESS_INFORMATION *child,
                      uint32_t there)
{
    const struct request *request = &command->options.request;

    text_format(report, "pid=%u\nprocess=%u\n", child->dwProcessId, there);
    for (uint32_t i = 0; i < request->pass_count; i++) {
        if (request->passes[i].kind == PASS_ASKED)
            text_format(report, "handle.%w=%u\n", request->passes[i].placeholder.name, request->passes[i].number);
    }
}

static DWORD write_child(const struct command *command, const PROCESS_INFORMATION *child, uint32_t there)
{
    struct text report = {.capacity = 0};
    DWORD code;

    put_child(&report, command, child, there);
    if (!text_allocate(&report))
        return ERROR_NOT_ENOUGH_MEMORY;
    put_child(&report, command, child, there);
    code = write_report(command, &report);
    release(report.at);
    return code;
}

DWORD report_child(const struct command *command, const PROCESS_INFORMATION *child)
{
    HANDLE there, back;
    DWORD code;

    if (!DuplicateHandle(GetCurrentProcess(), child->hProcess, command->parent.process, &there, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return GetLastError();
    code = write_child(command, child, (uint32_t)handle_number(there));
    if (code != ERROR_SUCCESS &&
        handle_steal(command->parent.process, handle_number(there), FALSE, &back) == ERROR_SUCCESS)
        CloseHandle(back);
    return code;
}
