/* Pipes with an overlapped end, which CreatePipe has not. */
#ifndef HANDOFF_PIPE_H
#define HANDOFF_PIPE_H

#include <windows.h>

/* `direction` is PIPE_ACCESS_DUPLEX or PIPE_ACCESS_INBOUND, seen from the near end, which is overlapped; the
 * far end is not. Neither is inheritable. Returns a Win32 code; the handles are NULL where there is none. */
DWORD pipe_make(DWORD direction, DWORD out_size, DWORD in_size, HANDLE *near_end, HANDLE *far_end);

#endif
