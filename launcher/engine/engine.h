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

/* Fills the failure in and is false, for functions that end with `return failure_set(...)`. */
BOOL failure_set(struct failure *failure, DWORD stage, DWORD pass, DWORD code);

/*
 * Creates the child, suspended, of the request's application, with the handles of its passes, which must be open and
 * inheritable in this process, and in its jobs. Win or lose, the caller closes the handles
 * that the passes still have. A pass whose handle went into the child under a number of its own (PASS_APART) has none.
 */
BOOL create_child(struct request *request, PROCESS_INFORMATION *child, struct failure *failure);

/* The same for a request with one job that is PASS_OPTIONAL: where the child cannot be created in it, the child joins
 * it later, or is outside, and *job_code says why. */
BOOL create_child_in_job(struct request *request, PROCESS_INFORMATION *child, DWORD *job_code, struct failure *failure);

/* Ends a child that is not to run, and closes its handles. Afterwards it is gone: nobody who
 * looks for children of this process finds it. */
void child_end(const PROCESS_INFORMATION *child);

/* Closes the handles of the passes of these kinds, 1 << PASS_ASKED | .... */
void close_passes(const struct request *request, uint32_t kinds);

#endif
