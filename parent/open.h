/* What the handoff command can open for its child. */
#ifndef HANDOFF_OPEN_H
#define HANDOFF_OPEN_H

#include <windows.h>

/*
 * The handles are not inheritable and let others read, write and delete the file meanwhile. They
 * are NULL on failure, and GetLastError() says why.
 */
HANDLE open_read(const wchar_t *path);   /* an existing file */
HANDLE open_write(const wchar_t *path);  /* created, or emptied */
HANDLE open_append(const wchar_t *path); /* created, or every write goes to its end */

#endif
