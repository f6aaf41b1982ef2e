/* What of this process' handles a child may inherit. */
#ifndef HANDOFF_INHERITED_H
#define HANDOFF_INHERITED_H

#include <windows.h>

/* FALSE with GetLastError(). */
BOOL handle_set_inheritable(HANDLE handle, BOOL inheritable);

/* Does something to each inheritable handle of this process. As a rule the process had them from its start. No object
 * is asked anything, since a synchronous pipe that somebody reads would not answer. */
void handles_visit_inheritable(void (*act)(HANDLE handle));

#endif
