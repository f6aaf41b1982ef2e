#include "bench.h"

#include <stdlib.h>
#include <wchar.h>

wchar_t path_of_nothing[MAX_PATH], path_of_count[MAX_PATH], path_of_launcher[MAX_PATH], path_of_prefix[MAX_PATH],
    path_of_windowed[MAX_PATH];
volatile LONG refused_starts;

static CRITICAL_SECTION lock;    /* WAY_LOCK's */
static PROCESS_INFORMATION stub; /* WAY_STUB's */
static DWORD64 created;          /* this process */

/* One for each order, since a line may be long. */
struct scratch {
    wchar_t line[LINE_MOST + 1];
    HANDLE copies[HANDLES_MOST];
    struct handoff_pass passes[HANDLES_MOST];
    wchar_t names[HANDLES_MOST][8];
    struct handoff_trace trace;
};

/* ---- command lines ---- */

static size_t put(const struct order *order, size_t length, const wchar_t *format, ...)
{
    va_list arguments;
    int more;

    va_start(arguments, format);
    more = _vsnwprintf(order->scratch->line + length, LINE_MOST - length, format, arguments);
    va_end(arguments);
    require(more >= 0, "too long a line");
    return length + (size_t)more;
}

/* Fills the line up and ends it with the number of handles. */
static wchar_t *end_line(const struct order *order, size_t length)
{
    DWORD left = order->length > length + 2 ? (DWORD)(order->length - length - 2) : 0;

    wmemset(order->scratch->line + length, L'x', left);
    put(order, length + left, L" %u", (unsigned)order->count);
    return order->scratch->line;
}

/* The numbers are right when the child has the parent's. */
static wchar_t *own_line(const struct order *order)
{
    size_t length =
        put(order, 0, L"\"%ls\" %u ", order->child, order->count > 0 ? (unsigned)(UINT_PTR)order->handles[0] : 0);

    return end_line(order, length);
}

/* ---- direct ways ---- */

static void expose(const struct order *order, BOOL inheritable)
{
    DWORD code = GetLastError(); /* of the start that failed, if it did */

    for (DWORD i = 0; i < order->count && !order->exposed; i++)
        SetHandleInformation(order->handles[i], HANDLE_FLAG_INHERIT, inheritable ? HANDLE_FLAG_INHERIT : 0);
    SetLastError(code);
}

static BOOL create_in(const wchar_t *environment, wchar_t *line, BOOL inherit, DWORD flags, void *startup,
                      struct child *child)
{
    PROCESS_INFORMATION process;

    if (!CreateProcessW(NULL, line, NULL, NULL, inherit, flags | CREATE_UNICODE_ENVIRONMENT,
                        (void *)(UINT_PTR)environment, NULL, startup, &process))
        return FALSE;
    child->held = now_ms();
    child->process = process.hProcess;
    CloseHandle(process.hThread);
    return TRUE;
}

static BOOL create(wchar_t *line, BOOL inherit, DWORD flags, void *startup, struct child *child)
{
    return create_in(NULL, line, inherit, flags, startup, child);
}

/* The handles become inheritable before the clock runs: in the best case they always were. */
static BOOL start_direct(const struct order *order, struct child *child)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    BOOL done;

    expose(order, TRUE);
    child->began = now_ms();
    done = create(own_line(order), order->count > 0, 0, &startup, child);
    expose(order, FALSE);
    return done;
}

/* Inherits whatever there is. */
static BOOL start_foreign(const struct order *order, struct child *child)
{
    STARTUPINFOW startup = {.cb = sizeof startup};

    child->began = now_ms();
    return create(own_line(order), TRUE, 0, &startup, child);
}

static BOOL create_with(const struct order *order, DWORD_PTR attribute, void *value, size_t size, struct child *child)
{
    _Alignas(16) unsigned char memory[256];
    STARTUPINFOEXW startup = {.StartupInfo.cb = sizeof startup, .lpAttributeList = (void *)memory};
    SIZE_T room = sizeof memory;

    return InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &room) &&
           UpdateProcThreadAttribute(startup.lpAttributeList, 0, attribute, value, size, NULL, NULL) &&
           create_in(order->environment, own_line(order), TRUE, EXTENDED_STARTUPINFO_PRESENT, &startup, child);
}

