#include "transaction.h"

#include "function.h"
#include "heap.h"
#include "owner.h"
#include "status.h"
#include "steal.h"

#include <stddef.h>

/* ---- what processes and threads are, which Windows tells through ntdll alone ---- */

struct process_basic_information {
    LONG exit_status;
    void *peb;
    ULONG_PTR affinity;
    LONG priority;
    ULONG_PTR process_id, parent_id;
};

struct thread_basic_information {
    LONG exit_status;
    void *teb;
    ULONG_PTR process_id, thread_id;
    ULONG_PTR affinity;
    LONG priority, base_priority;
};

/* Of all processes there are, and their threads between them. */
struct system_process {
    ULONG next; /* in bytes; 0: this is the last */
    ULONG thread_count;
    LONGLONG reserved[3];
    uint64_t created, user_time, kernel_time; /* FILETIME */
    USHORT name_size, name_room;
    void *name;
    LONG priority;
    ULONG_PTR process_id, parent_id;
};

_Static_assert(offsetof(struct system_process, parent_id) == (sizeof(void *) == 8 ? 0x58 : 0x48), "Windows' layout");

typedef LONG(WINAPI *query_function)(HANDLE, int, void *, ULONG, ULONG *);
typedef LONG(WINAPI *query_system_function)(int, void *, ULONG, ULONG *);

static BOOL query(const char *name, HANDLE object, void *information, ULONG size)
{
    enum { BASIC_INFORMATION = 0 };
    query_function function = (query_function)function_of(L"ntdll.dll", name);

    return function != NULL && function(object, BASIC_INFORMATION, information, size, NULL) >= 0;
}

/* The launcher's pid cannot be recycled while we hold its handle. */
static BOOL names_launcher_as_parent(const struct transaction *t, HANDLE process, DWORD process_id)
{
    struct process_basic_information information;

    return query("NtQueryInformationProcess", process, &information, sizeof information) &&
           information.process_id == process_id && information.parent_id == t->link->process_id;
}

/* A process that is still being started may not have its creation time yet, but one in the future: it is
 * asked again, a bounded number of times. */
static uint64_t settled_creation_time(HANDLE process)
{
    enum { MOST_TRIES = 500, PAUSE_MS = 10 };
    /* 0.1 s: the time that we are told goes by steps, of 16 ms at times, creation times perhaps by smaller ones */
    const uint64_t step = 1000000;
    uint64_t created = creation_time(process);

    for (int tries = 0; created > system_time() + step; tries++) {
        if (tries == MOST_TRIES)
            return 0;
        Sleep(PAUSE_MS);
        created = creation_time(process);
    }
    return created;
}

/* A process that we come upon by itself may be the child of an earlier process that had the same pid,
 * unless it was created since the launcher was; clocks are set back at times, hence none from the future. A
 * launcher has one request at a time, so its older children are another spawn's. */
static BOOL is_of_this_spawn(const struct transaction *t, uint64_t created, DWORD process_id)
{
    uint64_t launcher = creation_time(t->link->process);

    return launcher != 0 && created >= launcher && created >= t->began && !is_committed(t, process_id);
}

static BOOL is_thread_of(HANDLE thread, DWORD process_id, DWORD thread_id)
{
    struct thread_basic_information information;

    return query("NtQueryInformationThread", thread, &information, sizeof information) &&
           information.process_id == process_id && information.thread_id == thread_id;
}

/* ---- the child ---- */

/* The caller's own wish, and of this one handle. */
static BOOL asks_to_inherit(const SECURITY_ATTRIBUTES *security)
{
    return security != NULL && security->bInheritHandle;
}

BOOL adopt_child(struct transaction *t, const struct report *report)
{
    HANDLE process, thread = NULL;
    DWORD code = handle_copy(t->link->process, report->process, asks_to_inherit(t->asked->process_security), &process);

    if (code == ERROR_SUCCESS && !names_launcher_as_parent(t, process, report->process_id)) {
        CloseHandle(process);
        return set_error(t, HANDOFF_STAGE_ADOPT, HANDOFF_NO_PASS, ERROR_INVALID_DATA);
    }
    t->child.hProcess = process;
    t->child.dwProcessId = report->process_id;
    t->child.dwThreadId = report->thread_id;
    if (code == ERROR_SUCCESS)
        code = handle_copy(t->link->process, report->thread, asks_to_inherit(t->asked->thread_security), &thread);
    t->child.hThread = thread;
    if (code == ERROR_SUCCESS && !is_thread_of(thread, report->process_id, report->thread_id))
        code = ERROR_INVALID_DATA;
    return code == ERROR_SUCCESS || set_error(t, HANDOFF_STAGE_ADOPT, HANDOFF_NO_PASS, code);
}

