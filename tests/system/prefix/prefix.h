/* What the tests of handoff.exe share, which they call the prefix. */
#ifndef HANDOFF_TESTS_PREFIX_H
#define HANDOFF_TESTS_PREFIX_H

#include "system.h"

/* Rows for all combinations of widths; and twice as many where the prefix either takes a handle of this process or
 * opens a file. */
enum { COMBINATIONS = WIDTH_COUNT * WIDTH_COUNT, COMBINATIONS_OF_BOTH = 2 * COMBINATIONS };
enum { OWN_ROW = OWN_WIDTH * WIDTH_COUNT + OWN_WIDTH };

/* The programs of a row, and whether it is one where the prefix opens. */
const wchar_t *prefix(int row);
const wchar_t *child(int row);
BOOL opens(int row);

/* What the last command wrote, and how it ended. */
extern struct result result;

/* `handoff.exe OPTIONS -- child.exe ARGUMENTS`, both of this width. */
void run_prefixed(const wchar_t *options, const wchar_t *arguments);

void assert_file(const wchar_t *path, const char *content); /* which nobody writes to any more */
BOOL ends_with(const char *text, const char *end);

#endif
