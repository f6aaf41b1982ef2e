/*
 * handoff-launcher.exe: takes handles from its parent, starts the child with them, hands the child
 * over and leaves. It opens nothing for the child and never runs anything else.
 *
 *   main.c     which door
 *   prefix.c   the door for people and other languages: options before a command
 *   service.c  the door for the library: the request comes over the control pipe
 *   engine.c   request -> suspended child, whichever door it came through
 *   memory.c   what the compiler expects of a C library; there is none here
 *
 * Imports nothing but kernel32's functions of Windows XP; newer ones are looked up at run time.
 */
#ifndef HANDOFF_LAUNCHER_H
#define HANDOFF_LAUNCHER_H

#include <windows.h>

#include "handoff.h"
#include "request.h"

/* Why there is no child. The pass is HANDOFF_NO_PASS unless it is about one. */
struct failure {
    DWORD stage; /* enum handoff_stage */
    DWORD pass;
    DWORD code;
};

/* Fills the failure in and is false, for functions that end with `return fail(...)`. */
BOOL fail(struct failure *failure, DWORD stage, DWORD pass, DWORD code);

/*
 * Creates the child, suspended, with the handles of the request's passes, which must be open in
 * the launcher, inheritable, and listed nowhere else. Win or lose, they stay the caller's to close: then
 * only the child has them, under the same numbers.
 */
BOOL create_child(struct request *request, PROCESS_INFORMATION *child, struct failure *failure);

/* Closes the handles of the passes from `first` to before `end`, of those that have one. */
void close_passes(const struct request *request, uint32_t first, uint32_t end);

/* Runs the command behind "--" of this command line and returns the launcher's exit code. */
DWORD run_prefix(const wchar_t *line);

/* Serves the requests behind this token, one after another, until the library closes its end of the pipe.
 * Returns the launcher's exit code: 0, or why it could not even reach the pipe. */
DWORD serve(const wchar_t *token);

#endif
