#include "cmdline.h"
#include "launcher.h"

/* Ctrl-C and Ctrl-Break are the child's. A handler, because "ignore" would be inherited by it. */
static BOOL WINAPI outlive_console_events(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static const wchar_t *after_prefix(const wchar_t *text, const wchar_t *prefix)
{
    while (*prefix != L'\0' && *text == *prefix)
        text++, prefix++;
    return *prefix == L'\0' ? text : NULL;
}

static DWORD run(void)
{
    const wchar_t *token = after_prefix(line_after_program(GetCommandLineW()), L"--service=");

    SetConsoleCtrlHandler(outlive_console_events, TRUE);
    return token != NULL ? serve(token) : ERROR_INVALID_PARAMETER;
}

/* The process' entry point: no C runtime was here before. */
void WINAPI launcher_start(void);
void WINAPI launcher_start(void)
{
    ExitProcess(run());
}
