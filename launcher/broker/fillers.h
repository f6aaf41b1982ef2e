/*
 * The launcher's own handle table, kept full up to the highest number that a pass has had to keep. A filler, a handle
 * that is not inheritable, lies under each number that nothing else has. So a handle comes under its number when the
 * filler there makes way for it. All other handles that the launcher is given lie above the fillers.
 */
#ifndef HANDOFF_FILLERS_H
#define HANDOFF_FILLERS_H

#include <windows.h>

#include "request.h"

struct fillers {
    HANDLE original; /* all are copies of it */
    bool *notes;     /* where they lie; NULL: there are none yet */
};

/* Fills the table up to that number, the number included. FALSE if no filler has the number then; none ever has 0. */
BOOL keep_number(struct fillers *fillers, uint32_t number);

/* Makes way on that number: the filler goes, or a pass of the request that came there before anybody knew of it. FALSE
 * if neither is there: then it is one of the launcher's own. */
BOOL free_number(struct fillers *fillers, const struct request *request, uint32_t number);

/* One that came to lie elsewhere, though its number is free: under that, if it comes up, or as it was. */
HANDLE move_handle(HANDLE handle, uint32_t number);

#endif
