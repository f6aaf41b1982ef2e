/* A bounded text under construction. Overflow is sticky and is asked for once, at the end.
 * No OS calls. */
#ifndef HANDOFF_TEXT_H
#define HANDOFF_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(sizeof(wchar_t) == 2, "wchar_t is a UTF-16 unit (on other hosts: -fshort-wchar)");

struct text {
    wchar_t *at;
    size_t capacity; /* units, the terminating NUL included; 0: nothing is stored, and text_end() is not allowed */
    size_t length;   /* units put so far; those past the capacity are counted but not stored */
};

void text_put_unit(struct text *text, wchar_t unit);
void text_put(struct text *text, const wchar_t *string);
void text_put_ascii(struct text *text, const char *string); /* our own words, at half the size */
void text_put_units(struct text *text, const wchar_t *units, size_t count);
void text_put_visible(struct text *text, const wchar_t *string); /* with a '?' for each control character */
void text_put_quoted(struct text *text, const wchar_t *string);  /* the same, after a blank */
void text_put_decimal(struct text *text, uint32_t number);
void text_put_hex(struct text *text, uint64_t number); /* without a prefix, no leading zeros */

/* %s: const char *, %w: const wchar_t *, %q: the same, quoted as above, %u: uint32_t, %x: uint32_t. */
void text_format(struct text *text, const char *format, ...);

/* Leaves of a path what stands up to the last backslash. */
void text_cut_name(struct text *path);

/* Terminates the text. False if it did not fit: it is then cut to the capacity. */
bool text_end(struct text *text);

size_t text_length(const wchar_t *string); /* units before the NUL */
bool text_equal_ascii(const wchar_t *a, const char *b);
bool text_begins_ascii(const wchar_t *text, const char *start);

/* Reads a number, decimal or hexadecimal after 0x, and returns what follows it; NULL if there is none
 * or it needs more than 64 bits. */
const wchar_t *text_parse_number(const wchar_t *text, uint64_t *number);

#endif
