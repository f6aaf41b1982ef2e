/* A launcher and what connects its parent with it, for one spawn or for many. */
#ifndef HANDOFF_LINK_H
#define HANDOFF_LINK_H

#include <windows.h>

#include "channel.h"
#include "clock.h"
#include "handoff.h"
#include "page.h"

struct link {
    wchar_t *path;  /* of the launcher's program */
    HANDLE process; /* the launcher's */
    DWORD process_id;
    HANDLE heard, reported; /* events: the launcher, or we, have something to look at */
    HANDLE report, far_end; /* of the pipe, ours to read from, and the launcher's until that has it */
    struct page page;       /* claim i is for pass i of a request */
    struct channel *channel;
    size_t room;  /* for a request; here, where the launcher cannot write */
    BOOL is_over; /* and the launcher has been told */
};

/*
 * Starts the launcher (NULL: the one beside this library's module) with a page for that many passes and requests of up
 * to that many bytes, and puts into it all the rights that it has: the page, the two events, the writing end of a pipe,
 * and a handle of this process to take from. One that stays does so in no directory of the parent's, which could not be
 * removed, and at normal priority, which its children would have from it. The zeroed link is to be closed in any case.
 * Returns a Win32 code, with the stage that failed; then no launcher runs.
 */
DWORD link_open(struct link *link, const wchar_t *path, BOOL stays, uint32_t passes, size_t room, DWORD *stage);

/*
 * Why a handle could not be put into the launcher: with that code, or with ERROR_PROCESS_ABORTED for its own sake. A
 * process that is ending refuses handles with ERROR_ACCESS_DENIED for a moment before it is signalled (seen on NT 5.2):
 * so its end is waited for, `timeout_ms` at most.
 */
DWORD link_blame(const struct link *link, DWORD code, DWORD timeout_ms);

/* Terminates a process and waits for its end; FALSE if that does not come. */
BOOL end_process(HANDLE process);

/* Names the launcher in an error about its start or its end, and leaves others alone. */
void link_describe(const struct link *link, struct handoff_error *error);

/* Tells the launcher that all is over, at which it ends, unless it hangs. */
void link_end(struct link *link);

/* The same, and closes what is open. */
void link_close(struct link *link);

#endif
