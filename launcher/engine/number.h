/*
 * A handle under a number that is given. Nobody may choose a number: a process' table gives them, as a rule in order,
 * and a freed one again, on Windows 8 and later at once, before that when the others of its list are used up. So copies
 * of the handle are put into the table until one comes to lie where it should, and the others are taken back.
 */
#ifndef HANDOFF_NUMBER_H
#define HANDOFF_NUMBER_H

#include <windows.h>

#include <stdbool.h>
#include <stdint.h>

enum { HIGHEST_NOTED = 1 << 18 }; /* more than 65,000 handles */

/* For each number below that, whether one of ours lies there: all false; NULL if there is no memory. */
bool *make_notes(void);

/*
 * Puts a copy of one of our own handles under that number into a process. What came to lie below it stays there if it
 * can be noted, since it would come up again with the next; everything else is closed before this returns. Returns
 * a Win32 code: ERROR_NO_MORE_ITEMS if the number does not come up.
 */
DWORD put_under(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, bool *notes);

/* Closes what lies under that number in a process. */
void close_in(HANDLE process, uint32_t number);

/* Closes what lies there by the notes (which may be NULL), and releases them. */
void close_noted(HANDLE process, bool *notes);

#endif
