/* Every function of Windows that the programs or the library call. */
#include "counted.h"

#include <winternl.h>

PEB *NTAPI RtlGetCurrentPeb(void);
NTSTATUS NTAPI NtOpenProcessToken(HANDLE, ACCESS_MASK, HANDLE *);
NTSTATUS NTAPI NtOpenThreadToken(HANDLE, ACCESS_MASK, BOOLEAN, HANDLE *);
NTSTATUS NTAPI NtQueryInformationToken(HANDLE, TOKEN_INFORMATION_CLASS, void *, ULONG, ULONG *);
NTSTATUS NTAPI NtSetInformationThread(HANDLE, THREADINFOCLASS, void *, ULONG);
NTSTATUS NTAPI NtSetSecurityObject(HANDLE, SECURITY_INFORMATION, void *);
NTSTATUS NTAPI RtlMakeSelfRelativeSD(void *, void *, ULONG *);
NTSTATUS NTAPI RtlGetLastNtStatus(void);

static BOOL strikes(const char *name)
{
    struct calls *calls = current_calls();

    if (calls == NULL || InterlockedIncrement(&calls->made) != calls->fail_at)
        return FALSE;
    lstrcpynA(calls->failed, name, sizeof calls->failed);
    return TRUE;
}

static BOOL fails(const char *name)
{
    DWORD code = GetLastError();
    BOOL struck = strikes(name);

    SetLastError(struck ? INJECTED : code);
    return struck;
}

