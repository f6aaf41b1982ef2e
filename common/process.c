#include "process.h"

#include "handle.h"
#include "steal.h"
#include "stream.h"
#include "voice.h"

static BOOL WINAPI outlive(DWORD event)
{
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

/* A handler, because the other way, "ignore", would be inherited by the child. */
void outlive_console_events(void)
{
    SetConsoleCtrlHandler(outlive, TRUE);
}

HANDLE bind_child(HANDLE process, DWORD more_limits)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
        .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | more_limits}};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    if (SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits) &&
        AssignProcessToJobObject(job, process))
        return job;
    if (job != NULL)
        CloseHandle(job);
    return NULL;
}

/* Two of the streams may be one handle, which is closed once. */
static void close_streams(void)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        HANDLE stream = GetStdHandle(stream_id(i));

        for (int j = i; j < STREAM_COUNT; j++) {
            if (GetStdHandle(stream_id(j)) == stream)
                SetStdHandle(stream_id(j), NULL);
        }
        if (handle_can_travel(handle_number(stream)))
            CloseHandle(stream);
    }
}

void let_go(void)
{
    wchar_t directory[MAX_PATH];

    close_streams();
    if (GetSystemDirectoryW(directory, ARRAYSIZE(directory)) != 0)
        SetCurrentDirectoryW(directory);
}

DWORD wait_for_exit(HANDLE process)
{
    DWORD code;

    return WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0 && GetExitCodeProcess(process, &code)
               ? code
               : EXIT_CANNOT_RUN;
}
