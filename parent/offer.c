#include "transaction.h"

#include "fd.h"
#include "fdblock.h"
#include "handle.h"
#include "heap.h"
#include "lookup.h"
#include "query.h"
#include "quote.h"
#include "steal.h"
#include "startup.h"
#include "stream.h"

#include <string.h>

enum {
    PRIORITY_FLAGS = IDLE_PRIORITY_CLASS | BELOW_NORMAL_PRIORITY_CLASS | NORMAL_PRIORITY_CLASS |
                     ABOVE_NORMAL_PRIORITY_CLASS | HIGH_PRIORITY_CLASS | REALTIME_PRIORITY_CLASS
};

/* Flags of CreateProcessW that mean something between it and its caller, who would be the launcher. */
static const DWORD impossible_flags = DEBUG_PROCESS | DEBUG_ONLY_THIS_PROCESS | EXTENDED_STARTUPINFO_PRESENT;

static void set_strings(struct request *request, const struct handoff_request *asked)
{
    request->application = asked->application;
    request->command_line = asked->command_line;
    request->directory = asked->directory;
    request->creation_flags = asked->creation_flags;
    request->closed_streams = asked->closed_streams;
    if (asked->environment != NULL)
        request->environment = asked->environment[0] != L'\0' ? asked->environment : L"\0";
    if (asked->variables != NULL && asked->variables[0] != L'\0')
        request->variables = asked->variables;
    if (asked->startup != NULL)
        take_startup(request, asked->startup);
}

/* The first word is read by other rules than the rest, which know no quote in a name. */
static BOOL put_arguments(struct text *line, const wchar_t *const *arguments)
{
    if (arguments[0] == NULL || arguments[0][0] == L'\0')
        return FALSE;
    for (const wchar_t *at = arguments[0]; *at != L'\0'; at++) {
        if (*at == L'"')
            return FALSE;
    }
    for (; *arguments != NULL; arguments++)
        line_put_argument(line, *arguments);
    return TRUE;
}

static BOOL quote_arguments(struct transaction *t)
{
    struct text line = {.capacity = 0};

    if (t->asked->arguments == NULL)
        return TRUE;
    if (t->asked->command_line != NULL || !put_arguments(&line, t->asked->arguments))
        return refuse_field(t, HANDOFF_NO_PASS, "arguments");
    if (!text_allocate(&line))
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    put_arguments(&line, t->asked->arguments);
    text_end(&line);
    t->line = line.at;
    t->request.command_line = t->line;
    t->request.refuse_batch = TRUE;
    return TRUE;
}

static DWORD fault_code(enum request_fault fault)
{
    switch (fault) {
    case REQUEST_OK: return ERROR_SUCCESS;
    case REQUEST_NAME: return ERROR_INVALID_NAME;
    case REQUEST_DESCRIPTOR: return ERROR_TOO_MANY_OPEN_FILES;
    case REQUEST_NAME_TWICE:
    case REQUEST_STREAM_TWICE: return ERROR_ALREADY_EXISTS;
    default: return ERROR_INVALID_PARAMETER;
    }
}

static const char *fault_field(enum request_fault fault)
{
    switch (fault) {
    case REQUEST_STREAM: return "streams";
    case REQUEST_NO_PLACE: return "name";
    default: return "command_line";
    }
}

static BOOL check_request(struct transaction *t)
{
    uint32_t pass = HANDOFF_NO_PASS;
    enum request_fault fault = request_check(&t->request, &pass);
    DWORD code = fault_code(fault);

    if (code == ERROR_INVALID_PARAMETER)
        return refuse_field(t, pass, fault_field(fault));
    return code == ERROR_SUCCESS || set_error(t, HANDOFF_STAGE_REQUEST, pass, code);
}

/* Here and not in the launcher, which may be of another width or have been started long ago. */
static BOOL find_program(struct transaction *t)
{
    DWORD code;

    if (t->request.application != NULL)
        return TRUE;
    code = lookup_program(t->request.command_line, &t->program);
    if (code != ERROR_SUCCESS)
        return set_error(t, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, code);
    t->request.application = t->program;
    return TRUE;
}

