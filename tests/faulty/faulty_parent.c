/*
 * A parent that dies at its Nth OS call in handoff_spawn() (faults.h), or watches itself meanwhile.
 *
 *   faulty-parent LAUNCHER EVENT LINE          spawns LINE with the named event as {event}
 *   faulty-parent LAUNCHER EVENT LINE FIRST    ... through a resident launcher, that has started FIRST before
 *
 * A death leaves an exit code of DIED plus what had been done: RESUMED, COMMITTED; or SUSPENDED, if the launcher was
 * there and had not been let run. The end without one leaves 0 for a child, 1 for an error, RAN_EARLY for a child that
 * ran before it was resumed. More faults are
 *
 *   watch      it looks at all its handles after every OS call, and ends with INHERITABLE if one ever was (G1)
 *   dying N    its launcher refuses the Nth handle that is put into it, and the next, and ends only when it is waited
 * for
 *   denied N   its launcher refuses them, and lives
 *   slept      its resident launcher's only place is taken; its first wait for that, and for an answer, times out at
 * once
 *   patience   it leaves how long it first waits for an answer, in milliseconds
 *   dropin     the same of the drop-in
 *   closing    of its runtime's descriptors 3 and 4 the first is closed just after it was found open
 *   noise      its launcher never runs, and its event says at each look that it has reported
 *   blind      it cannot list processes, and its launcher dies with a child that it has not reported
 *   impersonate  its thread impersonates somebody, who may open no process; it ends with AS_SOMEBODY if anything was
 * made
 *              or opened as him, or if it does not impersonate him afterwards. A faulty launcher dies with a child that
 *              it has not reported
 *   lowered    its thread impersonates somebody, and Windows puts the token back with a lower level, as it does where
 * the
 *              process may no longer impersonate
 *   job KIND   it is in a job in which its resident launcher is not: children break away from it (silent), or not
 * (kept),
 *              or Windows does not say who is in it, then or before (untold). It ends with REPLACED if the launcher was
 * not used again
 *
 * With dying, denied, noise, blind and lowered it leaves the error: its stage in the upper half, its code in the lower.
 */
#include "faults.h"

#include "handle_table.h"

enum {
    DIED = 0x100,
    RESUMED = 1,
    COMMITTED = 2,
    SUSPENDED = 4,
    INHERITABLE = 0x200,
    RAN_EARLY = 0x400,
    AS_SOMEBODY = 0x800,
    REPLACED = 0x1000
};
enum { NOISE_MS = 500 };

static BOOL ran_early;

static BOOL is_noisy(void)
{
    return strcmp(fault_kind, "noise") == 0;
}

static BOOL has_slept(void)
{
    return strcmp(fault_kind, "slept") == 0;
}

/* ---- a thread that impersonates ---- */

static BOOL impersonates(void)
{
    return strcmp(fault_kind, "impersonate") == 0;
}

static BOOL is_somebody(void)
{
    HANDLE token;

    return OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token) ? (CloseHandle)(token)
                                                                          : GetLastError() != ERROR_NO_TOKEN;
}

static BOOL was_somebody;

static BOOL note_identity(void)
{
    BOOL somebody = impersonates() && is_somebody();

    was_somebody |= somebody;
    return somebody;
}

static HANDLE refuse_or_open(DWORD access, BOOL inherit, DWORD process_id)
{
    if (note_identity()) {
        SetLastError(ERROR_ACCESS_DENIED);
        return NULL;
    }
    return (OpenProcess)(access, inherit, process_id);
}

/* The calls that the rest of the world can see. The first that is resumed is the launcher. */
static BOOL WINAPI create_noting(const wchar_t *program, wchar_t *line, SECURITY_ATTRIBUTES *process,
                                 SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                                 const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *launcher)
{
    BOOL result =
        (CreateProcessW)(program, line, process, thread, inherit, flags, environment, directory, startup, launcher);

    note_identity();

    if (result)
        fault_exit_code |= SUSPENDED;
    return result;
}

static DWORD WINAPI resume_noting(HANDLE thread)
{
    DWORD result = is_noisy() ? 1 : (ResumeThread)(thread);

    fault_exit_code |= (fault_exit_code & SUSPENDED) != 0 ? 0 : RESUMED;
    fault_exit_code &= ~(UINT)SUSPENDED;
    ran_early |= result != 1; /* how often the thread had been suspended */
    return result;
}

