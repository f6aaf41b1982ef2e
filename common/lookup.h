/* Which program a command line means. */
#ifndef HANDOFF_LOOKUP_H
#define HANDOFF_LOOKUP_H

#include <windows.h>

/* Finds the program that cmd.exe would run for this command line. Returns a Win32 code; *path is the full path, in
 * memory of its own, or NULL. */
DWORD lookup_program(const wchar_t *line, wchar_t **path);

/* Whether a name says where it is, so that it is looked for only there. */
BOOL name_has_directory(const wchar_t *name);

/* Whether a program that is named without a directory is looked for in the current one. It is what
 * NeedCurrentDirectoryForExePathW asks, which Windows XP does not have. */
BOOL current_directory_counts(void);

#endif
