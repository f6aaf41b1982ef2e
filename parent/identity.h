/* Who this process is, and whom the calling thread impersonates meanwhile. */
#ifndef HANDOFF_IDENTITY_H
#define HANDOFF_IDENTITY_H

#include <windows.h>

/* What the process' token says. Returns a Win32 code. */
DWORD identity_query(TOKEN_INFORMATION_CLASS kind, void *to, ULONG size);

/* Sets aside whom the thread impersonates, so that what is done from now on is done as this process: takes the thread's
 * impersonation token off; *token is NULL if it impersonates nobody. Returns a Win32 code: with one the thread
 * impersonates as before. */
DWORD identity_set_aside(HANDLE *token);

/* Puts it back and closes the handle, if there is one; *token is NULL afterwards. With ERROR_NO_IMPERSONATION_TOKEN,
 * which nothing else here fails with, the thread goes on as this process, or with a token by which it can do nothing
 * for him, and whoever called must be told. */
DWORD identity_put_back(HANDLE *token);

#endif