/* What the product's object calls: directly, and by way of its import table. */
#define COUNTED(type, name, parameters)                                                                                \
    type WINAPI counted_##name parameters __asm__("counted_" #name);                                                   \
    extern type(WINAPI *const counted_imp_##name) parameters __asm__("counted_imp_" #name);                            \
    type(WINAPI *const counted_imp_##name) parameters = counted_##name;                                                \
    type WINAPI counted_##name parameters

/* Does nothing and says so. */
#define FAILS(type, name, failure, parameters, arguments)                                                              \
    COUNTED(type, name, parameters)                                                                                    \
    {                                                                                                                  \
        return fails(#name) ? (failure) : name arguments;                                                              \
    }

/* These give back, take back or end a wait. If they did nothing, whatever they were to give back would be left,
 * and no program could help it. So they do their work, and say that they did not. */
#define FAILS_DONE(name, parameters, arguments)                                                                        \
    COUNTED(BOOL, name, parameters)                                                                                    \
    {                                                                                                                  \
        BOOL done = name arguments;                                                                                    \
                                                                                                                       \
        return !fails(#name) && done;                                                                                  \
    }

/* These cannot fail: they say what the process has in its own memory, or what every Windows since XP has
 * (QueryPerformanceCounter), or have no way to say that they failed. */
#define NEVER_FAILS(type, name, parameters, arguments)                                                                 \
    COUNTED(type, name, parameters)                                                                                    \
    {                                                                                                                  \
        return name arguments;                                                                                         \
    }
#define NEVER_FAILS_VOID(name, parameters, arguments)                                                                  \
    COUNTED(void, name, parameters)                                                                                    \
    {                                                                                                                  \
        name arguments;                                                                                                \
    }

NEVER_FAILS_VOID(DeleteCriticalSection, (CRITICAL_SECTION * lock), (lock))
NEVER_FAILS_VOID(EnterCriticalSection, (CRITICAL_SECTION * lock), (lock))
NEVER_FAILS_VOID(LeaveCriticalSection, (CRITICAL_SECTION * lock), (lock))
NEVER_FAILS(wchar_t *, GetCommandLineW, (void), ())
NEVER_FAILS(HANDLE, GetCurrentProcess, (void), ())
NEVER_FAILS(HANDLE, GetCurrentThread, (void), ())
NEVER_FAILS(DWORD, GetCurrentProcessId, (void), ())
NEVER_FAILS(DWORD, GetLastError, (void), ())
NEVER_FAILS(HANDLE, GetProcessHeap, (void), ())
NEVER_FAILS(HANDLE, GetStdHandle, (DWORD stream), (stream))
NEVER_FAILS(DWORD, GetTickCount, (void), ())
NEVER_FAILS(int, MulDiv, (int a, int b, int c), (a, b, c))
NEVER_FAILS(BOOL, QueryPerformanceCounter, (LARGE_INTEGER * now), (now))
NEVER_FAILS(BOOL, QueryPerformanceFrequency, (LARGE_INTEGER * frequency), (frequency))
NEVER_FAILS_VOID(ExitProcess, (UINT code), (code))
NEVER_FAILS_VOID(GetStartupInfoW, (STARTUPINFOW * startup), (startup))
NEVER_FAILS_VOID(GetSystemTimeAsFileTime, (FILETIME * time), (time))
NEVER_FAILS_VOID(InitializeCriticalSection, (CRITICAL_SECTION * section), (section))
NEVER_FAILS_VOID(SetLastError, (DWORD code), (code))
NEVER_FAILS_VOID(Sleep, (DWORD ms), (ms))

FAILS_DONE(CancelIo, (HANDLE file), (file))
FAILS_DONE(CloseHandle, (HANDLE handle), (handle))
FAILS_DONE(FreeEnvironmentStringsW, (wchar_t * strings), (strings))
FAILS_DONE(GetOverlappedResult, (HANDLE file, OVERLAPPED *operation, DWORD *moved, BOOL wait),
           (file, operation, moved, wait))
FAILS_DONE(HeapFree, (HANDLE heap, DWORD flags, void *memory), (heap, flags, memory))
FAILS_DONE(ResetEvent, (HANDLE event), (event))
FAILS_DONE(ReleaseSemaphore, (HANDLE semaphore, LONG count, LONG *before), (semaphore, count, before))
FAILS_DONE(UnmapViewOfFile, (const void *view), (view))

/* The one that does not say why. */
COUNTED(void *, HeapAlloc, (HANDLE heap, DWORD flags, SIZE_T size))
{
    return strikes("HeapAlloc") ? NULL : HeapAlloc(heap, flags, size);
}

/* With no room at all it has crashed on some kernel32. */
COUNTED(DWORD, GetEnvironmentVariableW, (const wchar_t *name, wchar_t *value, DWORD size))
{
    struct calls *calls = current_calls();

    if (size == 0 && calls != NULL)
        lstrcpynA(calls->unlisted, "GetEnvironmentVariableW without room", sizeof calls->unlisted);
    return fails("GetEnvironmentVariableW") ? 0 : GetEnvironmentVariableW(name, value, size);
}

/* Closes its source "regardless of any error status returned". */
COUNTED(BOOL, DuplicateHandle,
        (HANDLE source, HANDLE handle, HANDLE target, HANDLE *copy, DWORD access, BOOL inherit, DWORD options))
{
    if (!fails("DuplicateHandle"))
        return DuplicateHandle(source, handle, target, copy, access, inherit, options);
    if ((options & DUPLICATE_CLOSE_SOURCE) != 0 &&
        DuplicateHandle(source, handle, GetCurrentProcess(), &handle, 0, FALSE, options))
        CloseHandle(handle);
    SetLastError(INJECTED);
    return FALSE;
}

FAILS(BOOL, AssignProcessToJobObject, FALSE, (HANDLE job, HANDLE process), (job, process))
FAILS(HANDLE, CreateEventW, NULL, (SECURITY_ATTRIBUTES * security, BOOL manual, BOOL set, const wchar_t *name),
      (security, manual, set, name))
FAILS(HANDLE, CreateFileMappingW, NULL,
      (HANDLE file, SECURITY_ATTRIBUTES *security, DWORD protection, DWORD high, DWORD low, const wchar_t *name),
      (file, security, protection, high, low, name))
FAILS(HANDLE, CreateFileW, INVALID_HANDLE_VALUE,
      (const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security, DWORD disposition, DWORD flags,
       HANDLE template),
      (path, access, share, security, disposition, flags, template))
FAILS(HANDLE, CreateJobObjectW, NULL, (SECURITY_ATTRIBUTES * security, const wchar_t *name), (security, name))
FAILS(HANDLE, CreateMutexW, NULL, (SECURITY_ATTRIBUTES * security, BOOL owned, const wchar_t *name),
      (security, owned, name))
FAILS(HANDLE, CreateNamedPipeW, INVALID_HANDLE_VALUE,
      (const wchar_t *name, DWORD open_mode, DWORD pipe_mode, DWORD instances, DWORD out, DWORD in, DWORD timeout,
       SECURITY_ATTRIBUTES *security),
      (name, open_mode, pipe_mode, instances, out, in, timeout, security))
FAILS(BOOL, CreatePipe, FALSE, (HANDLE * reading, HANDLE *writing, SECURITY_ATTRIBUTES *security, DWORD size),
      (reading, writing, security, size))
FAILS(BOOL, CreateProcessW, FALSE,
      (const wchar_t *program, wchar_t *line, SECURITY_ATTRIBUTES *process, SECURITY_ATTRIBUTES *thread, BOOL inherit,
       DWORD flags, void *environment, const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child),
      (program, line, process, thread, inherit, flags, environment, directory, startup, child))
FAILS(HANDLE, CreateSemaphoreW, NULL, (SECURITY_ATTRIBUTES * security, LONG first, LONG most, const wchar_t *name),
      (security, first, most, name))
FAILS(HANDLE, CreateThread, NULL,
      (SECURITY_ATTRIBUTES * security, SIZE_T stack, LPTHREAD_START_ROUTINE start, void *argument, DWORD flags,
       DWORD *id),
      (security, stack, start, argument, flags, id))
FAILS(int, LCMapStringW, 0, (LCID locale, DWORD flags, const wchar_t *from, int length, wchar_t *to, int capacity),
      (locale, flags, from, length, to, capacity))
FAILS(DWORD, FormatMessageW, 0,
      (DWORD flags, const void *source, DWORD id, DWORD language, wchar_t *text, DWORD size, va_list *arguments),
      (flags, source, id, language, text, size, arguments))
FAILS(BOOL, GetBinaryTypeW, FALSE, (const wchar_t *program, DWORD *type), (program, type))
FAILS(UINT, GetConsoleOutputCP, 0, (void), ())
FAILS(BOOL, GetConsoleMode, FALSE, (HANDLE console, DWORD *mode), (console, mode))
FAILS(DWORD, GetConsoleProcessList, 0, (DWORD * ids, DWORD count), (ids, count))
FAILS(wchar_t *, GetEnvironmentStringsW, NULL, (void), ())
FAILS(BOOL, GetExitCodeProcess, FALSE, (HANDLE process, DWORD *code), (process, code))
FAILS(DWORD, GetFileAttributesW, INVALID_FILE_ATTRIBUTES, (const wchar_t *path), (path))
FAILS(DWORD, GetFileType, FILE_TYPE_UNKNOWN, (HANDLE file), (file))
FAILS(DWORD, GetFullPathNameW, 0, (const wchar_t *path, DWORD size, wchar_t *full, wchar_t **name),
      (path, size, full, name))
FAILS(DWORD, GetModuleFileNameW, 0, (HMODULE module, wchar_t *path, DWORD size), (module, path, size))
FAILS(BOOL, GetModuleHandleExW, FALSE, (DWORD flags, const wchar_t *name, HMODULE *module), (flags, name, module))
FAILS(BOOL, GetHandleInformation, FALSE, (HANDLE handle, DWORD *flags), (handle, flags))
FAILS(HMODULE, GetModuleHandleW, NULL, (const wchar_t *name), (name))
FAILS(DWORD, GetPriorityClass, 0, (HANDLE process), (process))
FAILS(BOOL, GetProcessTimes, FALSE,
      (HANDLE process, FILETIME *created, FILETIME *exited, FILETIME *kernel, FILETIME *user),
      (process, created, exited, kernel, user))
FAILS(UINT, GetSystemWindowsDirectoryW, 0, (wchar_t * path, UINT size), (path, size))
FAILS(UINT, GetSystemDirectoryW, 0, (wchar_t * path, UINT size), (path, size))
FAILS(BOOL, InitializeCriticalSectionAndSpinCount, FALSE, (CRITICAL_SECTION * lock, DWORD spins), (lock, spins))
FAILS(BOOL, IsProcessInJob, FALSE, (HANDLE process, HANDLE job, BOOL *is_in), (process, job, is_in))
FAILS(HMODULE, LoadLibraryExW, NULL, (const wchar_t *name, HANDLE file, DWORD flags), (name, file, flags))
FAILS(void *, MapViewOfFile, NULL, (HANDLE section, DWORD access, DWORD high, DWORD low, SIZE_T size),
      (section, access, high, low, size))
FAILS(int, MultiByteToWideChar, 0,
      (UINT code_page, DWORD flags, const char *bytes, int size, wchar_t *units, int capacity),
      (code_page, flags, bytes, size, units, capacity))
FAILS(HANDLE, OpenFileMappingW, NULL, (DWORD access, BOOL inherit, const wchar_t *name), (access, inherit, name))
FAILS(HANDLE, OpenProcess, NULL, (DWORD access, BOOL inherit, DWORD process_id), (access, inherit, process_id))
FAILS(BOOL, PeekNamedPipe, FALSE, (HANDLE pipe, void *to, DWORD size, DWORD *read, DWORD *waiting, DWORD *left),
      (pipe, to, size, read, waiting, left))
FAILS(BOOL, QueryInformationJobObject, FALSE, (HANDLE job, JOBOBJECTINFOCLASS kind, void *to, DWORD size, DWORD *used),
      (job, kind, to, size, used))
FAILS(BOOL, QueueUserWorkItem, FALSE, (LPTHREAD_START_ROUTINE function, void *argument, ULONG flags),
      (function, argument, flags))
FAILS(BOOL, ReadFile, FALSE, (HANDLE file, void *to, DWORD size, DWORD *read, OVERLAPPED *operation),
      (file, to, size, read, operation))
FAILS(DWORD, ResumeThread, (DWORD)-1, (HANDLE thread), (thread))
FAILS(DWORD, SearchPathW, 0,
      (const wchar_t *directories, const wchar_t *name, const wchar_t *extension, DWORD size, wchar_t *path,
       wchar_t **part),
      (directories, name, extension, size, path, part))
FAILS(BOOL, SetConsoleCtrlHandler, FALSE, (PHANDLER_ROUTINE handler, BOOL add), (handler, add))
FAILS(BOOL, SetCurrentDirectoryW, FALSE, (const wchar_t *path), (path))
FAILS(BOOL, SetEndOfFile, FALSE, (HANDLE file), (file))
FAILS(BOOL, SetEvent, FALSE, (HANDLE event), (event))
FAILS(BOOL, SetFilePointerEx, FALSE, (HANDLE file, LARGE_INTEGER distance, LARGE_INTEGER *place, DWORD from),
      (file, distance, place, from))
FAILS(BOOL, SetHandleInformation, FALSE, (HANDLE handle, DWORD mask, DWORD flags), (handle, mask, flags))
FAILS(BOOL, SetInformationJobObject, FALSE, (HANDLE job, JOBOBJECTINFOCLASS kind, void *information, DWORD size),
      (job, kind, information, size))
FAILS(BOOL, SetProcessShutdownParameters, FALSE, (DWORD level, DWORD flags), (level, flags))
FAILS(BOOL, SetStdHandle, FALSE, (DWORD stream, HANDLE handle), (stream, handle))
FAILS(BOOL, TerminateJobObject, FALSE, (HANDLE job, UINT code), (job, code))
FAILS(BOOL, TerminateProcess, FALSE, (HANDLE process, UINT code), (process, code))
FAILS(SIZE_T, VirtualQuery, 0, (const void *at, MEMORY_BASIC_INFORMATION *memory, SIZE_T size), (at, memory, size))
FAILS(DWORD, WaitForMultipleObjects, WAIT_FAILED, (DWORD count, const HANDLE *handles, BOOL all, DWORD ms),
      (count, handles, all, ms))
FAILS(DWORD, WaitForSingleObject, WAIT_FAILED, (HANDLE handle, DWORD ms), (handle, ms))
FAILS(BOOL, WaitNamedPipeW, FALSE, (const wchar_t *name, DWORD ms), (name, ms))
FAILS(int, WideCharToMultiByte, 0,
      (UINT code_page, DWORD flags, const wchar_t *units, int length, char *bytes, int capacity, const char *other,
       BOOL *used),
      (code_page, flags, units, length, bytes, capacity, other, used))
FAILS(BOOL, WriteConsoleW, FALSE, (HANDLE console, const void *units, DWORD length, DWORD *written, void *reserved),
      (console, units, length, written, reserved))
FAILS(BOOL, WriteFile, FALSE, (HANDLE file, const void *bytes, DWORD size, DWORD *written, OVERLAPPED *operation),
      (file, bytes, size, written, operation))

/* ---- those that are looked up by name ---- */

NEVER_FAILS(BOOL, QueryUnbiasedInterruptTime, (ULONGLONG * now), (now))
NEVER_FAILS(BOOL, SetThreadErrorMode, (DWORD mode, DWORD *before), (mode, before))
FAILS(BOOL, InitializeProcThreadAttributeList, FALSE,
      (LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD count, DWORD flags, SIZE_T *size), (list, count, flags, size))
FAILS(BOOL, IsWow64Process, FALSE, (HANDLE process, BOOL *wow64), (process, wow64))
FAILS(BOOL, QueryFullProcessImageNameW, FALSE, (HANDLE process, DWORD flags, wchar_t *path, DWORD *length),
      (process, flags, path, length))
FAILS(BOOL, UpdateProcThreadAttribute, FALSE,
      (LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, void *value, SIZE_T size, void *before,
       SIZE_T *returned),
      (list, flags, attribute, value, size, before, returned))
FAILS(NTSTATUS, NtQueryInformationProcess, (NTSTATUS)0xC0000001,
      (HANDLE process, PROCESSINFOCLASS kind, void *to, ULONG size, ULONG *used), (process, kind, to, size, used))
FAILS(NTSTATUS, NtQueryInformationThread, (NTSTATUS)0xC0000001,
      (HANDLE thread, THREADINFOCLASS kind, void *to, ULONG size, ULONG *used), (thread, kind, to, size, used))

FAILS(NTSTATUS, NtQuerySystemInformation, (NTSTATUS)0xC0000001,
      (SYSTEM_INFORMATION_CLASS kind, void *to, ULONG size, ULONG *used), (kind, to, size, used))
FAILS(NTSTATUS, NtOpenProcessToken, (NTSTATUS)0xC0000001, (HANDLE process, ACCESS_MASK access, HANDLE *token),
      (process, access, token))
FAILS(NTSTATUS, NtQueryInformationToken, (NTSTATUS)0xC0000001,
      (HANDLE token, TOKEN_INFORMATION_CLASS kind, void *to, ULONG size, ULONG *used), (token, kind, to, size, used))
FAILS(NTSTATUS, NtSetSecurityObject, (NTSTATUS)0xC0000001,
      (HANDLE object, SECURITY_INFORMATION parts, void *descriptor), (object, parts, descriptor))
FAILS(NTSTATUS, RtlMakeSelfRelativeSD, (NTSTATUS)0xC0000001, (void *descriptor, void *to, ULONG *size),
      (descriptor, to, size))
FAILS(NTSTATUS, NtOpenThreadToken, (NTSTATUS)0xC0000001,
      (HANDLE thread, ACCESS_MASK access, BOOLEAN as_self, HANDLE *token), (thread, access, as_self, token))
FAILS(NTSTATUS, NtSetInformationThread, (NTSTATUS)0xC0000001,
      (HANDLE thread, THREADINFOCLASS kind, void *from, ULONG size), (thread, kind, from, size))
NEVER_FAILS(ULONG, RtlNtStatusToDosError, (NTSTATUS status), (status))
NEVER_FAILS(PEB *, RtlGetCurrentPeb, (void), ())
NEVER_FAILS(NTSTATUS, RtlGetLastNtStatus, (void), ())

static const struct {
    const char *name;
    void *function;
} looked_up[] = {
    {"InitializeProcThreadAttributeList", (void *)counted_InitializeProcThreadAttributeList},
    {"IsWow64Process", (void *)counted_IsWow64Process},
    {"QueryFullProcessImageNameW", (void *)counted_QueryFullProcessImageNameW},
    {"QueryUnbiasedInterruptTime", (void *)counted_QueryUnbiasedInterruptTime},
    {"SetThreadErrorMode", (void *)counted_SetThreadErrorMode},
    {"UpdateProcThreadAttribute", (void *)counted_UpdateProcThreadAttribute},
    {"NtOpenProcessToken", (void *)counted_NtOpenProcessToken},
    {"NtQueryInformationToken", (void *)counted_NtQueryInformationToken},
    {"NtSetSecurityObject", (void *)counted_NtSetSecurityObject},
    {"RtlMakeSelfRelativeSD", (void *)counted_RtlMakeSelfRelativeSD},
    {"NtOpenThreadToken", (void *)counted_NtOpenThreadToken},
    {"NtSetInformationThread", (void *)counted_NtSetInformationThread},
    {"RtlNtStatusToDosError", (void *)counted_RtlNtStatusToDosError},
    {"NtQueryInformationProcess", (void *)counted_NtQueryInformationProcess},
    {"NtQueryInformationThread", (void *)counted_NtQueryInformationThread},
    {"NtQuerySystemInformation", (void *)counted_NtQuerySystemInformation},
    {"RtlGetCurrentPeb", (void *)counted_RtlGetCurrentPeb},
    {"RtlGetLastNtStatus", (void *)counted_RtlGetLastNtStatus},
};

static FARPROC find_function(HMODULE module, const char *name)
{
    struct calls *calls = current_calls();

    if (calls == NULL || !calls->no_list || lstrcmpA(name, "InitializeProcThreadAttributeList") != 0)
        return GetProcAddress(module, name);
    SetLastError(ERROR_PROC_NOT_FOUND);
    return NULL;
}

COUNTED(FARPROC, GetProcAddress, (HMODULE module, const char *name))
{
    FARPROC function = fails("GetProcAddress") ? NULL : find_function(module, name);
    struct calls *calls = current_calls();

    for (size_t i = 0; i < ARRAYSIZE(looked_up) && function != NULL; i++) {
        if (lstrcmpA(name, looked_up[i].name) == 0)
            return (FARPROC)looked_up[i].function;
    }
    if (function != NULL && calls != NULL)
        lstrcpynA(calls->unlisted, name, sizeof calls->unlisted);
    return function;
}
