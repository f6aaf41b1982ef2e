/* What ntdll's functions return. */
#ifndef HANDOFF_STATUS_H
#define HANDOFF_STATUS_H

#include <windows.h>

#include "function.h"

/* As a Win32 code. */
static inline DWORD code_of_status(LONG status)
{
    typedef ULONG(WINAPI * convert_function)(LONG);
    convert_function convert;

    if (status >= 0)
        return ERROR_SUCCESS;
    convert = (convert_function)function_of(L"ntdll.dll", "RtlNtStatusToDosError");
    return convert != NULL ? convert(status) : ERROR_GEN_FAILURE;
}

#endif
