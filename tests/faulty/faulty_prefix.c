/*
 * The prefix on a system that refuses what Windows does (strict.h), and copies a handle's attributes when asked
 * to, as Windows does and Wine 8 does not: there the number in the variable HANDOFF_PROTECTED is that of a
 * handle of the parent that is protected from being closed.
 *
 * It also refuses what handoff wants of itself: a file is opened so that a pipe's server cannot act as who opened it,
 * an address is taken for itself before it is bound, and a DLL is one of the system directory. With the variable
 * HANDOFF_RIGHTS nobody knows PROCESS_QUERY_LIMITED_INFORMATION, as before Vista. With HANDOFF_OPEN no process may be
 * opened, and a prefix that looks into a job again and again without a pause ends with 97.
 *
 * Its list of the own handles is empty (launcher/engine/inherited.c). The first read of a pipe ends with nothing, as it
 * does on Windows after a write of nothing; with the variable HANDOFF_READ the second one fails.
 *
 * What it writes goes into a pipe that does not block, and is full and then nearly full at first: Wine's always block.
 *
 * With the variable HANDOFF_RESUME no command can be let run, and with HANDOFF_THREAD there is no thread to be had.
 *
 * Each file is in use by two processes, and the name of both programs is that in the variable HANDOFF_USER.
 *
 * The variables HANDOFF_CONNECT and HANDOFF_RESOLVE say how often connecting, or looking up a name, fails, and by which
 * code: "2 10061". For the code 0 it does not come back. HANDOFF_DENY says the same of opening files, with the status
 * that Windows notes beside ERROR_ACCESS_DENIED: "2 0xC0000056".
 *
 * With the variable HANDOFF_WINDOWS only what is created without a window is created.
 *
 * The variable HANDOFF_JOB says what there is of jobs:
 *
 *   no attribute    a child cannot be created in one (before Windows 10)
 *   one job         nor put into one, unless it has broken away from ours (before Windows 8, in a job that lets it go)
 *   one job, closed nor may it break away
 *   refused         a child that is created in one is refused
 *   slow            TerminateJobObject returns before anything in it has ended, as on Windows
 *   slow, crowded   and others are in it, before all that can be opened; what was ended leaves it at once
 *   late            nobody is in it until TerminateJobObject has been called once, in vain
 *   stuck           nothing in it ends by TerminateJobObject
 */
#include <winsock2.h>

#include "strict.h"

#include <restartmanager.h>
#include <stdlib.h>
#include <wchar.h>

enum { COPY_ATTRIBUTES = 4 };

/* 0: there is none. No C runtime was started here, so no getenv(). */
static UINT_PTR protected_number(void)
{
    char number[16];

    return GetEnvironmentVariableA("HANDOFF_PROTECTED", number, sizeof number) != 0 ? strtoul(number, NULL, 10) : 0;
}

