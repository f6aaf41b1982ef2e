/*
 * Opening what may not be opened, as the process of a launcher: with the privilege of debuggers, of a thread alone,
 * since a change of the process' token would have its launchers replaced; or as the owner, who may say who may open it
 * where OWNER RIGHTS are not known (Windows before Vista, and Wine). NULL where neither helps.
 */
#ifndef HANDOFF_TESTS_CLOSED_H
#define HANDOFF_TESTS_CLOSED_H

#include <windows.h>

typedef HANDLE(WINAPI *open_function)(DWORD access, BOOL inheritable, DWORD id);

static inline HANDLE open_as_debugger(open_function open, DWORD access, DWORD id)
{
    TOKEN_PRIVILEGES debug = {.PrivilegeCount = 1, .Privileges = {{.Attributes = SE_PRIVILEGE_ENABLED}}};
    HANDLE token, handle = NULL;

    if (!ImpersonateSelf(SecurityImpersonation))
        return NULL;
    if (OpenThreadToken(GetCurrentThread(), TOKEN_ADJUST_PRIVILEGES, TRUE, &token)) {
        if (LookupPrivilegeValueW(NULL, L"SeDebugPrivilege", &debug.Privileges[0].Luid) &&
            AdjustTokenPrivileges(token, FALSE, &debug, 0, NULL, NULL))
            handle = open(access, FALSE, id);
        CloseHandle(token);
    }
    RevertToSelf();
    return handle;
}

static inline HANDLE open_as_owner(open_function open, DWORD access, DWORD id)
{
    SECURITY_DESCRIPTOR everybody;
    HANDLE closed = open(WRITE_DAC, FALSE, id);
    BOOL opened = closed != NULL && InitializeSecurityDescriptor(&everybody, SECURITY_DESCRIPTOR_REVISION) &&
                  SetSecurityDescriptorDacl(&everybody, TRUE, NULL, FALSE) &&
                  SetKernelObjectSecurity(closed, DACL_SECURITY_INFORMATION, &everybody);

    if (closed != NULL)
        CloseHandle(closed);
    return opened ? open(access, FALSE, id) : NULL;
}

static inline HANDLE open_closed(open_function open, DWORD access, DWORD id)
{
    HANDLE handle = open(access, FALSE, id);

    if (handle == NULL && GetLastError() == ERROR_ACCESS_DENIED)
        handle = open_as_debugger(open, access, id);
    if (handle == NULL && GetLastError() == ERROR_ACCESS_DENIED)
        handle = open_as_owner(open, access, id);
    return handle;
}

#endif