/* The word is written just before the launcher is told of it. */
static void note_commit(void)
{
    if ((fault_exit_code & RESUMED) != 0)
        fault_exit_code |= COMMITTED;
}

/* ---- a machine that has slept, on Windows 7 and before ---- */

static HANDLE taken_places; /* what is waited for where the only one is taken; NULL: it is not */
static BOOL slept_for_place, slept_for_answer;
static DWORD first_wait_ms; /* for an answer; 0: there was none */

static void give_place(void);

/* The place is given back at the second look. */
static DWORD wait_for_place(DWORD ms)
{
    if (!slept_for_place) {
        slept_for_place = TRUE;
        return WAIT_TIMEOUT;
    }
    give_place();
    return (WaitForMultipleObjects)(1, &taken_places, FALSE, ms);
}

/* The launcher's event comes first of what is waited for. */
static DWORD WINAPI wait_for_answer(DWORD count, const HANDLE *objects, BOOL all, DWORD ms)
{
    if (taken_places != NULL && objects[0] == taken_places)
        return wait_for_place(ms);
    if (first_wait_ms == 0)
        first_wait_ms = ms;
    if (is_noisy())
        return WAIT_OBJECT_0;
    if (taken_places == NULL || slept_for_answer)
        return (WaitForMultipleObjects)(count, objects, all, ms);
    slept_for_answer = TRUE;
    return WAIT_TIMEOUT;
}

/* ---- a launcher that refuses what is put into it ---- */

static HANDLE refusing;
static int handles_put;

static BOOL is_dying(void)
{
    return strcmp(fault_kind, "dying") == 0;
}

static BOOL refuses(void)
{
    return is_dying() || strcmp(fault_kind, "denied") == 0;
}

static BOOL WINAPI duplicate_refused(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate, DWORD access,
                                     BOOL inheritable, DWORD options)
{
    note_identity();
    if (!refuses() || target == GetCurrentProcess() || ++handles_put < fault_at)
        return (DuplicateHandle)(source, handle, target, duplicate, access, inheritable, options);
    refusing = target;
    SetLastError(ERROR_ACCESS_DENIED);
    return FALSE;
}

static DWORD WINAPI wait_refused(HANDLE object, DWORD ms)
{
    if (object == NULL || object != refusing)
        return (WaitForSingleObject)(object, ms);
    if (!is_dying() || ms == 0)
        return WAIT_TIMEOUT;
    (TerminateProcess)(object, 0);
    return (WaitForSingleObject)(object, ms);
}

static BOOL WINAPI end_refusing(HANDLE process, UINT code)
{
    if (process == refusing)
        refusing = NULL;
    return (TerminateProcess)(process, code);
}

/* ---- a list of processes that cannot be had ---- */

static BOOL is_blind(void)
{
    return strcmp(fault_kind, "blind") == 0;
}

/* ---- a token that comes back with less ---- */

static BOOL is_lowering(void)
{
    return strcmp(fault_kind, "lowered") == 0;
}

static LONG WINAPI set_lowered(HANDLE thread, int kind, HANDLE *token, ULONG size)
{
    LONG(WINAPI * set)
    (HANDLE, int, HANDLE *, ULONG) = (void *)(GetProcAddress)(GetModuleHandleW(L"ntdll.dll"), "NtSetInformationThread");

    if (*token == NULL)
        return set(thread, kind, token, size);
    return ImpersonateSelf(SecurityIdentification) ? 0 : (LONG)0xC0000001;
}

/* ---- a job ---- */

static BOOL has_job(void)
{
    return strcmp(fault_kind, "job") == 0;
}

static BOOL WINAPI is_in_job(HANDLE process, HANDLE job, BOOL *in_job)
{
    (void)job;
    *in_job = has_job() && process == GetCurrentProcess(); /* that of the tests has the launcher in it too */
    return TRUE;
}

static BOOL WINAPI query_job(HANDLE job, JOBOBJECTINFOCLASS kind, void *to, DWORD size, DWORD *length)
{
    JOBOBJECT_BASIC_PROCESS_ID_LIST *list = to;
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION *limits = to;

    if (!has_job())
        return QueryInformationJobObject(job, kind, to, size, length);
    if (strcmp(fault_argument, "untold") == 0) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
    }
    ZeroMemory(to, size);
    if (kind == JobObjectBasicProcessIdList) {
        list->NumberOfAssignedProcesses = list->NumberOfProcessIdsInList = 1;
        list->ProcessIdList[0] = GetCurrentProcessId();
    } else if (kind == JobObjectExtendedLimitInformation && strcmp(fault_argument, "silent") == 0) {
        limits->BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    }
    return TRUE;
}

