/* How the prefix reads its command line and writes what it passes on. No OS calls. */
#ifndef HANDOFF_WORDS_H
#define HANDOFF_WORDS_H

#include "placeholder.h"
#include "text.h"

/*
 * Reads one argument as the C runtime does (2n backslashes and a quote: n backslashes; 2n+1: n and
 * a literal quote; "" inside quotes: a literal quote) and returns what follows, blanks skipped, or
 * NULL if there was no argument left. The argument and its NUL never need more units than the
 * line has left.
 */
const wchar_t *line_argument(const wchar_t *line, wchar_t *argument);

/* The same for an argument that is a path, which has no quote in it: a backslash is a backslash, and a quote opens or
 * closes whatever stands before it. So "C:\dir\" ends where it seems to end. */
const wchar_t *line_path(const wchar_t *line, wchar_t *path);

/* Copies a block of changes, as environment_edit() takes them, with the placeholders in their texts replaced. */
void environment_rewrite(struct text *result, const wchar_t *changes, struct placeholder *tree);

#endif