/* What a process inherits by being started, a resident launcher has from when it was started itself. */
static BOOL take_surroundings(struct transaction *t)
{
    struct request *request = &t->request;
    DWORD priority;

    if (t->residents == NULL)
        return TRUE;
    priority = GetPriorityClass(GetCurrentProcess());
    t->directory = full_path(request->directory != NULL ? request->directory : L".");
    if (t->directory == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, GetLastError());
    if (request->environment == NULL)
        request->environment = t->environment = GetEnvironmentStringsW();
    if (request->environment == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    request->directory = t->directory;
    if ((request->creation_flags & PRIORITY_FLAGS) == 0 &&
        (priority == IDLE_PRIORITY_CLASS || priority == BELOW_NORMAL_PRIORITY_CLASS))
        request->creation_flags |= priority; /* the two that children inherit */
    if (t->program == NULL) {
        t->program = full_path(request->application);
        request->application = t->program;
    }
    return t->program != NULL || set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, GetLastError());
}

/* Before a launcher has anything to do with it. */
static BOOL check_size(struct transaction *t)
{
    size_t own = (size_t)(t->most_passes - t->request.pass_count) * WIRE_PASS;

    t->most_size = wire_encode(NULL, 0, &t->request) + own;
    return t->most_size <= WIRE_MOST ||
           set_error(t, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_FILENAME_EXCED_RANGE);
}

enum { KINDS = HANDOFF_FILE | HANDOFF_PIPE | HANDOFF_DEVICE };

/* A pass says at most one kind, and only of a descriptor. */
static BOOL flags_are_good(const struct handoff_pass *pass)
{
    DWORD kind = pass->flags & KINDS;

    return (pass->flags & ~(DWORD)(HANDOFF_SEALED | HANDOFF_OPTIONAL | HANDOFF_SAME_NUMBER | KINDS)) == 0 &&
           (kind & (kind - 1)) == 0 && (kind == 0 || pass->descriptor != 0);
}

/* An empty text is no path, and what each of several functions of Windows would say of it differs. */
static BOOL check_paths(struct transaction *t)
{
    const struct {
        const wchar_t *path;
        const char *field;
    } paths[] = {{t->asked->application, "application"},
                 {t->asked->directory, "directory"},
                 {t->asked->resident == NULL ? t->asked->launcher : NULL, "launcher"}};

    for (size_t i = 0; i < ARRAYSIZE(paths); i++) {
        if (paths[i].path != NULL && *paths[i].path == L'\0')
            return refuse_field(t, HANDOFF_NO_PASS, paths[i].field);
    }
    return TRUE;
}

static BOOL check_fields(struct transaction *t)
{
    const struct handoff_request *asked = t->asked;

    if (asked->pass_count > MOST_PASSES)
        return refuse_field(t, HANDOFF_NO_PASS, "pass_count");
    if (asked->passes == NULL && asked->pass_count > 0)
        return refuse_field(t, HANDOFF_NO_PASS, "passes");
    if (asked->closed_streams >> STREAM_COUNT != 0)
        return refuse_field(t, HANDOFF_NO_PASS, "closed_streams");
    if ((asked->creation_flags & impossible_flags) != 0)
        return refuse_field(t, HANDOFF_NO_PASS, "creation_flags");
    for (DWORD i = 0; i < asked->pass_count; i++) {
        if (!flags_are_good(&asked->passes[i]))
            return refuse_field(t, i, "flags");
    }
    return TRUE;
}

/* With these the launcher does not ask the handle. */
static void say_kinds(struct transaction *t)
{
    for (DWORD i = 0; i < t->asked->pass_count; i++) {
        switch (t->asked->passes[i].flags & KINDS) {
        case HANDOFF_FILE: t->request.passes[i].fd_flags = FD_OPEN; break;
        case HANDOFF_PIPE: t->request.passes[i].fd_flags = FD_OPEN | FD_PIPE; break;
        case HANDOFF_DEVICE: t->request.passes[i].fd_flags = FD_OPEN | FD_DEVICE; break;
        default: break;
        }
    }
}

/* A descriptor of the caller's stays what it is. */
static void note_startup_flags(struct transaction *t)
{
    for (DWORD i = 0; t->asked->startup != NULL && i < t->asked->pass_count; i++)
        request_note_flags(&t->request, i, t->asked->startup, t->asked->passes[i].handle);
}