static FARPROC find_function(HMODULE module, const char *name)
{
    if (is_lowering() && strcmp(name, "NtSetInformationThread") == 0)
        return (FARPROC)(void *)set_lowered;
    if (!is_blind() || strcmp(name, "NtQuerySystemInformation") != 0)
        return (GetProcAddress)(module, name);
    SetLastError(ERROR_PROC_NOT_FOUND);
    return NULL;
}

/* ---- a descriptor that another thread closes ---- */

static HANDLE closing; /* once it has been asked about; NULL: none */

static BOOL WINAPI close_once_asked(HANDLE handle, DWORD *flags)
{
    BOOL is_open = (GetHandleInformation)(handle, flags);

    if (is_open && handle == closing)
        (CloseHandle)(handle);
    return is_open;
}

#undef CreateEventW
#undef CreateFileMappingW
#undef CreateProcessW
#undef DuplicateHandle
#undef OpenProcess
#undef ResumeThread
#undef TerminateProcess
#undef WaitForMultipleObjects
#undef WaitForSingleObject
#undef SetEvent
#define CreateEventW(...) FAULTY(HANDLE, (note_identity(), CreateEventW(__VA_ARGS__)))
#define CreateFileMappingW(...) FAULTY(HANDLE, (note_identity(), CreateFileMappingW(__VA_ARGS__)))
#define CreateProcessW(...) FAULTY(BOOL, create_noting(__VA_ARGS__))
#define DuplicateHandle(...) FAULTY(BOOL, duplicate_refused(__VA_ARGS__))
#define GetProcAddress find_function
#define IsProcessInJob is_in_job
#define QueryInformationJobObject query_job
#define TerminateProcess(...) FAULTY(BOOL, end_refusing(__VA_ARGS__))
#define WaitForMultipleObjects(...) FAULTY(DWORD, wait_for_answer(__VA_ARGS__))
#define WaitForSingleObject(...) FAULTY(DWORD, wait_refused(__VA_ARGS__))
#define GetHandleInformation(...) FAULTY(BOOL, close_once_asked(__VA_ARGS__))
#define OpenProcess(...) FAULTY(HANDLE, refuse_or_open(__VA_ARGS__))
#define ResumeThread(...) FAULTY(DWORD, resume_noting(__VA_ARGS__))
#define SetEvent(...) (note_commit(), FAULTY(BOOL, SetEvent(__VA_ARGS__)))

#include "../../common/fd.c"
#include "../../common/heap.c"
#include "../../common/owner.c"
#include "../../common/steal.c"
#include "../../parent/attributes.c"
#include "../../parent/channel.c"
#include "../../parent/identity.c"
#include "../../parent/offer.c"
#include "../../parent/own.c"
#include "../../parent/link.c"
#include "../../parent/page.c"
#include "../../parent/pool.c"
#include "../../parent/process.c"
#include "../../parent/resident.c"
#include "../../parent/security.c"
#include "../../parent/spawn.c"
#include "../../parent/standing.c"
#include "../../parent/transaction.c"

static struct pool *taken_pool;
static struct seat *taken_seat;

static void take_only_place(struct handoff_launcher *launcher)
{
    struct deadline none = deadline_in(INFINITE);

    handoff_launcher_limit(launcher, 1);
    if (pool_take(&launcher->pool, &none, &taken_seat) != ERROR_SUCCESS)
        return;
    taken_pool = &launcher->pool;
    taken_places = taken_pool->granted_places;
}

static void give_place(void)
{
    if (taken_seat != NULL)
        pool_give(taken_pool, taken_seat);
    taken_seat = NULL;
}

static BOOL seen_inheritable;

static void watch(void)
{
    struct table *table = query_table();

    for (ULONG_PTR i = 0; table != NULL && i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && (table->entries[i].attributes & 2) != 0)
            seen_inheritable = TRUE;
    }
    if (table == NULL)
        seen_inheritable = TRUE; /* a watch that sees nothing must not pass */
    else
        free_table(table);
}

