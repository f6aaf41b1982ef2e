/* What a process has. */
#include "bench.h"

#include <psapi.h>

#include "handle_table.h"

DWORD handles_of(DWORD process_id)
{
    DWORD count;

    require(table_count(process_id, &count), "the table of handles");
    return count;
}

typedef BOOL(WINAPI *memory_function)(HANDLE, PROCESS_MEMORY_COUNTERS *, DWORD);

/* What PrivateUsage counts, for Wine 8, which has 0 there: committed pages that are nobody else's. */
static SIZE_T count_private_pages(HANDLE process)
{
    MEMORY_BASIC_INFORMATION region;
    SIZE_T bytes = 0;

    for (const char *at = NULL; VirtualQueryEx(process, at, &region, sizeof region) != 0;
         at = (const char *)region.BaseAddress + region.RegionSize) {
        if (region.State == MEM_COMMIT && region.Type == MEM_PRIVATE)
            bytes += region.RegionSize;
    }
    return bytes;
}

SIZE_T private_bytes(HANDLE process)
{
    memory_function ask =
        (memory_function)(void *)GetProcAddress(GetModuleHandleW(L"kernel32.dll"), "K32GetProcessMemoryInfo");
    PROCESS_MEMORY_COUNTERS_EX counters = {.cb = sizeof counters};

    if (ask == NULL || !ask(process, (PROCESS_MEMORY_COUNTERS *)&counters, sizeof counters) ||
        counters.PrivateUsage == 0)
        return count_private_pages(process);
    return counters.PrivateUsage;
}
