/* What this process was started with: its parameters, which lie in its own memory. */
#ifndef HANDOFF_PARAMETER_H
#define HANDOFF_PARAMETER_H

#include <windows.h>

#include <winternl.h>

#include "function.h"

/* At places that are the same since NT 4; Windows' header calls them reserved. Of the flags the lowest says that Ctrl-C
 * is ignored, by this process and by those that it starts. */
enum { PARAMETER_CONSOLE, PARAMETER_CONSOLE_FLAGS, PARAMETER_DIRECTORY = 7 };

typedef PEB *(NTAPI *peb_function)(void);

/* NULL if that cannot be told. */
static inline HANDLE own_parameter(int place)
{
    peb_function get_peb = (peb_function)function_of(L"ntdll.dll", "RtlGetCurrentPeb");

    return get_peb != NULL ? get_peb()->ProcessParameters->Reserved2[place] : NULL;
}

/* Whether this process has a console, though it may be one that no other function of Windows tells of. None is NULL, or
 * what CreateProcessW asks the new process to do (ReactOS: HANDLE_DETACHED_PROCESS, HANDLE_CREATE_NEW_CONSOLE,
 * HANDLE_CREATE_NO_WINDOW, which are -1 to -3), where that has no use for a console and leaves it there. */
static inline BOOL has_console(void)
{
    return (UINT_PTR)own_parameter(PARAMETER_CONSOLE) + 3 > 3;
}

#endif