static BOOL start_with_list(const struct order *order, struct child *child)
{
    BOOL done;

    if (order->count == 0)
        return start_direct(order, child);
    expose(order, TRUE);
    child->began = now_ms();
    done = create_with(order, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, (void *)(UINT_PTR)order->handles,
                       order->count * sizeof *order->handles, child);
    expose(order, FALSE);
    return done;
}

static BOOL start_under_lock(const struct order *order, struct child *child)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    BOOL done;

    child->began = now_ms();
    EnterCriticalSection(&lock);
    expose(order, TRUE);
    done = create(own_line(order), order->count > 0, 0, &startup, child);
    expose(order, FALSE);
    LeaveCriticalSection(&lock);
    return done;
}

static BOOL start_below_stub(const struct order *order, struct child *child)
{
    HANDLE *copies = order->scratch->copies, self = GetCurrentProcess();
    BOOL done = TRUE;
    DWORD code;

    child->began = now_ms();
    for (DWORD i = 0; i < order->count; i++)
        done &= DuplicateHandle(self, order->handles[i], stub.hProcess, &copies[i], 0, TRUE, DUPLICATE_SAME_ACCESS);
    done =
        done && create_with(order, PROC_THREAD_ATTRIBUTE_PARENT_PROCESS, &stub.hProcess, sizeof stub.hProcess, child);
    code = GetLastError();
    for (DWORD i = 0; i < order->count; i++)
        DuplicateHandle(stub.hProcess, copies[i], NULL, NULL, 0, FALSE, DUPLICATE_CLOSE_SOURCE);
    SetLastError(code);
    return done;
}

/* What a helper cannot do without: it has to start, and so has the child. */
static BOOL start_helper(void)
{
    HANDLE started = CreateEventW(
        &(SECURITY_ATTRIBUTES){.nLength = sizeof(SECURITY_ATTRIBUTES), .bInheritHandle = TRUE}, TRUE, FALSE, NULL);
    wchar_t line[MAX_PATH + 32];
    STARTUPINFOW startup = {.cb = sizeof startup};
    struct child helper;
    BOOL done;

    _snwprintf(line, ARRAYSIZE(line), L"\"%ls\" =%u", path_of_nothing, (unsigned)(UINT_PTR)started);
    done = create(line, TRUE, 0, &startup, &helper);
    if (done) {
        WaitForSingleObject(started, INFINITE);
        CloseHandle(helper.process);
    }
    CloseHandle(started);
    return done;
}

static BOOL start_at_floor(const struct order *order, struct child *child)
{
    double began = now_ms();
    BOOL done = start_helper() && start_direct(order, child);

    child->began = began;
    return done;
}

/* ---- the library ---- */

static BOOL hand_off(const struct order *order, struct handoff_launcher *resident, struct child *child)
{
    struct handoff_pass *passes = order->scratch->passes;
    struct handoff_request request = {.cb = sizeof request,
                                      .passes = passes,
                                      .pass_count = order->count,
                                      .resident = resident,
                                      .variables = order->variables,
                                      .trace = &order->scratch->trace,
                                      /* A handle more each, which the direct ways do not pass either. */
                                      .closed_streams = HANDOFF_STDIN | HANDOFF_STDOUT | HANDOFF_STDERR};
    PROCESS_INFORMATION process;

    child->began = now_ms();
    for (DWORD i = 0; i < order->count; i++)
        passes[i] = (struct handoff_pass){.handle = order->handles[i],
                                          .name = order->scratch->names[i],
                                          .flags = HANDOFF_OPTIONAL | (order->keeps_numbers ? HANDOFF_SAME_NUMBER : 0)};
    request.command_line =
        end_line(order, put(order, 0, L"\"%ls\" %ls ", order->child, order->count > 0 ? L"{h0}" : L"0"));
    if (!handoff_spawn(&request, &process, NULL))
        return FALSE;
    child->held = now_ms();
    child->process = process.hProcess;
    CloseHandle(process.hThread);
    return TRUE;
}

static BOOL start_one_shot(const struct order *order, struct child *child)
{
    return hand_off(order, NULL, child);
}

static BOOL start_resident(const struct order *order, struct child *child)
{
    return hand_off(order, order->resident, child);
}

