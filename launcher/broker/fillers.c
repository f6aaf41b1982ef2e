#include "fillers.h"

#include "number.h"
#include "steal.h"

/* NULL if none can lie there. */
static bool *note_of(struct fillers *fillers, uint32_t number)
{
    if (number == 0 || number >= HIGHEST_NOTED)
        return NULL;
    if (fillers->notes == NULL)
        fillers->notes = make_notes();
    return fillers->notes != NULL ? &fillers->notes[number / 4] : NULL;
}

BOOL keep_number(struct fillers *fillers, uint32_t number)
{
    bool *note = note_of(fillers, number);

    if (note == NULL)
        return FALSE;
    if (!*note && !handle_is_open(number))
        *note = handle_put_at(GetCurrentProcess(), fillers->original, FALSE, number, fillers->notes) == ERROR_SUCCESS;
    return *note;
}

/* Moves a pass that need not keep its number away from a number that another pass keeps. All such numbers are in use,
 * so the copy does not come to lie under one of them. */
static BOOL move_away(const struct request *request, uint32_t number)
{
    for (uint32_t i = 0; i < request->pass_count; i++) {
        struct pass *pass = &request->passes[i];
        uint32_t there;

        if (pass->number != number || pass->wanted != 0)
            continue;
        if (handle_put(GetCurrentProcess(), number, TRUE, &there) != ERROR_SUCCESS)
            return FALSE;
        pass->number = there;
        return TRUE;
    }
    return FALSE;
}

BOOL free_number(struct fillers *fillers, const struct request *request, uint32_t number)
{
    if (keep_number(fillers, number))
        *note_of(fillers, number) = false;
    else if (!move_away(request, number))
        return FALSE;
    CloseHandle(handle_from_number(number));
    return TRUE;
}

HANDLE move_handle(HANDLE handle, uint32_t number)
{
    if ((uint32_t)handle_number(handle) == number ||
        handle_put_at(GetCurrentProcess(), handle, TRUE, number, NULL) != ERROR_SUCCESS)
        return handle;
    CloseHandle(handle);
    return handle_from_number(number);
}
