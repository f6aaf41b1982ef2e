#include "number.h"

#include "heap.h"
#include "steal.h"

/* Wine knows no other way to close a handle of another process. */
static void close_in(HANDLE process, uint32_t number)
{
    HANDLE handle;

    if (steal(process, handle_number(handle_from_number(number)), FALSE, &handle) == ERROR_SUCCESS)
        CloseHandle(handle);
}

DWORD put_under(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, struct strays *strays)
{
    DWORD code;
    uint32_t there;

    while ((code = put(process, handle_number(handle), inheritable, &there)) == ERROR_SUCCESS && there != number) {
        if (strays->numbers == NULL)
            strays->numbers = allocate(strays->most * sizeof *strays->numbers);
        if (strays->numbers == NULL || strays->count == strays->most) {
            close_in(process, there);
            return strays->numbers == NULL ? ERROR_NOT_ENOUGH_MEMORY : ERROR_NO_MORE_ITEMS;
        }
        strays->numbers[strays->count++] = there;
    }
    return code;
}

void take_back(HANDLE process, struct strays *strays)
{
    while (strays->count > 0)
        close_in(process, strays->numbers[--strays->count]);
    release(strays->numbers);
    strays->numbers = NULL;
}
