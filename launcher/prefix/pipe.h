/* A pipe with an overlapped end to read from, which CreatePipe has not. */
#ifndef HANDOFF_PIPE_H
#define HANDOFF_PIPE_H

#include <windows.h>

/* `size` is that of its buffer, in bytes. The end to write to is not overlapped; neither is inheritable. Returns a
 * Win32 code; the handles are NULL where there is none. */
DWORD pipe_make(DWORD size, HANDLE *read_end, HANDLE *write_end);

#endif
