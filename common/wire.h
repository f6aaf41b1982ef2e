/*
 * A request on its way from the library to its launcher. No OS calls.
 *
 * Numbers are little-endian; a string is its length in units with the NUL (0: absent), the units, and zeros up to a
 * multiple of four bytes. The decoder accepts only what the encoder would have written: anything else, a byte too
 * many included, is refused whole.
 */
#ifndef HANDOFF_WIRE_H
#define HANDOFF_WIRE_H

#include "request.h"

enum {
    WIRE_PASS = 32,      /* a pass without a name, the shortest */
    WIRE_MOST = 16 << 20 /* many times the longest line and any sane environment */
};

/* The size of the encoded request; it is stored only if it fits. A capacity of 0 asks for the size. */
size_t wire_encode(void *to, size_t capacity, const struct request *request);

/* How many passes a request claims to have, for the caller to allocate; never more than its size
 * allows, so that a forged count cannot ask for more memory than a small multiple of that. */
uint32_t wire_pass_count(const void *from, size_t size);

/* The request's strings point into the memory that it is read from, which must be aligned to 4 bytes and must outlive
 * it; its passes are put into `passes`, which has room for wire_pass_count() of them. */
bool wire_decode(const void *from, size_t size, struct request *request, struct pass *passes);

#endif
