/*
 * A DLL that starts a program while it is loaded, so under the loader lock: no thread that is made meanwhile begins to
 * run. HANDOFF_LAUNCHER and HANDOFF_LINE say which launcher and what.
 */
#include "handoff.h"

enum { TEXT_ROOM = 1024 };

/* 0 for a child; or else the error's stage in the upper half and its code in the lower. */
__declspec(dllexport) DWORD outcome;

static DWORD spawn(void)
{
    wchar_t launcher[TEXT_ROOM], line[TEXT_ROOM];
    struct handoff_request request = {.cb = sizeof request, .launcher = launcher, .command_line = line};
    struct handoff_error error;
    PROCESS_INFORMATION child;

    if (GetEnvironmentVariableW(L"HANDOFF_LAUNCHER", launcher, TEXT_ROOM) == 0 ||
        GetEnvironmentVariableW(L"HANDOFF_LINE", line, TEXT_ROOM) == 0)
        return ERROR_ENVVAR_NOT_FOUND;
    if (!handoff_spawn(&request, &child, &error))
        return error.stage << 16 | error.code;
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    return 0;
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *reserved)
{
    (void)module;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        outcome = spawn();
    return TRUE;
}
