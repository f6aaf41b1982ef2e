/* Texts of the system's, whose size only the system knows. Each is in memory of its own, of the size that it needs: a
 * spawn would pay for larger pieces, whose pages come and go each time. */
#ifndef HANDOFF_QUERY_H
#define HANDOFF_QUERY_H

#include <windows.h>

/* NULL with GetLastError() if it is no path, or there is no memory. */
wchar_t *full_path(const wchar_t *path);

/* Returns a Win32 code; *path is NULL with an error. */
DWORD path_of_module(HMODULE module, wchar_t **path);

/* A variable of the environment may be empty. */
BOOL variable_is_set(const wchar_t *name);

/* NULL if it is absent or empty. */
wchar_t *get_variable(const wchar_t *name);

#endif
