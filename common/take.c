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

DWORD steal(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, GetCurrentProcess(), inheritable, DUPLICATE_CLOSE_SOURCE, handle);
}

DWORD copy(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, GetCurrentProcess(), inheritable, 0, handle);
}

DWORD put(HANDLE target, uint64_t number, BOOL inheritable, uint32_t *there)
{
    HANDLE handle;
    DWORD code = duplicate(GetCurrentProcess(), number, target, inheritable, 0, &handle);

    *there = (uint32_t)handle_number(handle);
    return code;
}

DWORD steal_claimed(HANDLE source, struct claim *claim, BOOL inheritable, HANDLE *handle)
{
    DWORD code;

    *handle = NULL;
    if (!claim_begin(claim))
        return ERROR_INVALID_STATE;
    code = steal(source, claim->number, inheritable, handle);
    claim_end(claim, (uint32_t)handle_number(*handle));
    return code;
}

uint64_t creation_time(HANDLE process)
{
    FILETIME created, exited, kernel, user;

    if (!GetProcessTimes(process, &created, &exited, &kernel, &user))
        return 0;
    return (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
}

DWORD open_owner(DWORD process_id, uint64_t created, HANDLE *owner)
{
    DWORD code = ERROR_SUCCESS;
    uint64_t found;

    *owner = OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, process_id);
    if (*owner == NULL)
        return GetLastError();
    found = created != 0 ? creation_time(*owner) : created;
    if (found != created) /* as OpenProcess says of a pid that is nobody's */
        code = found != 0 ? ERROR_INVALID_PARAMETER : GetLastError();
    if (code != ERROR_SUCCESS) {
        CloseHandle(*owner);
        *owner = NULL;
    }
    return code;
}

static bool page_is_whole(const struct claim_page *page, const struct token *token)
{
    MEMORY_BASIC_INFORMATION memory;

    return VirtualQuery(page, &memory, sizeof memory) != 0 && page->nonce == token->nonce && page->count > 0 &&
           page->count <= (memory.RegionSize - sizeof *page) / sizeof page->claims[0];
}

DWORD open_page(HANDLE owner, const struct token *token, struct claim_page **page)
{
    HANDLE section;
    DWORD code = copy(owner, token->page, FALSE, &section);

    if (code != ERROR_SUCCESS)
        return code;
    *page = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    code = GetLastError();
    CloseHandle(section);
    if (*page == NULL)
        return code;
    if (page_is_whole(*page, token))
        return ERROR_SUCCESS;
    UnmapViewOfFile(*page);
    *page = NULL;
    return ERROR_INVALID_DATA;
}
