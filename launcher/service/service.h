/* The service door. */
#ifndef HANDOFF_SERVICE_H
#define HANDOFF_SERVICE_H

#include <windows.h>

/* Serves the requests behind this token, one after another, until the library closes its end of the pipe.
 * Returns the launcher's exit code: 0, or why it could not even reach the pipe. */
DWORD serve(const wchar_t *token);

#endif
