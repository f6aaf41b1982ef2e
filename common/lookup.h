/* Which program a command line means. */
#ifndef HANDOFF_LOOKUP_H
#define HANDOFF_LOOKUP_H

#include <windows.h>

/*
 * What is returned as a text is in memory of its own, of the size that it needs: a spawn would pay for larger pieces,
 * whose pages come and go each time.
 */

/* Finds the program that cmd.exe would run for this command line. Returns a Win32 code; *path is the full path, or
 * NULL. */
DWORD lookup_program(const wchar_t *line, wchar_t **path);

/* NULL with GetLastError() if it is no path, or there is no memory. */
wchar_t *full_path(const wchar_t *path);

/* Returns a Win32 code. */
DWORD path_of_module(HMODULE module, wchar_t **path);

/* A value of the environment; NULL if it is absent or empty. */
wchar_t *get_variable(const wchar_t *name);

/* Whether a program that is named without a directory is looked for in the current one. It is what
 * NeedCurrentDirectoryForExePathW asks, which Windows XP does not have. */
BOOL current_directory_counts(void);

#endif
