/*
 * Command lines, word by word. What is not ours stays as it is, unit for unit. No OS calls.
 */
#ifndef HANDOFF_CMDLINE_H
#define HANDOFF_CMDLINE_H

#include "text.h"

/* What CreateProcessW takes at most: 32,767 units with the NUL. */
enum { LINE_CAPACITY = 32767 };

/* What separates words: a blank or a tab. */
bool line_is_blank(wchar_t unit);

/* What follows the blanks. */
const wchar_t *line_skip_blanks(const wchar_t *line);

/* Puts the program's name: the first word as CreateProcessW and cmd.exe read it, up to the closing
 * quote or, without quotes, up to a blank. Returns what follows it and its quote. */
const wchar_t *line_program(struct text *program, const wchar_t *line);

/* Skips the first word of a command line, the program's name, as the C runtime does: every quote
 * opens or closes, a backslash is a backslash. Returns what follows, blanks skipped. */
const wchar_t *line_after_program(const wchar_t *line);

#endif
