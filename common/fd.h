/* The descriptors that a process was given by a C runtime, as passes for its child. */
#ifndef HANDOFF_FD_H
#define HANDOFF_FD_H

#include <windows.h>

#include "fdblock.h"

/* How many passes request_append_fds() can add. */
uint32_t startup_count_fds(const STARTUPINFOW *startup);

/*
 * Appends a pass for each descriptor of the block in `startup` that is open, that no pass of the request has, and that
 * is not marked to be left out (NULL: none is), with a copy of its handle in the process `to`. A block that is not a C
 * runtime's is left out: Cygwin's describes the process that made it, and kills a child that it does not describe (its
 * dcrt0.cc). The request must have room. Returns a Win32 code: of the pass that it could not make, which lies behind
 * those of the request.
 */
DWORD request_append_fds(struct request *request, const STARTUPINFOW *startup, HANDLE to, BOOL inheritable,
                         const struct fd_marks *left_out);

/* What the block says of a handle of this process; 0 if it is no descriptor. That a C runtime has opened a file for
 * appending stands nowhere else. */
uint32_t startup_fd_flags(const STARTUPINFOW *startup, HANDLE handle);

/* The pass is this handle of this process, or a copy of it: what the block says of it goes with it. */
void request_note_flags(struct request *request, uint32_t pass, const STARTUPINFOW *startup, HANDLE handle);

/* The same for the passes from `first` on, which are this process' own streams. */
void request_note_stream_flags(struct request *request, const STARTUPINFOW *startup, uint32_t first);

#endif
