/* Batch files, which cmd.exe runs. No OS calls. */
#ifndef HANDOFF_BATCH_H
#define HANDOFF_BATCH_H

#include "text.h"

enum { BATCH_CAPACITY = 8192 }; /* what cmd.exe takes at most: 8,191 units and the NUL */

/* Whether cmd.exe would run the file: its name ends with .bat or .cmd, as Windows sees it, which
 * does not see dots and blanks at the end (CVE-2024-43402). */
bool path_is_batch(const wchar_t *path);

/*
 * Puts what runs a batch file: `cmd.exe` with the file and everything that follows the first word of
 * `line` (NULL: nothing), verbatim. cmd.exe then reads it by its own rules, with extensions and without
 * delayed expansion whatever the registry says. In the path a % stays one. False if the text is longer than
 * cmd.exe can take, 8,191 characters.
 */
bool line_put_batch(struct text *result, const wchar_t *cmd, const wchar_t *path, const wchar_t *line);

#endif
