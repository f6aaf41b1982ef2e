/* The drop-in for CreateProcessA: its strings in UTF-16, and then as CreateProcessW. */
#include "handoff.h"

#include "heap.h"

enum { STRINGS = 6 };

/* The string in UTF-16, in memory of its own; NULL with *code set if there is no memory. NULL for NULL. */
static wchar_t *widen(const char *string, DWORD *code)
{
    int units = string != NULL ? MultiByteToWideChar(CP_ACP, 0, string, -1, NULL, 0) : 0;
    wchar_t *wide = units > 0 ? allocate((size_t)units * sizeof *wide) : NULL;

    if (string == NULL)
        return NULL;
    if (units == 0)
        *code = GetLastError();
    else if (wide == NULL)
        *code = ERROR_NOT_ENOUGH_MEMORY;
    else if (MultiByteToWideChar(CP_ACP, 0, string, -1, wide, units) == 0)
        *code = GetLastError();
    return wide;
}

BOOL WINAPI handoff_CreateProcessA(const char *application, const char *command_line,
                                   SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                                   BOOL inherit_handles, DWORD creation_flags, void *environment, const char *directory,
                                   STARTUPINFOA *startup, PROCESS_INFORMATION *child)
{
    const char *strings[STRINGS] = {application, command_line, directory};
    wchar_t *wide[STRINGS];
    STARTUPINFOEXW extended = {.lpAttributeList = NULL};
    DWORD code = startup != NULL ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;

    /* The two structures differ only in what their strings are. */
    _Static_assert(sizeof(STARTUPINFOA) == sizeof(STARTUPINFOW), "one layout");
    if (startup != NULL) {
        CopyMemory(&extended.StartupInfo, startup, sizeof extended.StartupInfo);
        if ((creation_flags & EXTENDED_STARTUPINFO_PRESENT) != 0 && startup->cb == sizeof(STARTUPINFOEXA))
            extended.lpAttributeList = ((STARTUPINFOEXA *)(void *)startup)->lpAttributeList;
        strings[3] = startup->lpDesktop;
        strings[4] = startup->lpTitle;
        strings[5] = startup->lpReserved;
    }
    for (int i = 0; i < STRINGS; i++)
        wide[i] = widen(strings[i], &code);
    extended.StartupInfo.lpDesktop = wide[3];
    extended.StartupInfo.lpTitle = wide[4];
    extended.StartupInfo.lpReserved = wide[5]; /* GetStartupInfoA says something here, and callers pass it on */
    if (code == ERROR_SUCCESS &&
        !handoff_CreateProcessW(wide[0], wide[1], process_security, thread_security, inherit_handles, creation_flags,
                                environment, wide[2], &extended.StartupInfo, child))
        code = GetLastError();
    for (int i = 0; i < STRINGS; i++)
        release(wide[i]);
    SetLastError(code);
    return code == ERROR_SUCCESS;
}
