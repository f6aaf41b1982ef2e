/*
 * Puts a handle under a given number. Nobody may choose a number: the table of a process gives them, as a rule in
 * order. It gives a freed number again: on Windows 8 and later at once, before that when the list of free numbers is
 * used up. So copies of the handle are put into the table until a copy has the number. The others are taken back.
 */
#ifndef HANDOFF_NUMBER_H
#define HANDOFF_NUMBER_H

#include <windows.h>

#include <stdbool.h>
#include <stdint.h>

enum { HIGHEST_NOTED = 1 << 18 }; /* more than 65,000 handles */

/* Room to note for each number below HIGHEST_NOTED whether it is one of these copies; NULL if there is no memory. */
bool *make_notes(void);

/*
 * Puts a copy of one of our own handles under that number into a process. Copies with lower numbers stay there as far
 * as they can be noted, because the next call would get these numbers again. All other copies are closed before this
 * returns. Returns a Win32 code: ERROR_NO_MORE_ITEMS if the number does not come up because another handle has it;
 * ERROR_NO_SYSTEM_RESOURCES if it does not come up and nothing has it.
 */
DWORD handle_put_at(HANDLE process, HANDLE handle, BOOL inheritable, uint32_t number, bool *notes);

/* Closes what lies under that number in a process. */
void handle_close_in(HANDLE process, uint32_t number);

/* Closes what lies there by the notes (which may be NULL), and releases them. */
void close_noted(HANDLE process, bool *notes);

#endif
