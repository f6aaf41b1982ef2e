/* What the unit suites share. */
#ifndef HANDOFF_UNIT_H
#define HANDOFF_UNIT_H

#include "harness.h"

enum guard { GUARD_INPUT, GUARD_OUTPUT, GUARD_AGAIN, GUARD_PASSES, GUARD_COUNT };
enum { GUARD_ROOM = 1 << 21 };

/*
 * The end of GUARD_ROOM bytes of memory, where a page begins that nobody may touch: what is
 * placed right before it cannot be overrun by one byte without a crash. The memory keeps what was
 * written.
 */
void *guard_end(enum guard guard);

/* Copies of the bytes or of the string, NUL included, that end where guard_end() says. */
void *guard_bytes(enum guard guard, const void *bytes, size_t size);
wchar_t *guard_string(enum guard guard, const wchar_t *string);

#define LENGTH(array) (sizeof(array) / sizeof *(array))

Suite *cmdline_suite(void);
Suite *placeholder_suite(void);
Suite *request_suite(void);
Suite *wire_suite(void);
Suite *claim_suite(void);
Suite *channel_suite(void);
Suite *token_suite(void);
Suite *text_suite(void);
Suite *handle_suite(void);
Suite *number_suite(void);
Suite *error_suite(void);
Suite *environment_suite(void);
Suite *options_suite(void);
Suite *fdblock_suite(void);
Suite *clock_suite(void);
Suite *stream_suite(void);
Suite *ansi_suite(void);

#endif
