/* The taking side of a claim page. */
#include "steal.h"

static DWORD duplicate(HANDLE source, uint64_t number, HANDLE target, BOOL inheritable, DWORD options, HANDLE *handle)
{
    *handle = NULL;
    if (!handle_can_travel(number))
        return ERROR_INVALID_HANDLE;
    if (!DuplicateHandle(source, handle_from_number(number), target, handle, 0, inheritable,
                         options | DUPLICATE_SAME_ACCESS)) {
        *handle = NULL;
        return GetLastError();
    }
    /* Windows can report success without a handle when the target process is not one. */
    return *handle != NULL ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}

DWORD handle_steal(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, GetCurrentProcess(), inheritable, DUPLICATE_CLOSE_SOURCE, handle);
}

DWORD handle_copy(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, GetCurrentProcess(), inheritable, 0, handle);
}

static DWORD put_with(HANDLE target, uint64_t number, BOOL inheritable, DWORD options, uint32_t *there)
{
    HANDLE handle;
    DWORD code = duplicate(GetCurrentProcess(), number, target, inheritable, options, &handle);

    *there = (uint32_t)handle_number(handle);
    return code;
}

DWORD handle_put(HANDLE target, uint64_t number, BOOL inheritable, uint32_t *there)
{
    return put_with(target, number, inheritable, 0, there);
}

DWORD handle_move(HANDLE target, HANDLE handle, BOOL inheritable, uint32_t *there)
{
    return put_with(target, handle_number(handle), inheritable, DUPLICATE_CLOSE_SOURCE, there);
}

DWORD handle_steal_claimed(HANDLE source, struct claim *claim, BOOL inheritable, HANDLE *handle)
{
    DWORD code;

    *handle = NULL;
    if (!claim_begin(claim))
        return ERROR_INVALID_STATE;
    code = handle_steal(source, claim->number, inheritable, handle);
    claim_end(claim, (uint32_t)handle_number(*handle));
    return code;
}

/* A section can be reserved memory, which whoever reads it dies of. */
static bool page_is_whole(const struct claim_page *page, uint64_t nonce)
{
    MEMORY_BASIC_INFORMATION memory;

    return VirtualQuery(page, &memory, sizeof memory) != 0 && memory.State == MEM_COMMIT &&
           claim_page_is_whole(page, memory.RegionSize, nonce);
}

DWORD claim_page_map(HANDLE section, uint64_t nonce, struct claim_page **page)
{
    *page = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    if (*page == NULL)
        return GetLastError();
    if (page_is_whole(*page, nonce))
        return ERROR_SUCCESS;
    UnmapViewOfFile(*page);
    *page = NULL;
    return ERROR_INVALID_DATA;
}
