/*
 * Every OS call of the product fails once. The product is the one that is built for use: in its object the
 * names of what it imports are changed (`redirect` in the Makefile), so that its calls come here first, are
 * counted, and the one with the number that the test wants fails. A function that is imported but not listed
 * in counted.c does not link.
 */
#ifndef HANDOFF_TESTS_COUNTED_H
#define HANDOFF_TESTS_COUNTED_H

#include <windows.h>

/* The code of a call that was made to fail: bit 29 is never set in Windows' own. */
#define INJECTED 0x20000F17u

/* One for the library in the test, one for the launcher, whose memory the two programs share. */
struct calls {
    LONG fail_at; /* the number of that call, from 1; 0: none */
    volatile LONG made;
    BOOL no_list;      /* as on a Windows before Vista, there is no handle list */
    char failed[40];   /* the function that failed; empty: none yet */
    char unlisted[40]; /* one that was looked up by name and is not in counted.c */
};

/* The name of the shared memory is in this variable. */
#define CALLS_VARIABLE "HANDOFF_CALLS"

/* Each program has its own; NULL: nothing is counted. */
struct calls *current_calls(void);

#endif
