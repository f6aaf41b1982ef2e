#include "number.h"

#include "heap.h"
#include "steal.h"

enum { MORE_TRIES = 2048 }; /* what is left of a list, before a freed number is given again */

/* Wine knows no other way to close a handle of another process. */
void handle_close_in(HANDLE process, uint32_t number)
{
    HANDLE handle;

    if (handle_steal(process, handle_number(handle_from_number(number)), FALSE, &handle) == ERROR_SUCCESS)
        CloseHandle(handle);
}

bool *make_notes(void)
{
    return allocate(HIGHEST_NOTED / 4);
}

DWORD handle_put_at(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, bool *notes)
{
    uint32_t most = number / 4 + MORE_TRIES, count = 0, there;
    uint32_t *strays = NULL;
    DWORD code;

    while ((code = handle_put(process, handle_number(handle), inheritable, &there)) == ERROR_SUCCESS &&
           there != number) {
        if (notes != NULL && there < number && there < HIGHEST_NOTED) {
            notes[there / 4] = true;
            continue;
        }
        if (strays == NULL)
            strays = allocate(most * sizeof *strays);
        if (strays == NULL || count == most) {
            code = strays == NULL ? ERROR_NOT_ENOUGH_MEMORY : ERROR_NO_MORE_ITEMS;
            handle_close_in(process, there);
            break;
        }
        strays[count++] = there;
    }
    while (count > 0)
        handle_close_in(process, strays[--count]);
    release(strays);
    return code;
}

void close_noted(HANDLE process, bool *notes)
{
    for (uint32_t number = 0; notes != NULL && number < HIGHEST_NOTED; number += 4) {
        if (notes[number / 4])
            handle_close_in(process, number);
    }
    release(notes);
}
