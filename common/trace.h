/* What --trace says on stderr: the way of each handle, the command line that came of it, and when
 * each step was done. */
#ifndef HANDOFF_TRACE_H
#define HANDOFF_TRACE_H

#include <windows.h>

#include "request.h"

/* The processes on the way. */
struct way {
    DWORD parent_id, launcher_id, child_id;
};

/* The handle's numbers: in the parent, 0 if it was the launcher's own, and in the other two, where
 * inheritance keeps it the same. */
void trace_handle(const struct way *way, const struct pass *pass, uint32_t in_parent, uint32_t in_child);
void trace_command_line(const struct request *request); /* its passes have their numbers */
void trace_time(const char *what_is_done, DWORD us);

#endif
