/* What of this process' handles a child may inherit. */
#ifndef HANDOFF_INHERITED_H
#define HANDOFF_INHERITED_H

#include <windows.h>

/* FALSE with GetLastError(). */
BOOL handle_set_inheritable(HANDLE handle, BOOL inheritable);

/* Does something to each handle of this process that is inheritable, whoever made it so: as a rule, whoever started
 * this process. No object is asked anything, since a synchronous pipe that somebody reads would not answer. */
void handles_visit_inheritable(void (*act)(HANDLE handle));

#endif
