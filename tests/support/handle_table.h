/* The handles of a process, for the tests: the only complete list that Windows has of them. */
#ifndef HANDOFF_TESTS_HANDLE_TABLE_H
#define HANDOFF_TESTS_HANDLE_TABLE_H

#include <windows.h>

struct table_entry {
    void *object;
    ULONG_PTR process_id;
    ULONG_PTR handle;
    ULONG access;
    USHORT creator;
    USHORT type;
    ULONG attributes; /* HANDLE_FLAG_INHERIT is 1 there, OBJ_INHERIT 2 */
    ULONG reserved;
};

struct table {
    ULONG_PTR count;
    ULONG_PTR reserved;
    struct table_entry entries[];
};

/* All handles of all processes, in memory that free_table() takes back; NULL if there is no list.
 * The memory is of VirtualAlloc, so that taking the list changes no heap and no handle. */
static inline struct table *query_table(void)
{
    enum { EXTENDED_HANDLE_INFORMATION = 64 };
    const LONG length_mismatch = (LONG)0xC0000004;
    LONG(WINAPI * query)
    (int, void *, ULONG, ULONG *) = (LONG(WINAPI *)(int, void *, ULONG, ULONG *))(void *)GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");

    for (ULONG size = 1u << 18; size < 1u << 28; size *= 2) {
        struct table *table = VirtualAlloc(NULL, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        ULONG used = 0;
        LONG status = table != NULL ? query(EXTENDED_HANDLE_INFORMATION, table, size, &used) : -1;

        if (status >= 0)
            return table;
        VirtualFree(table, 0, MEM_RELEASE);
        if (status != length_mismatch)
            return NULL;
    }
    return NULL;
}

static inline void free_table(struct table *table)
{
    VirtualFree(table, 0, MEM_RELEASE);
}

/* How many handles the process has. FALSE if there is no list. */
static inline BOOL table_count(DWORD process_id, DWORD *count)
{
    struct table *table = query_table();

    *count = 0;
    if (table == NULL)
        return FALSE;
    for (ULONG_PTR i = 0; i < table->count; i++)
        *count += table->entries[i].process_id == process_id;
    free_table(table);
    return TRUE;
}

/* Whether a resident launcher has no more handles than it had. It closes what is left of a spawn after its report,
 * so it is given the time to; under Wine one that waits for a request has a handle more than one that is about to. */
static inline BOOL table_settles(DWORD process_id, DWORD had)
{
    DWORD start = GetTickCount(), count;

    for (; table_count(process_id, &count) && GetTickCount() - start < 20000; Sleep(1)) {
        if (count <= had + 1)
            return TRUE;
    }
    return FALSE;
}

#endif
