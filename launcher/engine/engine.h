/*
 * The engine of both programs: from a request whose handles are open here to a suspended child that has just
 * these.
 *
 *   creation.h   the steps, and the files that they are in
 *   number.h     a handle under a number that is given
 *   inherited.h  which of this process' handles are inheritable
 *   ../broker/   handoff-launcher.exe, the library's broker: requests come in memory that it shares with it
 *   ../prefix/   handoff.exe and handoffw.exe: options before a command
 *
 * Imports nothing but kernel32's functions of Windows XP; newer ones are looked up at run time.
 */
#ifndef HANDOFF_ENGINE_H
#define HANDOFF_ENGINE_H

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

/* How a program wants its child. Zeroed: with passes that are inheritable already, and in no job. */
struct terms {
    uint32_t exposed; /* so many passes, the first, become inheritable at the moment of CreateProcessW; they stay so */
    HANDLE job;       /* the child is in it from its creation on, where Windows lets it be at all; NULL: in none */
    DWORD *job_code;  /* why it is not in it; ERROR_SUCCESS: it is. NULL only if there is no job */
};

/*
 * Creates the child, suspended, of the request's application, with the handles of its passes, which must be open in this
 * process and listed nowhere else. Win or lose, they stay the caller's to close: then only the child has them, under the
 * same numbers, or under those that they were to have.
 */
BOOL create_child(struct request *request, const struct terms *terms, PROCESS_INFORMATION *child,
                  struct failure *failure);

/* Ends a child that is not to run, and closes its handles. Afterwards it is gone: who looks for children of ours finds
 * none. */
void child_end(const PROCESS_INFORMATION *child);

/* Closes the handles of the passes from `first` to before `end`, of those that have one. */
void close_passes(const struct request *request, uint32_t first, uint32_t end);

#endif