/* What the start of this process left inheritable is not of interest. */
static void forget_flags(void)
{
    for (UINT_PTR number = 4; number < 0x1000; number += 4)
        (SetHandleInformation)((HANDLE)number, HANDLE_FLAG_INHERIT, 0);
}

static struct handoff_trace first_trace;

/* Nothing is struck yet. */
static BOOL start_first(struct handoff_request *request, wchar_t *launcher, wchar_t *line)
{
    struct handoff_request first = {.cb = sizeof first, .command_line = line, .trace = &first_trace};
    PROCESS_INFORMATION child;
    int at = fault_at;

    fault_at = -1;
    request->resident = first.resident = handoff_launcher_open(launcher, NULL);
    if (first.resident == NULL || !handoff_spawn(&first, &child, NULL))
        return FALSE;
    fault_exit_code = DIED;
    fault_calls = 0;
    fault_at = at;
    return TRUE;
}

/* Descriptor 3 is a handle that will be closed, 4 the event. */
static STARTUPINFOW startup_of_closing(HANDLE event)
{
    static uint8_t block[64];
    struct pass passes[2] = {{.fd = 3, .fd_flags = FD_OPEN}, {.fd = 4, .fd_flags = FD_OPEN}};
    struct request both = {.passes = passes, .pass_count = 2};
    STARTUPINFOW startup = {.cb = sizeof startup, .lpReserved2 = block};

    closing = CreateEventW(NULL, FALSE, FALSE, NULL);
    passes[0].number = (uint32_t)handle_number(closing);
    passes[1].number = (uint32_t)handle_number(event);
    startup.cbReserved2 = (WORD)fdblock_make(block, sizeof block, sizeof(void *), &both);
    return startup;
}

static DWORD patience_of_dropin(wchar_t *line)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;

    return handoff_CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &child) ? first_wait_ms : 0;
}

int wmain(int argc, wchar_t **argv)
{
    HANDLE event = argc >= 4 ? OpenEventW(EVENT_ALL_ACCESS, FALSE, argv[2]) : NULL;
    struct handoff_pass pass = {.name = L"event", .handle = event};
    struct handoff_request request = {
        .cb = sizeof request, .launcher = argv[1], .command_line = argv[3], .passes = &pass, .pass_count = 1};
    STARTUPINFOW startup;
    PROCESS_INFORMATION child;
    struct handoff_error error;
    struct handoff_trace trace;
    BOOL done;

    if (event == NULL)
        return 2;
    fault_exit_code = DIED;
    read_fault();
    forget_flags();
    if (strcmp(fault_kind, "watch") == 0)
        fault_after_each = watch;
    if (impersonates()) {
        ImpersonateSelf(SecurityIdentification);
        SetEnvironmentVariableA("HANDOFF_FAULT", argc == 5 ? "lie none 1" : "lie none");
    }
    if (argc == 5 && !start_first(&request, argv[1], argv[4]))
        return 2;
    if (is_blind())
        SetEnvironmentVariableA("HANDOFF_FAULT", "lie none");
    if (refuses())
        SetStdHandle(STD_OUTPUT_HANDLE, event);
    if (strcmp(fault_kind, "dropin") == 0)
        return (int)patience_of_dropin(argv[3]);
    if (is_noisy())
        request.timeout_ms = NOISE_MS;
    if (has_slept())
        take_only_place(request.resident);
    if (strcmp(fault_kind, "closing") == 0) {
        startup = startup_of_closing(event);
        request.startup = &startup;
    }
    if (is_lowering())
        ImpersonateSelf(SecurityImpersonation);
    request.trace = &trace;
    done = handoff_spawn(&request, &child, &error);
    if (strcmp(fault_kind, "patience") == 0)
        return (int)first_wait_ms;
    if (has_job() && done && trace.launcher_id != first_trace.launcher_id)
        return REPLACED;
    if (refuses() || is_noisy() || is_blind() || is_lowering())
        return (int)(error.stage << 16 | error.code);
    if (seen_inheritable)
        return INHERITABLE;
    if (ran_early)
        return RAN_EARLY;
    if (impersonates() && (was_somebody || !is_somebody()))
        return AS_SOMEBODY;
    if (has_slept() && !(slept_for_place && slept_for_answer))
        return 2;
    return done ? 0 : 1; /* a resident launcher is not closed, and ends too */
}
