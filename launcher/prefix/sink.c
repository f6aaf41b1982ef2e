#include "sink.h"

#include "fd.h"
#include "fdblock.h"

/* Neither a pipe nor a device has an end. */
struct sink sink_for(HANDLE given, HANDLE copy)
{
    const uint32_t kinds = FD_APPEND | FD_PIPE | FD_DEVICE;
    STARTUPINFOW startup;

    GetStartupInfoW(&startup);
    return (struct sink){copy, (startup_fd_flags(&startup, given) & kinds) == FD_APPEND};
}

/* Windows itself goes to the end, so that nobody can write there between a look for it and the write. */
static BOOL append_some(HANDLE to, const char *bytes, DWORD size, DWORD *written)
{
    OVERLAPPED end = {.Offset = MAXDWORD, .OffsetHigh = MAXDWORD};

    return WriteFile(to, bytes, size, written, &end) ||
           (GetLastError() == ERROR_IO_PENDING && GetOverlappedResult(to, &end, written, TRUE));
}

static BOOL write_some(const struct sink *sink, const char *bytes, DWORD size, DWORD *written)
{
    return sink->appends ? append_some(sink->to, bytes, size, written)
                         : WriteFile(sink->to, bytes, size, written, NULL);
}

DWORD sink_write(const struct sink *sink, const char *bytes, DWORD size)
{
    enum { PAUSE_MS = 10 };

    for (DWORD written; size > 0; bytes += written, size -= written) {
        if (!write_some(sink, bytes, size, &written))
            return GetLastError();
        if (written == 0) /* by a pipe that is full and does not block (PIPE_NOWAIT) */
            Sleep(PAUSE_MS);
    }
    return ERROR_SUCCESS;
}

BOOL sink_has_lost(DWORD code)
{
    return code != ERROR_SUCCESS && code != ERROR_BROKEN_PIPE && code != ERROR_NO_DATA &&
           code != ERROR_PIPE_NOT_CONNECTED && code != ERROR_INVALID_HANDLE;
}
