/* Which numbers can be handles that travel between processes. No OS calls. */
#ifndef HANDOFF_HANDLE_H
#define HANDOFF_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

/* -1 (the process), -2 (the thread), -4 to -6 (tokens) and their neighbours down to -12 (console streams as
 * GetStdHandle's arguments). They mean something in one process alone. */
static inline bool handle_is_pseudo(uint64_t number)
{
    int64_t value = (int64_t)number;
    return value < 0 && value >= -12;
}

/*
 * Handles travel as 64-bit numbers of which 32 bits are significant, sign-extended
 * (Microsoft, "Interprocess Communication Between 32-bit and 64-bit Applications").
 *
 * Refused are what DuplicateHandle would take for something else, or ignore: 0; pseudo-handles, since stealing -1 would
 * hand over the parent itself; and numbers with one of the two low bits set, which the kernel masks off (before
 * Windows 8 they are console handles, which no other process can duplicate).
 */
static inline bool handle_can_travel(uint64_t number)
{
    int64_t value = (int64_t)number;
    return value == (int32_t)(uint32_t)number && value != 0 && !handle_is_pseudo(number) && (value & 3) == 0;
}

#endif
