#include "fillers.h"

#include "heap.h"
#include "number.h"
#include "steal.h"

enum { HIGHEST = 1 << 20 }; /* number with a filler: a quarter of a million handles */

static uint32_t *word_of(const struct fillers *fillers, uint32_t number)
{
    return &fillers->lie[number / 128];
}

static uint32_t bit_of(uint32_t number)
{
    return 1u << (number / 4 % 32);
}

static BOOL is_filler(const struct fillers *fillers, uint32_t number)
{
    return fillers->lie != NULL && number < HIGHEST && (*word_of(fillers, number) & bit_of(number)) != 0;
}

/* Those below the number stay. The others would make the table grow from spawn to spawn. */
static void note_fillers(struct fillers *fillers, struct strays *strays, uint32_t number)
{
    uint32_t above = 0;

    for (uint32_t i = 0; i < strays->count; i++) {
        uint32_t there = strays->numbers[i];

        if (there < number)
            *word_of(fillers, there) |= bit_of(there);
        else
            strays->numbers[above++] = there;
    }
    strays->count = above;
    take_back(GetCurrentProcess(), strays);
}

void keep_number(struct fillers *fillers, uint32_t number)
{
    struct strays strays = {.most = strays_most(number)};

    if (number == 0 || number >= HIGHEST || is_filler(fillers, number) || handle_is_open(number))
        return;
    if (fillers->lie == NULL)
        fillers->lie = allocate(HIGHEST / 32);
    if (fillers->lie == NULL)
        return;
    if (put_under(GetCurrentProcess(), fillers->original, FALSE, number, &strays) == ERROR_SUCCESS)
        *word_of(fillers, number) |= bit_of(number);
    note_fillers(fillers, &strays, number);
}

/* All numbers that are to be kept are taken, so it comes to none of those. */
static BOOL move_away(const struct request *request, uint32_t number)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];
        uint32_t there;

        if (pass->number != number || pass->wanted != 0)
            continue;
        if (put(GetCurrentProcess(), number, TRUE, &there) != ERROR_SUCCESS)
            return FALSE;
        pass->number = there;
        return TRUE;
    }
    return FALSE;
}

BOOL free_number(struct fillers *fillers, const struct request *request, uint32_t number)
{
    BOOL filled;

    keep_number(fillers, number);
    filled = is_filler(fillers, number);
    if (filled)
        *word_of(fillers, number) &= ~bit_of(number);
    if (!filled && !move_away(request, number))
        return FALSE;
    CloseHandle(handle_from_number(number));
    return TRUE;
}

HANDLE move_handle(HANDLE handle, uint32_t number)
{
    struct strays strays = {.most = strays_most(0)};

    if ((uint32_t)handle_number(handle) == number)
        return handle;
    if (put_under(GetCurrentProcess(), handle, TRUE, number, &strays) == ERROR_SUCCESS) {
        CloseHandle(handle);
        handle = handle_from_number(number);
    }
    take_back(GetCurrentProcess(), &strays);
    return handle;
}
