/*
 * A handle under a number that is given. Nobody may choose a number: a process' table gives them, as a rule in order,
 * and a freed one again, on Windows 8 and later at once, before that when the others of its list are used up. So copies
 * of the handle are put into the table until one comes to lie where it should, and the others are taken back.
 */
#ifndef HANDOFF_NUMBER_H
#define HANDOFF_NUMBER_H

#include <windows.h>

#include <stdint.h>

/* Copies that came to lie elsewhere. They stay there until all have been put, or they would come up again. */
struct strays {
    uint32_t most;
    uint32_t count;
    uint32_t *numbers; /* of `most`, made for the first; the caller's to release */
};

/* How many there may be where numbers up to this one are wanted: the table up to there, and what is left of a
 * list. */
static inline uint32_t strays_most(uint32_t number)
{
    return number / 4 + 2048;
}

/* Puts a copy of one of our own handles under that number into a process. Returns a Win32 code: ERROR_NO_MORE_ITEMS
 * if the number does not come up. */
DWORD put_under(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, struct strays *strays);

/* Closes them, and forgets them. */
void take_back(HANDLE process, struct strays *strays);

#endif
