#ifndef HANDOFF_SECURITY_H
#define HANDOFF_SECURITY_H

#include <windows.h>

/* A security descriptor that Windows would not read; none is none. */
BOOL has_unknown_revision(const SECURITY_ATTRIBUTES *security);

#endif
