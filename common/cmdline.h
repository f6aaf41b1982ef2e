/*
 * Command lines, word by word. What is not ours stays as it is, unit for unit. No OS calls.
 */
#ifndef HANDOFF_CMDLINE_H
#define HANDOFF_CMDLINE_H

#include "text.h"

/* What CreateProcessW takes at most: 32,767 units with the NUL. */
enum { LINE_CAPACITY = 32767, BATCH_CAPACITY = 8192 };

/* Puts the program's name: the first word as CreateProcessW and cmd.exe read it, up to the closing
 * quote or, without quotes, up to a blank. Returns what follows it and its quote. */
const wchar_t *line_program(struct text *program, const wchar_t *line);

/* Skips the first word of a command line, the program's name, as the C runtime does: every quote
 * opens or closes, a backslash is a backslash. Returns what follows, blanks skipped. */
const wchar_t *line_after_program(const wchar_t *line);

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

/* Puts one argument, after a blank unless it is the first, so that line_argument() reads it. The
 * first, the program's name, is read by other rules, which no quote can be written by: see
 * line_after_program(). */
void line_put_argument(struct text *line, const wchar_t *argument);

/* Whether cmd.exe would run the file: its name ends with .bat or .cmd, as Windows sees it, which
 * does not see dots and blanks at the end (CVE-2024-43402). */
bool line_is_batch(const wchar_t *path);

/*
 * Puts what runs a batch file: `cmd.exe` with the file and everything that follows the first word of
 * `line` (NULL: nothing), verbatim. cmd.exe then reads it by its own rules, with extensions and without
 * delayed expansion whatever the registry says. In the path a % stays one. False if the line is longer than
 * cmd.exe can take, 8,191 characters.
 */
bool line_put_batch(struct text *result, const wchar_t *cmd, const wchar_t *path, const wchar_t *line);

#endif
