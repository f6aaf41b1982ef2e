/* PROC_THREAD_ATTRIBUTE_LIST as UpdateProcThreadAttribute leaves it behind. That is not documented, but CreateProcess
 * of every Windows since Vista reads a list that any program has written (ReactOS, Wine and others agree). */
#ifndef HANDOFF_ATTRIBUTES_H
#define HANDOFF_ATTRIBUTES_H

#include <windows.h>

struct listed_attribute {
    DWORD_PTR id;
    SIZE_T size;
    void *value;
};

struct attribute_list {
    DWORD present; /* a bit for each */
    DWORD capacity;
    DWORD count;
    DWORD reserved;
    void *extended_flags;
    struct listed_attribute attributes[];
};

#endif
