/* handoff-launcher.exe: the library's broker. It opens nothing for a child and never runs anything else. */
#include "service.h"

#include "cmdline.h"
#include "text.h"

enum { EXIT_HANDOFF = 125 };

/* To somebody who has started it by hand. */
static void say_purpose(void)
{
    static const char line[] = "handoff-launcher: only the handoff library starts this program: put handoff.exe before "
                               "a command instead\r\n";
    OVERLAPPED at_end = {.Offset = MAXDWORD, .OffsetHigh = MAXDWORD}; /* where a shell's >> wants it */
    DWORD written;

    WriteFile(GetStdHandle(STD_ERROR_HANDLE), line, sizeof line - 1, &written, &at_end);
}

static DWORD run(void)
{
    static const char option[] = "--service=";
    const wchar_t *rest = line_after_program(GetCommandLineW());
    DWORD code = text_begins_ascii(rest, option) ? serve(rest + sizeof option - 1) : EXIT_HANDOFF;

    /* The last two: a library gives the number of a page, and the page. */
    if (code == EXIT_HANDOFF || code == ERROR_INVALID_PARAMETER || code == ERROR_NOT_FOUND)
        say_purpose();
    return code;
}

/* The process' entry point: no C runtime was here before. */
void WINAPI program_start(void);
void WINAPI program_start(void)
{
    ExitProcess(run());
}
