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

#endif
