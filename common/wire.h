/*
 * The messages of the control pipe between the library and its launcher. No OS calls.
 *
 * A message is a frame: its whole size and its type, 32 bits each, then the payload. Numbers are
 * little-endian; a string is its length in units with the NUL (0: absent), the units, and zeros
 * up to a multiple of four bytes. A decoder accepts only what the encoder would have written:
 * anything else, a byte too many included, is refused whole.
 */
#ifndef HANDOFF_WIRE_H
#define HANDOFF_WIRE_H

#include "request.h"

enum {
    WIRE_HEADER = 8,
    WIRE_PASS = 28, /* a pass without a name, the shortest */
    WIRE_REPORT_MAX = 32,
    WIRE_REQUEST_MAX = 16 << 20 /* many times the longest line and any sane environment */
};

enum wire_type {
    WIRE_REQUEST = 1, /* parent to launcher: struct request */
    WIRE_SPAWNED,     /* launcher to parent: the child exists, suspended */
    WIRE_FAILED,      /* launcher to parent: there is no child */
    WIRE_COMMIT       /* parent to launcher: the child is mine now */
};

/* Any message but a request. A field that the type does not use is not sent. */
struct report {
    uint32_t type;
    uint32_t process_id, thread_id; /* WIRE_SPAWNED */
    uint64_t process, thread;       /* WIRE_SPAWNED: handles in the launcher */
    uint32_t stage, pass, code;     /* WIRE_FAILED: enum handoff_stage, index, Win32 code */
};

/* The size of the frame that begins here, or 0 if no message of up to `most` bytes does.
 * `header` has WIRE_HEADER bytes. */
uint32_t wire_frame_size(const void *header, uint32_t most);

/* The size of the encoded frame; it is stored only if it fits. A capacity of 0 asks for the size. */
size_t wire_encode_request(void *frame, size_t capacity, const struct request *request);
size_t wire_encode_report(void *frame, size_t capacity, const struct report *report);

/* How many passes a request claims to have, for the caller to allocate; never more than its size
 * allows, so that a forged count cannot ask for more memory than a small multiple of the frame. */
uint32_t wire_pass_count(const void *frame, size_t size);

/* The request's strings point into the frame, which must be aligned to 4 bytes and must outlive
 * it; its passes are put into `passes`, which has room for wire_pass_count() of them. */
bool wire_decode_request(const void *frame, size_t size, struct request *request, struct pass *passes);
bool wire_decode_report(const void *frame, size_t size, struct report *report);

#endif