/* Unless it stays: other ways are to have their own. */
static void name_default(const struct order *order, struct handoff_launcher *launcher)
{
    if (!order->is_default)
        handoff_launcher_default(launcher);
}

/* A program that has named the launcher at its start, and called CreateProcessW with a list before. The child knows
 * its handles by their numbers, so they keep them. */
static BOOL start_drop_in(const struct order *order, struct child *child)
{
    _Alignas(16) unsigned char memory[256];
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES},
                              .lpAttributeList = (void *)memory};
    SIZE_T room = sizeof memory;
    PROCESS_INFORMATION process;
    BOOL done;

    child->began = now_ms();
    name_default(order, order->resident);
    done = InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &room) &&
           UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                     (void *)(UINT_PTR)order->handles, order->count * sizeof *order->handles, NULL,
                                     NULL) &&
           handoff_CreateProcessW(NULL, own_line(order), NULL, NULL, TRUE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                                  &startup.StartupInfo, &process);
    name_default(order, NULL);
    if (!done)
        return FALSE;
    child->held = now_ms();
    child->process = process.hProcess;
    CloseHandle(process.hThread);
    return TRUE;
}

/* ---- the prefix ---- */

static size_t put_names(const struct order *order, size_t length)
{
    length = put(order, length, L" -- \"%ls\" ", order->child);
    for (DWORD i = 0; i < order->count; i++)
        length = put(order, length, L"{h%u} ", (unsigned)i);
    return length;
}

static size_t put_parent(const struct order *order)
{
    size_t length = put(order, 0, L"\"%ls\" --parent %u:0x%x%08x", path_of_prefix, (unsigned)GetCurrentProcessId(),
                        (unsigned)(created >> 32), (unsigned)created);

    for (DWORD i = 0; i < order->count; i++)
        length = put(order, length, L" --copy h%u=%u", (unsigned)i, (unsigned)(UINT_PTR)order->handles[i]);
    return length;
}

static BOOL create_prefix(const struct order *order, size_t length, struct child *child)
{
    STARTUPINFOW startup = {.cb = sizeof startup};

    return create(end_line(order, put_names(order, length)), FALSE, 0, &startup, child);
}

static BOOL start_copying(const struct order *order, struct child *child)
{
    child->began = now_ms();
    return create_prefix(order, put_parent(order), child);
}

static HANDLE read_report(HANDLE from)
{
    char report[512];
    DWORD size = 0;
    const char *number = NULL;

    if (ReadFile(from, report, sizeof report - 1, &size, NULL)) {
        report[size] = '\0';
        number = strstr(report, "process=");
    }
    require(number != NULL, "no report");
    return (HANDLE)(UINT_PTR)strtoul(number + 8, NULL, 10);
}

static BOOL start_reporting(const struct order *order, struct child *child)
{
    HANDLE read, write, prefix;
    BOOL done;

    child->began = now_ms();
    require(CreatePipe(&read, &write, NULL, 0), "a pipe");
    done = create_prefix(order, put(order, put_parent(order), L" --report %u", (unsigned)(UINT_PTR)write), child);
    prefix = child->process;
    if (done) {
        child->process = read_report(read);
        child->held = now_ms();
        CloseHandle(prefix);
    }
    CloseHandle(read);
    CloseHandle(write);
    return done;
}

/* It opens its handles itself. */
static BOOL start_command(const struct order *order, struct child *child)
{
    size_t length = put(order, 0, L"\"%ls\"", path_of_prefix);

    child->began = now_ms();
    for (DWORD i = 0; i < order->count; i++)
        length = put(order, length, L" --event h%u=", (unsigned)i);
    return create_prefix(order, length, child);
}

const struct way ways[WAYS + 1] = {
    [WAY_DIRECT] = {"direct", start_direct, TRUE},
    [WAY_LIST] = {"direct, handle list", start_with_list, TRUE},
    [WAY_LOCK] = {"direct, under a lock", start_under_lock, TRUE},
    [WAY_STUB] = {"suspended stub as parent", start_below_stub, TRUE},
    [WAY_FLOOR] = {"floor: a helper and the child", start_at_floor, TRUE},
    [WAY_ONE_SHOT] = {"handoff, one-shot", start_one_shot, TRUE},
    [WAY_RESIDENT] = {"handoff, resident", start_resident, TRUE},
    [WAY_DROP_IN] = {"handoff_CreateProcessW", start_drop_in, TRUE},
    [WAY_REPORT] = {"handoff.exe --parent --report", start_reporting, TRUE},
    [WAY_PREFIX] = {"handoff.exe --parent --copy", start_copying, FALSE},
    [WAY_COMMAND] = {"handoff.exe", start_command, FALSE},
    [WAY_FOREIGN] = {"foreign", start_foreign, TRUE},
};