BOOL resume_child(struct transaction *t)
{
    if ((t->asked->creation_flags & CREATE_SUSPENDED) == 0 && ResumeThread(t->child.hThread) == (DWORD)-1)
        return set_error(t, HANDOFF_STAGE_RESUME, HANDOFF_NO_PASS, GetLastError());
    return TRUE;
}

/* ---- ending them ---- */

/* Nobody else will do it, or learn of it. */
static void report_left(struct transaction *t, DWORD process_id, DWORD code)
{
    set_error(t, HANDOFF_STAGE_CLEAN_UP, HANDOFF_NO_PASS, code);
    name_subject(t, "child %u", process_id);
}

void end_child(struct transaction *t)
{
    if (t->child.hProcess != NULL) {
        if (!end_process(t->child.hProcess))
            report_left(t, t->child.dwProcessId, ERROR_TIMEOUT);
        CloseHandle(t->child.hProcess);
    }
    if (t->child.hThread != NULL)
        CloseHandle(t->child.hThread);
    ZeroMemory(&t->child, sizeof t->child);
}

static void end_if_child(struct transaction *t, DWORD process_id)
{
    HANDLE process = OpenProcess(CLEAN_UP_ACCESS, FALSE, process_id);
    DWORD code = GetLastError();

    if (process == NULL) {
        if (code != ERROR_INVALID_PARAMETER) /* it has ended meanwhile */
            report_left(t, process_id, code);
        return;
    }
    if (names_launcher_as_parent(t, process, process_id) &&
        is_of_this_spawn(t, settled_creation_time(process), process_id) && !end_process(process))
        report_left(t, process_id, ERROR_TIMEOUT);
    CloseHandle(process);
}

/* Returns a Win32 code. */
static DWORD list_processes(struct system_process **list)
{
    enum { PROCESS_INFORMATION_OF_ALL = 5, LEAST = 1 << 16, MOST = 1 << 28 };
    const LONG too_short = (LONG)0xC0000004;
    query_system_function ask = (query_system_function)function_of(L"ntdll.dll", "NtQuerySystemInformation");
    LONG status = too_short;

    *list = NULL;
    if (ask == NULL)
        return GetLastError();
    for (ULONG size = LEAST; status == too_short && size <= MOST; size *= 2) {
        release(*list);
        *list = allocate(size);
        if (*list == NULL)
            return ERROR_NOT_ENOUGH_MEMORY;
        status = ask(PROCESS_INFORMATION_OF_ALL, *list, size, NULL);
    }
    return code_of_status(status);
}

/*
 * A launcher that dies between creating the child and reporting it leaves it suspended. The list says of each process
 * when it was created, also of a process that cannot be opened, as children of earlier spawns may be.
 */
static void end_unreported_children(struct transaction *t)
{
    struct system_process *list, *process;
    DWORD code = list_processes(&list);

    if (code != ERROR_SUCCESS) {
        set_error(t, HANDOFF_STAGE_CLEAN_UP, HANDOFF_NO_PASS, code);
        name_subject(t, "list of processes", 0);
    }
    for (process = list; code == ERROR_SUCCESS && process != NULL;
         process = (void *)((char *)process + process->next)) {
        DWORD process_id = (DWORD)process->process_id;

        if (process->parent_id == t->link->process_id && is_of_this_spawn(t, process->created, process_id))
            end_if_child(t, process_id);
        if (process->next == 0)
            break;
    }
    release(list);
}

void end_launcher(struct transaction *t)
{
    if (t->link->process == NULL)
        return;
    if (!end_process(t->link->process))
        set_error(t, HANDOFF_STAGE_CLEAN_UP, HANDOFF_NO_PASS, ERROR_TIMEOUT);
    end_unreported_children(t);
}
