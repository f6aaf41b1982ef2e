/* The service door. */
#ifndef HANDOFF_SERVICE_H
#define HANDOFF_SERVICE_H

#include <windows.h>

/* Serves the requests of the parent that has put the page with this nonce here, one after another, until the
 * library says that all is over, or dies. Returns the launcher's exit code: 0, or why it could not even reach that. */
DWORD serve(const wchar_t *nonce);

#endif