/* ---- for the sections ---- */

void make_order(struct order *order, DWORD count)
{
    ZeroMemory(order, sizeof *order);
    order->child = path_of_nothing;
    order->count = count;
    order->scratch = allocate(1, sizeof *order->scratch);
    for (DWORD i = 0; i < count; i++) {
        order->handles[i] = CreateEventW(NULL, TRUE, FALSE, NULL);
        require(order->handles[i] != NULL, "an event");
        _snwprintf(order->scratch->names[i], ARRAYSIZE(order->scratch->names[i]), L"h%u", (unsigned)i);
    }
}

void end_order(struct order *order)
{
    for (DWORD i = 0; i < order->count; i++)
        CloseHandle(order->handles[i]);
    free(order->scratch);
}

/* Wine 8 does that at times when several processes start at once. */
static BOOL is_refusal(DWORD code)
{
    return code == ERROR_INTERNAL_ERROR;
}

struct child start_way(enum way_id way, const struct order *order)
{
    struct child child;

    while (!ways[way].start(order, &child)) {
        require(is_refusal(GetLastError()), ways[way].name);
        InterlockedIncrement(&refused_starts);
    }
    return child;
}

struct latency spawn(enum way_id way, const struct order *order)
{
    struct child child = start_way(way, order);
    struct latency latency;

    WaitForSingleObject(child.process, INFINITE);
    latency = (struct latency){.held = child.held - child.began, .ended = now_ms() - child.began};
    GetExitCodeProcess(child.process, &latency.exit_code);
    CloseHandle(child.process);
    return latency;
}

struct handoff_launcher *open_resident(void)
{
    struct handoff_launcher *launcher = handoff_launcher_open(NULL, NULL);

    require(launcher != NULL, "a resident launcher");
    return launcher;
}

DWORD launcher_of(const struct order *order)
{
    return order->scratch->trace.launcher_id;
}

HANDLE start_program(const wchar_t *path, const wchar_t *arguments, DWORD flags, PROCESS_INFORMATION *process)
{
    wchar_t line[4 * MAX_PATH];
    STARTUPINFOW startup = {.cb = sizeof startup};

    _snwprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls", path, arguments);
    require(CreateProcessW(NULL, line, NULL, NULL, FALSE, flags, NULL, NULL, &startup, process), "a helper");
    return process->hProcess;
}

static void set_path(wchar_t *path, const wchar_t *name)
{
    wchar_t *end;

    GetModuleFileNameW(NULL, path, MAX_PATH);
    end = wcsrchr(path, L'\\') + 1;
    _snwprintf(end, (size_t)(path + MAX_PATH - end), L"%ls", name);
}

static void set_paths(void)
{
    set_path(path_of_nothing, L"bench-nothing.exe");
    set_path(path_of_count, L"bench-count.exe");
    set_path(path_of_launcher, L"handoff-launcher.exe");
    set_path(path_of_prefix, L"handoff.exe");
    set_path(path_of_windowed, L"handoffw.exe");
}

void prepare_ways(void)
{
    FILETIME birth, other;

    set_paths();
    InitializeCriticalSection(&lock);
    GetProcessTimes(GetCurrentProcess(), &birth, &other, &other, &other);
    created = (DWORD64)birth.dwHighDateTime << 32 | birth.dwLowDateTime;
    start_program(path_of_nothing, L"", CREATE_SUSPENDED, &stub);
    /* Whoever inherits is to get the handles of its order and nothing that this program was given itself. */
    for (UINT_PTR number = 4; number < 1u << 11; number += 4)
        SetHandleInformation((HANDLE)number, HANDLE_FLAG_INHERIT, 0);
}

void finish_ways(void)
{
    TerminateProcess(stub.hProcess, 0);
}
