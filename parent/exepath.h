/* The program that CreateProcessW finds in a command line. cmd.exe may find another one. */
#ifndef HANDOFF_EXEPATH_H
#define HANDOFF_EXEPATH_H

#include <windows.h>

struct program {
    wchar_t *path;
    wchar_t *line; /* the line for the child, if it is not the given one; or NULL */
};

/*
 * Looks in the directory of this process' program, the current one if it counts, the system directories, Windows'
 * and along PATH, with .exe after a name without an extension. Without quotes every blank could be the end of the
 * name, the first one first; a name that has a blank is put into quotes for the child. Returns a Win32 code.
 * The program is to be released in any case.
 */
DWORD find_as_windows(const wchar_t *line, struct program *program);
void release_program(struct program *program);

#endif
