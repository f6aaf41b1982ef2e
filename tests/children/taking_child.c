/* A child that knows of handoff: it takes what the token, its first argument, offers, sets that event,
 * and writes "taken", or the code of the error, to stdout. Of handoff it compiles parent/taker/taker.c only. */
#include "handoff.h"

#include <stdio.h>

int wmain(int argc, wchar_t **argv)
{
    HANDLE event;
    DWORD flags;

    if (argc < 2)
        return 2;
    for (int i = 1; i < argc; i++) {
        if (!handoff_take(argv[i], &event))
            printf("%lu\n", GetLastError());
        else if (!GetHandleInformation(event, &flags) || (flags & HANDLE_FLAG_INHERIT) != 0 || !SetEvent(event))
            printf("not the event: %lu\n", GetLastError());
        else
            printf("taken\n");
    }
    return 0;
}