static struct pass pass_of(const struct handoff_pass *asked)
{
    uint32_t number = (uint32_t)handle_number(asked->handle);

    return (struct pass){.kind = PASS_ASKED,
                         .placeholder.name = asked->name,
                         .streams = asked->streams,
                         .fd = asked->descriptor,
                         .flags = ((asked->flags & HANDOFF_SEALED) != 0 ? PASS_SEALED : 0u) |
                                  ((asked->flags & HANDOFF_OPTIONAL) != 0 ? PASS_OPTIONAL : 0u),
                         .wanted = (asked->flags & HANDOFF_SAME_NUMBER) != 0 ? number : 0};
}

BOOL plan_passes(struct transaction *t)
{
    const struct handoff_request *asked = t->asked;
    struct request *request = &t->request;
    uint32_t count;

    if (!check_fields(t) || !check_paths(t) || !take_attributes(t) || !take_security(t))
        return FALSE;
    count = asked->pass_count + t->job_count;
    if (asked->startup != NULL)
        t->most_passes = startup_count_fds(asked->startup);
    t->most_passes += count + ((asked->creation_flags & OTHER_CONSOLE_FLAGS) == 0 ? STREAM_COUNT : 0);
    request->passes = allocate(t->most_passes * sizeof *request->passes);
    t->duplicates = allocate(t->most_passes * sizeof *t->duplicates);
    if (request->passes == NULL || t->duplicates == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    set_strings(request, asked);
    for (; request->pass_count < count; request->pass_count++)
        request->passes[request->pass_count] = request->pass_count < asked->pass_count
                                                   ? pass_of(&asked->passes[request->pass_count])
                                                   : (struct pass){.kind = PASS_JOB};
    if (!quote_arguments(t) || !check_request(t))
        return FALSE;
    say_kinds(t); /* only now: who hands descriptors on, flags and all, may have more of them than who asks */
    note_startup_flags(t);
    return find_program(t) && take_surroundings(t) && check_size(t);
}

/* Each pins its object, even if the caller closes the original meanwhile. */
BOOL duplicate_passes(struct transaction *t)
{
    for (uint32_t i = 0; i < t->request.pass_count; i++) {
        HANDLE original =
            t->request.passes[i].kind == PASS_JOB ? t->jobs[i - t->asked->pass_count] : t->asked->passes[i].handle;
        DWORD code = handle_copy(GetCurrentProcess(), handle_number(original), FALSE, &t->duplicates[i]);

        if (code != ERROR_SUCCESS)
            return set_error(t, HANDOFF_STAGE_DUPLICATE, i, code);
    }
    return TRUE;
}

void offer_duplicates(struct transaction *t)
{
    t->offered = TRUE;
    for (uint32_t i = 0; i < t->request.pass_count; i++)
        claim_offer(&t->link->page.view->claims[i], handle_number(t->duplicates[i]));
}

BOOL check_taken(struct transaction *t)
{
    struct claim *claims = t->link->page.view->claims;

    for (uint32_t i = 0; i < t->request.pass_count; i++) {
        if (t->duplicates[i] != NULL && claim_state(&claims[i]) != CLAIM_TAKEN)
            return set_error(t, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, ERROR_INVALID_DATA);
    }
    for (DWORD i = 0; t->asked->numbers != NULL && i < t->asked->pass_count; i++) {
        uint32_t wanted = t->request.passes[i].wanted;

        t->asked->numbers[i] = wanted != 0 ? wanted : claims[i].taken_as;
    }
    return TRUE;
}

void withdraw_duplicates(struct transaction *t)
{
    for (uint32_t i = 0; t->duplicates != NULL && i < t->request.pass_count; i++) {
        if (t->duplicates[i] != NULL && (!t->offered || claim_withdraw(&t->link->page.view->claims[i])))
            CloseHandle(t->duplicates[i]);
    }
}

DWORD count_unreclaimed(const struct transaction *t)
{
    DWORD count = 0;

    for (uint32_t i = 0; t->offered && i < t->request.pass_count; i++)
        count += t->duplicates[i] != NULL && claim_state(&t->link->page.view->claims[i]) == CLAIM_TAKING;
    return count;
}
