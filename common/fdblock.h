/*
 * The C runtime's descriptor block, which a process is started with in STARTUPINFO's lpReserved2:
 *
 *   int n;  unsigned char flags[n];  pointer handle[n];       nothing is aligned
 *
 * Pointers have the width of the program that reads it, and nobody converts. No OS calls.
 */
#ifndef HANDOFF_FDBLOCK_H
#define HANDOFF_FDBLOCK_H

#include "request.h"

enum {
    FD_OPEN = 0x01,
    FD_PIPE = 0x08,
    FD_NOINHERIT = 0x10,
    FD_APPEND = 0x20,
    FD_DEVICE = 0x40,
    FD_TEXT = 0x80,

    FDBLOCK_MOST = 0xFFFF,                        /* bytes: cbReserved2 is a WORD */
    FDBLOCK_COUNT = (FDBLOCK_MOST - 4) / (1 + 4), /* of descriptors, at most; pointers are 4 bytes or more */
    FD_MOST = 2047                                /* the last descriptor that every C runtime can read */
};

/* Zeroed at first: which descriptors somebody has. */
struct fd_marks {
    uint8_t bits[FDBLOCK_COUNT / 8 + 1];
};

/* False if it has a mark already. The descriptor is below FDBLOCK_COUNT. */
static inline bool fd_mark(struct fd_marks *marks, uint32_t fd)
{
    uint8_t bit = (uint8_t)(1u << fd % 8), *bits = &marks->bits[fd / 8];
    bool is_new = (*bits & bit) == 0;

    *bits |= bit;
    return is_new;
}

/* One that somebody gave us. */
struct fdblock {
    const uint8_t *bytes;
    uint32_t count;   /* of descriptors; 0: it is not a C runtime's */
    uint32_t pointer; /* bytes of one */
};

/* Width and count; where the size fits neither width exactly, `own_pointer` is believed if there is
 * room enough. Cygwin's block has a count of 0. */
struct fdblock fdblock_open(const void *bytes, uint32_t size, uint32_t own_pointer);

/* 0 for a descriptor that is not open, in the block or at all. */
uint32_t fdblock_flags(const struct fdblock *block, uint32_t fd);

/* The flags of every descriptor that has this handle, together; 0 if no descriptor has it. */
uint32_t fdblock_flags_of(const struct fdblock *block, uint64_t handle);

/* Sign-extended from 32 bits, which is all that a handle has. */
uint64_t fdblock_handle(const struct fdblock *block, uint32_t fd);

/*
 * The block for a child with this width of pointer, from the passes' numbers: their descriptors, and
 * their streams where the request has flags for them. Returns its size, which is 0 if no descriptor
 * is asked for; it is stored if it fits.
 */
uint32_t fdblock_make(uint8_t *bytes, uint32_t capacity, uint32_t pointer, const struct request *request);

#endif
