/*
 * The launcher's own handle table, kept full up to the highest number that a pass has had to keep: on the numbers that
 * nothing else has, lie fillers, which are not inheritable. So a handle comes under its number when the filler there
 * makes way for it, whatever the number, and everything else that the launcher is given lies above all of them.
 */
#ifndef HANDOFF_FILLERS_H
#define HANDOFF_FILLERS_H

#include <windows.h>

#include "request.h"

struct fillers {
    HANDLE original; /* all are copies of it */
    bool *notes;     /* where they lie; NULL: there are none yet */
};

/* Fills up to that number, and it. FALSE if no filler lies there now; nor does one if the number is 0. */
BOOL keep_number(struct fillers *fillers, uint32_t number);

/* Makes way on that number: the filler goes, or a pass of the request that came there before anybody knew of it. FALSE
 * if neither is there: then it is one of the launcher's own. */
BOOL free_number(struct fillers *fillers, const struct request *request, uint32_t number);

/* One that came to lie elsewhere, though its number is free: under that, if it comes up, or as it was. */
HANDLE move_handle(HANDLE handle, uint32_t number);

#endif
