/* Opening a process by its pid, to take handles from it: for a process that was given nothing but numbers. */
#ifndef HANDOFF_OWNER_H
#define HANDOFF_OWNER_H

#include <windows.h>

#include <stdint.h>

/* FILETIME of the process: 100 ns since 1601; 0 if it cannot be told. A pid may be recycled; pid and
 * creation time together cannot. */
uint64_t creation_time(HANDLE process);

/*
 * Opens a process to take handles from it, and for that alone. `created` is its creation time, or 0 if
 * that is not known. ERROR_INVALID_PARAMETER, as OpenProcess has it, if there is no such process (any more).
 */
DWORD open_owner(DWORD process_id, uint64_t created, HANDLE *owner);

#endif
