/* What handoff itself writes to. */
#ifndef HANDOFF_SINK_H
#define HANDOFF_SINK_H

#include <windows.h>

struct sink {
    HANDLE to; /* NULL: there is none */
    BOOL
        appends; /* by a C runtime's flag alone, without which a write would go over what lies at the file's beginning */
};

/* For a handle that this process was given, or a copy of it. */
struct sink sink_for(HANDLE given, HANDLE copy);

/* Writes all of it. Returns a Win32 code. */
DWORD sink_write(const struct sink *sink, const char *bytes, DWORD size);

/* Whether the code means that something was lost. A reader that has gone wants no more, and a stream that is not open
 * never had one. */
BOOL sink_has_lost(DWORD code);

#endif
