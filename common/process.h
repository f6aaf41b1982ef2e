/* What launcher and command know of processes. */
#ifndef HANDOFF_PROCESS_H
#define HANDOFF_PROCESS_H

#include <windows.h>

/* Ctrl-C and Ctrl-Break are the child's: from now on this process goes on when they come. */
void outlive_console_events(void);

/* Lets the child end when this process does, however it does, but not the child's own children: a
 * job, whose only handle stays here. To be called before the child runs. Where Windows refuses (a job
 * that cannot be nested, before 8) the child simply outlives us. */
void bind_child(HANDLE process);

/* Waits for the child's end, while holding no stream and no start directory of this process, so that
 * pipes end and directories can be removed as if it were not there, and returns the exit code. */
DWORD stand_in_for(HANDLE process);

#endif
