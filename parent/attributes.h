/* PROC_THREAD_ATTRIBUTE_LIST as UpdateProcThreadAttribute leaves it behind. That is not documented, but CreateProcess
 * of every Windows since Vista reads a list that any program has written (ReactOS, Wine and others agree). */
#ifndef HANDOFF_ATTRIBUTES_H
#define HANDOFF_ATTRIBUTES_H

#include <windows.h>

#include "request.h"

/* What a list says. Handles and jobs lie in the caller's memory. */
struct attributes {
    const HANDLE *handles; /* of PROC_THREAD_ATTRIBUTE_HANDLE_LIST */
    DWORD handle_count;
    const HANDLE *jobs; /* of PROC_THREAD_ATTRIBUTE_JOB_LIST */
    DWORD job_count;
    struct attribute data[ATTRIBUTE_MOST]; /* what passes through to the child as it is */
    DWORD data_count;
    DWORD_PTR refused; /* with ERROR_NOT_SUPPORTED: the attribute that does not */
};

/* Reads a list, which may be NULL, into what was zeroed. Returns a Win32 code: ERROR_NOACCESS of a value that is not
 * there, as Windows says it; ERROR_INVALID_PARAMETER of what is no list. A handle list's value is not looked at. */
DWORD attributes_read(const void *list, struct attributes *attributes);

#endif
