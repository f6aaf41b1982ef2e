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

static BOOL is_number_taken(HANDLE process, uint32_t number)
{
    HANDLE taken;
    DWORD code = handle_copy(process, number, FALSE, &taken);

    if (code == ERROR_SUCCESS)
        CloseHandle(taken);
    return code == ERROR_SUCCESS;
}

/* Copies under other numbers. */
struct strays {
    uint32_t *numbers;
    uint32_t count, most;
};

/* Twice the room. Each time it is looked whether the search makes sense: a number that nothing has must come up, and
 * after how many others depends on the size of the table, which nobody tells. */
static DWORD grow_strays(struct strays *strays, HANDLE process, uint32_t number)
{
    uint32_t most = strays->most == 0 ? number / 4 + MORE_TRIES : 2 * strays->most;
    uint32_t *numbers;

    if (strays->most > 0 && is_number_taken(process, number))
        return ERROR_NO_MORE_ITEMS;
    if (strays->most >= HIGHEST_NOTED / 4)
        return ERROR_NO_SYSTEM_RESOURCES;
    numbers = allocate(most * sizeof *numbers);
    if (numbers == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    CopyMemory(numbers, strays->numbers, strays->count * sizeof *numbers);
    release(strays->numbers);
    strays->numbers = numbers;
    strays->most = most;
    return ERROR_SUCCESS;
}

DWORD handle_put_at(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, bool *notes)
{
    struct strays strays = {.most = 0};
    uint32_t there;
    DWORD code;

    while ((code = handle_put(process, handle_number(handle), inheritable, &there)) == ERROR_SUCCESS &&
           there != number) {
        if (notes != NULL && there < number && there < HIGHEST_NOTED) {
            notes[there / 4] = true;
            continue;
        }
        if (strays.count == strays.most)
            code = grow_strays(&strays, process, number);
        if (code != ERROR_SUCCESS) {
            handle_close_in(process, there);
            break;
        }
        strays.numbers[strays.count++] = there;
    }
    while (strays.count > 0)
        handle_close_in(process, strays.numbers[--strays.count]);
    release(strays.numbers);
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
