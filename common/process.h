/* What launcher and command know of processes. */
#ifndef HANDOFF_PROCESS_H
#define HANDOFF_PROCESS_H

#include <windows.h>

/* Ctrl-C and Ctrl-Break are the child's: from now on this process goes on when they come. */
void outlive_console_events(void);

/*
 * Lets the child end when this process does, however it does: puts it into a job whose only handle stays
 * here. To be called before the child runs. With JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK in `more_limits` the
 * child's own children are not in it. Returns the job, or NULL where Windows refuses (one that cannot be
 * nested, before 8): then the child simply outlives us.
 */
HANDLE bind_child(HANDLE process, DWORD more_limits);

/* Holds no stream and no start directory of this process any more, so that pipes end and directories can
 * be removed as if it were not there while it waits. */
void let_go(void);

/* Waits for the end of the child and returns its exit code, or EXIT_CANNOT_RUN if that cannot be had. */
DWORD wait_for_exit(HANDLE process);

#endif
