#include "transaction.h"

#include "heap.h"
#include "steal.h"
#include "stream.h"
#include "token.h"

#include <tlhelp32.h>

enum { PATH_CAPACITY = 32768, DEATH_TIMEOUT_MS = 5000 };

/* ---- starting the launcher ---- */

/* The launcher beside the module that contains this function: never a search, which could find
 * another program of that name. */
static DWORD default_launcher(wchar_t *path)
{
    HMODULE module;
    struct text text = {.at = path, .capacity = PATH_CAPACITY};

    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                            (const wchar_t *)(const void *)default_launcher, &module))
        return GetLastError();
    text.length = GetModuleFileNameW(module, path, PATH_CAPACITY);
    if (text.length == 0)
        return GetLastError(); /* a bare name would be looked for in the current directory */
    while (text.length > 0 && path[text.length - 1] != L'\\')
        text.length--;
    text_put(&text, L"handoff-launcher.exe");
    return text_end(&text) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
}

static DWORD launcher_path(const struct transaction *t, wchar_t *path)
{
    struct text text = {.at = path, .capacity = PATH_CAPACITY};

    if (t->asked->launcher == NULL)
        return default_launcher(path);
    text_put(&text, t->asked->launcher);
    return text_end(&text) ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
}

static void put_launcher_line(struct text *line, const struct transaction *t)
{
    struct token token = page_token(&t->page);

    text_put_unit(line, L'"');
    text_put(line, t->launcher_path);
    text_put(line, L"\" --service=");
    token_put(line, &token);
}

/* Without a console the launcher, a console program, would get a window of its own. */
static DWORD launcher_flags(void)
{
    DWORD process_id;

    return GetConsoleProcessList(&process_id, 1) != 0 ? 0 : DETACHED_PROCESS;
}

static DWORD create_launcher(struct transaction *t)
{
    /* Streams of its own, or Windows would copy the parent's into the launcher, and through 8.0 make
     * a real handle to the parent of an INVALID_HANDLE_VALUE (rprichard/win32-console-docs). */
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = stream_of_old_console(STREAM_STDIN),
                            .hStdOutput = stream_of_old_console(STREAM_STDOUT),
                            .hStdError = stream_of_old_console(STREAM_STDERR)};
    PROCESS_INFORMATION launcher;
    wchar_t *memory = allocate(PATH_CAPACITY * sizeof *memory);
    struct text line = {.at = memory, .capacity = PATH_CAPACITY};
    DWORD code = ERROR_FILENAME_EXCED_RANGE;

    if (memory == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    put_launcher_line(&line, t);
    if (text_end(&line)) {
        code = ERROR_SUCCESS;
        if (CreateProcessW(t->launcher_path, line.at, NULL, NULL, FALSE, launcher_flags(), NULL, NULL, &startup,
                           &launcher)) {
            t->launcher = launcher.hProcess;
            t->launcher_id = launcher.dwProcessId;
            CloseHandle(launcher.hThread);
        } else {
            code = GetLastError();
        }
    }
    release(memory);
    return code;
}

BOOL start_launcher(struct transaction *t)
{
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    t->launcher_path = allocate(PATH_CAPACITY * sizeof *t->launcher_path);
    if (t->launcher_path != NULL)
        code = launcher_path(t, t->launcher_path);
    if (code == ERROR_SUCCESS)
        code = create_launcher(t);
    return code == ERROR_SUCCESS || set_error(t, HANDOFF_STAGE_LAUNCHER, HANDOFF_NO_PASS, code);
}

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

typedef LONG(WINAPI *query_function)(HANDLE, int, void *, ULONG, ULONG *);

static BOOL query(const char *name, HANDLE object, void *information, ULONG size)
{
    enum { BASIC_INFORMATION = 0 };
    query_function function = (query_function)(void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), name);

    return function != NULL && function(object, BASIC_INFORMATION, information, size, NULL) >= 0;
}

/* The launcher's pid cannot be recycled while we hold its handle. */
static BOOL names_launcher_as_parent(const struct transaction *t, HANDLE process, DWORD process_id)
{
    struct process_basic_information information;

    return query("NtQueryInformationProcess", process, &information, sizeof information) &&
           information.process_id == process_id && information.parent_id == t->launcher_id;
}

/* A process that we come upon by itself may be the child of an earlier process that had the same pid,
 * unless it was created since the launcher was; clocks are set back at times, hence the upper bound. */
static BOOL is_as_young_as_launcher(const struct transaction *t, HANDLE process)
{
    uint64_t launcher = creation_time(t->launcher), created = creation_time(process), now;
    FILETIME time;

    GetSystemTimeAsFileTime(&time);
    now = (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
    return launcher != 0 && created >= launcher && created <= now;
}

static BOOL is_thread_of(HANDLE thread, DWORD process_id, DWORD thread_id)
{
    struct thread_basic_information information;

    return query("NtQueryInformationThread", thread, &information, sizeof information) &&
           information.process_id == process_id && information.thread_id == thread_id;
}

/* ---- the child ---- */

BOOL adopt_child(struct transaction *t, const struct report *report)
{
    HANDLE process, thread = NULL;
    DWORD code = copy(t->launcher, report->process, FALSE, &process);

    if (code == ERROR_SUCCESS && !names_launcher_as_parent(t, process, report->process_id)) {
        CloseHandle(process);
        return set_error(t, HANDOFF_STAGE_ADOPT, HANDOFF_NO_PASS, ERROR_INVALID_DATA);
    }
    t->child.hProcess = process;
    t->child.dwProcessId = report->process_id;
    t->child.dwThreadId = report->thread_id;
    if (code == ERROR_SUCCESS)
        code = copy(t->launcher, report->thread, FALSE, &thread);
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

static BOOL end_process(HANDLE process)
{
    TerminateProcess(process, ERROR_PROCESS_ABORTED);
    return WaitForSingleObject(process, DEATH_TIMEOUT_MS) == WAIT_OBJECT_0;
}

void end_child(struct transaction *t)
{
    if (t->child.hProcess != NULL) {
        end_process(t->child.hProcess);
        CloseHandle(t->child.hProcess);
    }
    if (t->child.hThread != NULL)
        CloseHandle(t->child.hThread);
    ZeroMemory(&t->child, sizeof t->child);
}

static void end_if_child(const struct transaction *t, DWORD process_id)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE, FALSE, process_id);

    if (process == NULL)
        return;
    if (names_launcher_as_parent(t, process, process_id) && is_as_young_as_launcher(t, process))
        end_process(process);
    CloseHandle(process);
}

/* A launcher that dies between creating the child and reporting it leaves it suspended. */
static void end_unreported_children(const struct transaction *t)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

    if (snapshot == INVALID_HANDLE_VALUE)
        return;
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == t->launcher_id)
            end_if_child(t, entry.th32ProcessID);
    }
    CloseHandle(snapshot);
}

void end_launcher(struct transaction *t)
{
    if (t->launcher == NULL)
        return;
    if (!end_process(t->launcher))
        set_error(t, HANDOFF_STAGE_CLEAN_UP, HANDOFF_NO_PASS, ERROR_TIMEOUT);
    end_unreported_children(t);
}