static BOOL WINAPI duplicate_with_attributes(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate,
                                             DWORD access, BOOL inheritable, DWORD options)
{
    if (!strict_duplicate(source, handle, target, duplicate, access, inheritable, options & ~(DWORD)COPY_ATTRIBUTES))
        return FALSE;
    if ((options & COPY_ATTRIBUTES) != 0 && protected_number() == (UINT_PTR)handle)
        SetHandleInformation(*duplicate, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    return TRUE;
}

static BOOL has_kind_of_job(const char *kind)
{
    char value[32];

    return GetEnvironmentVariableA("HANDOFF_JOB", value, sizeof value) != 0 && strncmp(value, kind, strlen(kind)) == 0;
}

static BOOL has_one_job(void)
{
    return has_kind_of_job("one job");
}

static BOOL job_is_listed, has_broken_away;

static BOOL WINAPI update_attribute(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, void *value,
                                    SIZE_T size, void *previous, SIZE_T *returned)
{
    if (attribute == PROC_THREAD_ATTRIBUTE_HANDLE_LIST)
        return strict_update(list, flags, attribute, value, size, previous, returned);
    if (has_kind_of_job("no attribute") || has_one_job())
        return refuse_strictly(ERROR_NOT_SUPPORTED);
    job_is_listed = TRUE;
    return UpdateProcThreadAttribute(list, flags, attribute, value, size, previous, returned);
}

static BOOL create_process(const wchar_t *program, wchar_t *line, SECURITY_ATTRIBUTES *process,
                           SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                           const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    BOOL refused = has_kind_of_job("refused") && job_is_listed;
    char value[8];

    if ((flags & CREATE_NO_WINDOW) == 0 && GetEnvironmentVariableA("HANDOFF_WINDOWS", value, sizeof value) != 0)
        return refuse_strictly(ERROR_REQUIRES_INTERACTIVE_WINDOWSTATION);
    has_broken_away = (flags & CREATE_BREAKAWAY_FROM_JOB) != 0;
    job_is_listed = FALSE;
    if (refused || (has_broken_away && has_kind_of_job("one job, closed")))
        return refuse_strictly(ERROR_ACCESS_DENIED);
    return strict_create(program, line, process, thread, inherit, flags, environment, directory, startup, child);
}

static BOOL assign_to_job(HANDLE job, HANDLE process)
{
    return has_one_job() && !has_broken_away ? refuse_strictly(ERROR_ACCESS_DENIED)
                                             : AssignProcessToJobObject(job, process);
}

static UINT later_code;
static int times_ended;

static DWORD WINAPI end_later(void *job)
{
    enum { DELAY_MS = 300 };

    Sleep(DELAY_MS);
    return !TerminateJobObject(job, later_code);
}

static BOOL end_job(HANDLE job, UINT code)
{
    if (has_kind_of_job("stuck") || (times_ended++ == 0 && has_kind_of_job("late")))
        return TRUE;
    if (!has_kind_of_job("slow"))
        return TerminateJobObject(job, code);
    later_code = code;
    return CloseHandle(CreateThread(NULL, 0, end_later, job, 0, NULL));
}

/* Whether this time the variable, "TIMES CODE TIMES CODE...", wants a failure; then there is one time less. */
static BOOL takes_failure(const char *variable, DWORD *code)
{
    char value[32], *times = value, *end;

    if (GetEnvironmentVariableA(variable, value, sizeof value) == 0)
        return FALSE;
    while (*times == '0') { /* of one digit */
        strtoul(times + 1, &end, 0);
        times = *end == ' ' ? end + 1 : end;
    }
    if (*times == '\0')
        return FALSE;
    *code = strtoul(times + 1, NULL, 0);
    --*times;
    SetEnvironmentVariableA(variable, value);
    return TRUE;
}

/* As CreateFileW does: it notes the status, and answers with the code that belongs to it. */
static void set_status(DWORD status)
{
    ULONG(WINAPI * code_of)(LONG) = (void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "RtlNtStatusToDosError");

    code_of((LONG)status);
    SetLastError(ERROR_ACCESS_DENIED);
}

static HANDLE create_file(const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                          DWORD disposition, DWORD flags, HANDLE template)
{
    DWORD status;

    if (takes_failure("HANDOFF_DENY", &status)) {
        set_status(status);
        return INVALID_HANDLE_VALUE;
    }
    if ((flags & SECURITY_SQOS_PRESENT) == 0 || (flags & SECURITY_DELEGATION) > SECURITY_IDENTIFICATION) {
        SetLastError(ERROR_BAD_IMPERSONATION_LEVEL);
        return INVALID_HANDLE_VALUE;
    }
    return CreateFileW(path, access, share, security, disposition, flags, template);
}

static BOOL has_variable(const char *name)
{
    char value[8];

    return GetEnvironmentVariableA(name, value, sizeof value) != 0;
}

static HANDLE open_old_process(DWORD access, BOOL inheritable, DWORD process_id)
{
    if (has_variable("HANDOFF_OPEN") ||
        ((access & PROCESS_QUERY_LIMITED_INFORMATION) != 0 && has_variable("HANDOFF_RIGHTS"))) {
        SetLastError(ERROR_ACCESS_DENIED);
        return NULL;
    }
    return OpenProcess(access, inheritable, process_id);
}

/* Processes that nobody may open, and then the others. */
static BOOL list_crowd(HANDLE job, JOBOBJECT_BASIC_PROCESS_ID_LIST *list, DWORD size)
{
    enum { CROWD = 1000, MOST = 64 };
    struct {
        JOBOBJECT_BASIC_PROCESS_ID_LIST list;
        ULONG_PTR more[MOST];
    } others;
    DWORD room = (size - (DWORD)offsetof(JOBOBJECT_BASIC_PROCESS_ID_LIST, ProcessIdList)) / (DWORD)sizeof(ULONG_PTR);
    DWORD count;

    if (!QueryInformationJobObject(job, JobObjectBasicProcessIdList, &others, sizeof others, NULL))
        return FALSE;
    count = times_ended == 0 ? CROWD + others.list.NumberOfProcessIdsInList : 0;
    list->NumberOfAssignedProcesses = count;
    list->NumberOfProcessIdsInList = count < room ? count : room;
    for (DWORD i = 0; i < list->NumberOfProcessIdsInList; i++)
        list->ProcessIdList[i] = i < CROWD ? 0 : others.list.ProcessIdList[i - CROWD];
    return count <= room || refuse_strictly(ERROR_MORE_DATA);
}

static int looks; /* since the last pause */

static BOOL query_job(HANDLE job, JOBOBJECTINFOCLASS kind, void *to, DWORD size, DWORD *length)
{
    enum { MOST_LOOKS = 8, SPINS = 97 };

    if (has_variable("HANDOFF_OPEN") && ++looks > MOST_LOOKS)
        TerminateProcess(GetCurrentProcess(), SPINS);
    if (has_kind_of_job("slow, crowded"))
        return list_crowd(job, to, size);
    if (times_ended == 0 && has_kind_of_job("late")) {
        memset(to, 0, size);
        return TRUE;
    }
    return QueryInformationJobObject(job, kind, to, size, length);
}

static DWORD wait_for_many(DWORD count, const HANDLE *handles, BOOL all, DWORD timeout_ms)
{
    DWORD answer = WaitForMultipleObjects(count, handles, all, timeout_ms);

    if (answer != WAIT_FAILED)
        looks = 0;
    return answer;
}

static HANDLE create_thread(SECURITY_ATTRIBUTES *security, SIZE_T stack, LPTHREAD_START_ROUTINE start, void *argument,
                            DWORD flags, DWORD *id)
{
    if (!has_variable("HANDOFF_THREAD"))
        return CreateThread(security, stack, start, argument, flags, id);
    SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return NULL;
}

/* Of ws2_32, which is not linked. */
static int(WINAPI *really_set)(SOCKET, int, int, const char *, int);
static int(WINAPI *really_bind)(SOCKET, const struct sockaddr *, int);
static SOCKET exclusive;

static int WINAPI set_option(SOCKET s, int level, int option, const char *value, int size)
{
    if (level == SOL_SOCKET && option == SO_EXCLUSIVEADDRUSE && *value != 0)
        exclusive = s;
    return really_set(s, level, option, value, size);
}

static int WINAPI bind_exclusively(SOCKET s, const struct sockaddr *address, int size)
{
    if (s == exclusive)
        return really_bind(s, address, size);
    SetLastError(WSAEACCES);
    return SOCKET_ERROR;
}

static int(WINAPI *really_connect)(SOCKET, const struct sockaddr *, int);
static int(WINAPI *really_resolve)(const wchar_t *, const wchar_t *, const void *, void *);

static int WINAPI connect_later(SOCKET s, const struct sockaddr *address, int size)
{
    DWORD code;

    if (!takes_failure("HANDOFF_CONNECT", &code))
        return really_connect(s, address, size);
    if (code == 0)
        Sleep(INFINITE);
    SetLastError(code);
    return SOCKET_ERROR;
}

static int WINAPI resolve_later(const wchar_t *host, const wchar_t *service, const void *hints, void *addresses)
{
    DWORD code;

    if (!takes_failure("HANDOFF_RESOLVE", &code))
        return really_resolve(host, service, hints, addresses);
    if (code == 0)
        Sleep(INFINITE);
    return (int)code;
}

/* A name alone is looked for in other directories first. */
static HMODULE load_system_library(const wchar_t *path, HANDLE file, DWORD flags)
{
    wchar_t system[MAX_PATH];
    UINT length = GetSystemDirectoryW(system, MAX_PATH);

    if ((flags & LOAD_WITH_ALTERED_SEARCH_PATH) != 0 && wcsncmp(path, system, length) == 0 && path[length] == L'\\' &&
        wcschr(path + length + 1, L'\\') == NULL)
        return LoadLibraryExW(path, file, flags);
    SetLastError(ERROR_MOD_NOT_FOUND);
    return NULL;
}

/* Says that all went well, and nothing: so does Wine 10. */
static LONG WINAPI query_nothing(HANDLE process, int kind, void *memory, ULONG capacity, ULONG *size)
{
    (void)process;
    (void)kind;
    (void)memory;
    (void)capacity;
    *size = 0;
    return 0;
}

static BOOL write_file(HANDLE file, const void *bytes, DWORD size, DWORD *written, OVERLAPPED *place)
{
    static int writes;

    *written = 0;
    return writes++ == 0 || WriteFile(file, bytes, writes == 2 ? 1 : size, written, place);
}

static DWORD resume_thread(HANDLE thread)
{
    if (!has_variable("HANDOFF_RESUME"))
        return ResumeThread(thread);
    SetLastError(ERROR_NO_SYSTEM_RESOURCES);
    return (DWORD)-1;
}

static BOOL queue_work(LPTHREAD_START_ROUTINE function, void *argument, ULONG flags)
{
    return has_variable("HANDOFF_THREAD") ? refuse_strictly(ERROR_NO_SYSTEM_RESOURCES)
                                          : QueueUserWorkItem(function, argument, flags);
}

static BOOL read_file(HANDLE file, void *buffer, DWORD size, DWORD *read, OVERLAPPED *operation)
{
    static int reads;

    reads++;
    if (reads == 2 && has_variable("HANDOFF_READ")) {
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
        return FALSE;
    }
    if (reads > 1)
        return ReadFile(file, buffer, size, read, operation);
    operation->Internal = operation->InternalHigh = 0;
    return SetEvent(operation->hEvent);
}

/* The Restart Manager, in which no session is needed. */
static DWORD WINAPI start_session(DWORD *session, DWORD flags, wchar_t *key)
{
    (void)flags;
    (void)key;
    *session = 0;
    return ERROR_SUCCESS;
}

static DWORD WINAPI list_users(DWORD session, UINT *needed, UINT *count, RM_PROCESS_INFO *users, DWORD *reasons)
{
    (void)session;
    *reasons = 0;
    *needed = *count = 2;
    for (UINT i = 0; i < *count; i++) {
        users[i].Process.dwProcessId = 4711 + i;
        GetEnvironmentVariableW(L"HANDOFF_USER", users[i].strAppName, ARRAYSIZE(users[i].strAppName));
    }
    return ERROR_SUCCESS;
}

static FARPROC find_function(HMODULE module, const char *name)
{
    FARPROC function = GetProcAddress(module, name);

    if (strcmp(name, "UpdateProcThreadAttribute") == 0)
        return (FARPROC)(void *)update_attribute;
    if (strcmp(name, "setsockopt") == 0) {
        really_set = (void *)function;
        return (FARPROC)(void *)set_option;
    }
    if (strcmp(name, "bind") == 0) {
        really_bind = (void *)function;
        return (FARPROC)(void *)bind_exclusively;
    }
    if (strcmp(name, "connect") == 0) {
        really_connect = (void *)function;
        return (FARPROC)(void *)connect_later;
    }
    if (strcmp(name, "GetAddrInfoW") == 0) {
        really_resolve = (void *)function;
        return (FARPROC)(void *)resolve_later;
    }
    if (strcmp(name, "NtQueryInformationProcess") == 0)
        return (FARPROC)(void *)query_nothing;
    if (strcmp(name, "RmStartSession") == 0)
        return (FARPROC)(void *)start_session;
    if (strcmp(name, "RmGetList") == 0)
        return (FARPROC)(void *)list_users;
    return function;
}

#define AssignProcessToJobObject assign_to_job
#define TerminateJobObject end_job
#define CreateFileW create_file
#define CreateThread create_thread
#define LoadLibraryExW load_system_library
#define OpenProcess open_old_process
#define CreateProcessW create_process
#define DuplicateHandle duplicate_with_attributes
#define GetProcAddress find_function
#define QueryInformationJobObject query_job
#define QueueUserWorkItem queue_work
#define ReadFile read_file
#define ResumeThread resume_thread
#define WaitForMultipleObjects wait_for_many
#define WriteFile write_file

#include "../../common/steal.c"
#include "../../launcher/engine/block.c"
#include "../../launcher/engine/create.c"
#include "../../launcher/engine/engine.c"
#include "../../launcher/engine/inherited.c"
#include "../../launcher/engine/job.c"
#include "../../launcher/engine/number.c"
#include "../../launcher/engine/place.c"
#include "../../launcher/engine/prepare.c"
#include "../../launcher/prefix/console.c"
#include "../../launcher/prefix/job.c"
#include "../../launcher/prefix/library.c"
#include "../../launcher/prefix/open.c"
#include "../../launcher/prefix/parent.c"
#include "../../launcher/prefix/relay.c"
#include "../../launcher/prefix/say.c"
#include "../../launcher/prefix/sink.c"
