/* Moving handles between processes: the one primitive. Nothing here is retried, and nothing here
 * closes a number in another process but by stealing it. All functions return a Win32 code, 0 on
 * success, and set *handle to NULL otherwise. */
#ifndef HANDOFF_STEAL_H
#define HANDOFF_STEAL_H

#include <windows.h>

#include "claim.h"
#include "handle.h"

/* 32 bits of a handle are significant, and its number is sign-extended from them. */
static inline HANDLE handle_from_number(uint64_t number)
{
    return (HANDLE)(INT_PTR)(int32_t)(uint32_t)number;
}

static inline uint64_t handle_number(HANDLE handle)
{
    return (uint64_t)(int64_t)(INT_PTR)handle;
}

/* Whether it is one of our own that is open. */
static inline BOOL handle_is_open(uint64_t number)
{
    DWORD flags;

    return handle_can_travel(number) && GetHandleInformation(handle_from_number(number), &flags);
}

/* Takes a handle out of `source`, which needs PROCESS_DUP_HANDLE. The number is closed there
 * "regardless of any error status returned" (DuplicateHandle, DUPLICATE_CLOSE_SOURCE), so after
 * any outcome it belongs to nobody. */
DWORD handle_steal(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle);

/* The same, but the number stays open in `source`: harmless even if it is not the one meant. */
DWORD handle_copy(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle);

/* Puts a copy of one of our own handles into `target`: *there is its number in that process. */
DWORD handle_put(HANDLE target, uint64_t number, BOOL inheritable, uint32_t *there);

/* The same, but the handle is closed here, whatever comes of it. */
DWORD handle_move(HANDLE target, HANDLE handle, BOOL inheritable, uint32_t *there);

/* Steals what the claim offers. ERROR_INVALID_STATE if it is not on offer (any more): then
 * nothing was touched. */
DWORD handle_steal_claimed(HANDLE source, struct claim *claim, BOOL inheritable, HANDLE *handle);

/*
 * Maps the page with that nonce, if this handle of ours is the one to its section. Any other handle may be asked:
 * nothing is done to its object, and memory that is not there is not touched. ERROR_INVALID_DATA if it is a section
 * of something else.
 */
DWORD claim_page_map(HANDLE section, uint64_t nonce, struct claim_page **page);

#endif
