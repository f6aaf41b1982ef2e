/* The standard streams, as parent, launcher and command all meet them. */
#ifndef HANDOFF_STREAM_H
#define HANDOFF_STREAM_H

#include <windows.h>

#include "request.h"

/* With one of these a child is not on its parent's console, and has no use for its streams. */
enum { OTHER_CONSOLE_FLAGS = CREATE_NEW_CONSOLE | DETACHED_PROCESS | CREATE_NO_WINDOW };

/* GetStdHandle's name for one of enum STREAM_.... */
static inline DWORD stream_id(int stream)
{
    static const DWORD ids[STREAM_COUNT] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};

    return ids[stream];
}

static inline const char *stream_name(int stream)
{
    static const char names[STREAM_COUNT][8] = {"stdin", "stdout", "stderr"};

    return names[stream];
}

/*
 * This process' own stream if it is a console's of before Windows 8, else NULL. Such a one is no
 * kernel handle and cannot travel: its number, 4n + 3, means the same in every process on that
 * console, and children have it without being given it (rprichard/win32-console-docs). The number
 * alone does not say it: what a GUI program has for a stream can be a monitor or a hot key.
 */
static inline HANDLE stream_of_old_console(int stream)
{
    HANDLE own = GetStdHandle(stream_id(stream));
    DWORD mode;

    return own != INVALID_HANDLE_VALUE && ((UINT_PTR)own & 3) == 3 && GetConsoleMode(own, &mode) ? own : NULL;
}

#endif
