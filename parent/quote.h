/* Arguments as the command line that a C runtime reads them back from. No OS calls. */
#ifndef HANDOFF_QUOTE_H
#define HANDOFF_QUOTE_H

#include "text.h"

/* Puts one argument, after a blank unless it is the first, so that a C runtime reads it. The
 * first, the program's name, is read by other rules, which no quote can be written by: see
 * line_after_program(). */
void line_put_argument(struct text *line, const wchar_t *argument);

#endif
