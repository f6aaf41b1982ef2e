#include "steal.h"

static DWORD duplicate(HANDLE source, uint64_t number, BOOL inheritable, DWORD options, HANDLE *handle)
{
    *handle = NULL;
    if (!handle_can_travel(number))
        return ERROR_INVALID_HANDLE;
    if (!DuplicateHandle(source, handle_from_number(number), GetCurrentProcess(), handle, 0, inheritable,
                         options | DUPLICATE_SAME_ACCESS)) {
        *handle = NULL;
        return GetLastError();
    }
    /* Windows can report success without a handle when the target process is not one. */
    return *handle != NULL ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}

DWORD steal(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, inheritable, DUPLICATE_CLOSE_SOURCE, handle);
}

DWORD copy(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    return duplicate(source, number, inheritable, 0, handle);
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
