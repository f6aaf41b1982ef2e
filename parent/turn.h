/* A lock that can be waited for with a deadline. Whoever waits gets it from whoever has it, so nobody starves.
 * Without contention it costs no system call. */
#ifndef HANDOFF_TURN_H
#define HANDOFF_TURN_H

#include <windows.h>

struct turn {
    volatile LONG users; /* the one whose turn it is, and those to whom it was not handed over yet */
    HANDLE handed_over;  /* a semaphore: one unit for each who need not wait any more */
};

BOOL turn_make(struct turn *turn);
void turn_close(struct turn *turn); /* zeroed or made */

/* FALSE if the time passed first. */
BOOL turn_take(struct turn *turn, DWORD timeout_ms);
void turn_give(struct turn *turn);

#endif
