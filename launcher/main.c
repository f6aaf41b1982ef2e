#include "cmdline.h"
#include "launcher.h"
#include "process.h"

static const wchar_t *after_prefix(const wchar_t *text, const wchar_t *prefix)
{
    while (*prefix != L'\0' && *text == *prefix)
        text++, prefix++;
    return *prefix == L'\0' ? text : NULL;
}

static DWORD run(void)
{
    const wchar_t *line = GetCommandLineW();
    const wchar_t *token = after_prefix(line_after_program(line), L"--service=");

    outlive_console_events();
    return token != NULL ? serve(token) : run_prefix(line);
}

/* The process' entry point: no C runtime was here before. */
void WINAPI launcher_start(void);
void WINAPI launcher_start(void)
{
    ExitProcess(run());
}
