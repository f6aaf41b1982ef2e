/* The console: whether there is one, and what it tells. */
#include "command.h"

#include "parameter.h"

extern const unsigned char __ImageBase[]; /* the linker's: this program's own file */

static BOOL is_console_program(void)
{
    const IMAGE_DOS_HEADER *file = (const IMAGE_DOS_HEADER *)(const void *)__ImageBase;
    const IMAGE_NT_HEADERS *headers = (const IMAGE_NT_HEADERS *)(const void *)(__ImageBase + file->e_lfanew);

    return headers->OptionalHeader.Subsystem == IMAGE_SUBSYSTEM_WINDOWS_CUI;
}

DWORD console_flags(void)
{
    if (!is_console_program())
        return CREATE_NO_WINDOW;
    return has_console() ? 0 : DETACHED_PROCESS;
}

/* Of a child that runs: its job, which may outlive the console or, with --kill-on-exit, ends with it. NULL: there is
 * none. */
static HANDLE spared_when_closed, ended_when_closed;

/* Held while the child is let run, and while its fate is decided. A child that is spared too early would stay behind
 * suspended; too late, it would end with us. */
static CRITICAL_SECTION running;

/* FALSE ends this process when the console closes or Windows shuts down. A child on the console was told before
 * (conhost goes from the newest process to the oldest: microsoft/terminal, ProcessList.cpp) and has its own time; a
 * child that is not on the console is not concerned. A logoff may be another user's, since services are told of each
 * (HandlerRoutine). It ends nothing here: where it is this user's, Windows ends this process. */
static BOOL WINAPI take_console_event(DWORD event)
{
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT || event == CTRL_LOGOFF_EVENT)
        return TRUE;
    EnterCriticalSection(&running);
    if (spared_when_closed != NULL)
        spare_members(spared_when_closed);
    if (ended_when_closed != NULL)
        end_members(ended_when_closed, (struct relay[RELAYS]){{.from = NULL}}, ERROR_PROCESS_ABORTED);
    LeaveCriticalSection(&running);
    return FALSE;
}

/* A function, because the other way, SetConsoleCtrlHandler(NULL, TRUE), would be inherited by the child. */
void outlive_console_events(void)
{
    InitializeCriticalSection(&running);
    SetConsoleCtrlHandler(take_console_event, TRUE);
}

BOOL resume_command(const struct command *command, HANDLE thread)
{
    DWORD code;
    BOOL done;

    EnterCriticalSection(&running);
    done = ResumeThread(thread) != (DWORD)-1;
    code = GetLastError();
    if (done)
        *(has_option(command, OPTION_KILL_ON_EXIT) ? &ended_when_closed : &spared_when_closed) = command->job.handle;
    LeaveCriticalSection(&running);
    SetLastError(code);
    return done;
}
