/* Whom the calling thread impersonates is set aside for a while, so that what is done meanwhile is done as this
 * process. */
#ifndef HANDOFF_IDENTITY_H
#define HANDOFF_IDENTITY_H

#include <windows.h>

/* Takes the thread's impersonation token off; *token is NULL if it impersonates nobody. Returns a Win32 code: with one
 * the thread impersonates as before. */
DWORD identity_set_aside(HANDLE *token);

/* Puts it back and closes the handle, if there is one; *token is NULL afterwards. Returns a Win32 code: with one the
 * thread goes on as this process, and whoever called must be told. */
DWORD identity_put_back(HANDLE *token);

#endif
