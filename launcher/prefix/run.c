/* Standing in for a command that runs: the prefix holds nothing, takes it along if it is killed, and ends as it does. */
#include "command.h"

#include "clock.h"
#include "fdblock.h"
#include "inherited.h"
#include "parameter.h"
#include "steal.h"
#include "stream.h"
#include "voice.h"

/* ---- the job ---- */

/* Whether all that the command starts is in it. Then nothing breaks away from it, even if it asks. */
static BOOL whole_tree(const struct command *command)
{
    return has_option(command, OPTION_KILL_ON_EXIT) || has_option(command, OPTION_WAIT_TREE) ||
           command->timeout_ms != INFINITE;
}

void make_job(struct command *command)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
        .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
                                                (whole_tree(command) ? 0 : JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK)}};

    command->job = CreateJobObjectW(NULL, NULL);
    if (command->job == NULL ||
        !SetInformationJobObject(command->job, JobObjectExtendedLimitInformation, &limits, sizeof limits))
        command->job_code = GetLastError();
    keep_job(command);
}

BOOL keep_job(struct command *command)
{
    if (command->job_code == ERROR_SUCCESS)
        return TRUE;
    if (command->job != NULL)
        CloseHandle(command->job);
    command->job = NULL;
    return !has_option(command, OPTION_KILL_ON_EXIT);
}

/* From now on what is in the job goes on when this process ends. */
static void spare(HANDLE job)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION none = {0};

    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &none, sizeof none);
}

enum { MOST_MEMBERS = 128 };

/* Processes that are in the job, to be waited for and closed: so many at most. Returns how many; not every one may be
 * opened. `in_all` is 0 also where that cannot be told. */
static DWORD open_members(HANDLE job, HANDLE *members, DWORD most, DWORD *in_all)
{
    struct {
        JOBOBJECT_BASIC_PROCESS_ID_LIST list;
        ULONG_PTR more[MOST_MEMBERS - 1];
    } ids = {.more = {0}};
    DWORD count = 0;

    /* One that is cut short is as good. */
    if (!QueryInformationJobObject(job, JobObjectBasicProcessIdList, &ids, sizeof ids, NULL) &&
        GetLastError() != ERROR_MORE_DATA)
        ids.list.NumberOfAssignedProcesses = ids.list.NumberOfProcessIdsInList = 0;
    for (DWORD i = 0; i < ids.list.NumberOfProcessIdsInList && count < most; i++) {
        HANDLE process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, (DWORD)ids.list.ProcessIdList[i]);
        BOOL is_member = FALSE;

        /* Its number may be another's by now. */
        if (process != NULL && IsProcessInJob(process, job, &is_member) && is_member)
            members[count++] = process;
        else if (process != NULL)
            CloseHandle(process);
    }
    *in_all = ids.list.NumberOfAssignedProcesses;
    return count;
}

/* Waits until the job is empty, whatever its processes start meanwhile. FALSE if the time is up before. Where no
 * process in the job may be opened, the wait is for this process, which does not end meanwhile: so it is a pause. */
static BOOL wait_for_tree(HANDLE job, struct relay *relays, const struct deadline *deadline)
{
    enum { PAUSE_MS = 100 };
    HANDLE process;
    DWORD in_all;

    while (deadline_left(deadline) > 0) {
        BOOL known = open_members(job, &process, 1, &in_all) > 0;
        DWORD most = deadline_left(deadline);

        if (in_all == 0)
            return TRUE;
        if (!known)
            process = OpenProcess(SYNCHRONIZE, FALSE, GetCurrentProcessId());
        relay_until_exit(relays, process, known || most < PAUSE_MS ? most : PAUSE_MS);
        CloseHandle(process);
    }
    return FALSE;
}

/* Ended is not yet gone, and a job is empty before what was in it is: until a process' handle is signalled its own file
 * is in use (ReactOS, PspExitThread: first the handle table, then the job, then the mapped files). So who is there is
 * opened before. */
static void end_members(HANDLE job, struct relay *relays, DWORD code)
{
    enum { GONE_MS = 5000 };
    const struct deadline deadline = {GONE_MS, stopwatch_start()};
    HANDLE members[MOST_MEMBERS];
    DWORD in_all, count = open_members(job, members, MOST_MEMBERS, &in_all);

    TerminateJobObject(job, code);
    for (DWORD i = 0; i < count; i++) {
        relay_until_exit(relays, members[i], deadline_left(&deadline));
        CloseHandle(members[i]);
    }
    wait_for_tree(job, relays, &deadline);
}

/* ---- what this process was started with ---- */

extern const unsigned char __ImageBase[]; /* the linker's: this program's own file */

static BOOL is_console_program(void)
{
    const IMAGE_DOS_HEADER *file = (const IMAGE_DOS_HEADER *)(const void *)__ImageBase;
    const IMAGE_NT_HEADERS *headers = (const IMAGE_NT_HEADERS *)(const void *)(__ImageBase + file->e_lfanew);

    return headers->OptionalHeader.Subsystem == IMAGE_SUBSYSTEM_WINDOWS_CUI;
}

/* No console is NULL, or -1 as Windows before 8 had it (ReactOS: HANDLE_DETACHED_PROCESS). */
BOOL is_detached(void)
{
    HANDLE console = own_parameter(PARAMETER_CONSOLE);

    return is_console_program() && (console == NULL || console == INVALID_HANDLE_VALUE);
}

/* ---- the console ---- */

/* Of a child that runs: its job, which may outlive the console or, with --kill-on-exit, ends with it. NULL: there is
 * none. */
static HANDLE spared_when_closed, ended_when_closed;

/* Held while the child is let run, and while its fate is decided. A child that is spared too early would stay behind
 * suspended; too late, it would end with us. */
static CRITICAL_SECTION running;

/* On closing and shutdown FALSE is the end of this process. A child on the console has been told before (conhost goes
 * from the newest process to the oldest: microsoft/terminal, ProcessList.cpp) and has its own time; another one is
 * nobody's business. A logoff may be another user's, of which services are told (HandlerRoutine): it is no reason to
 * end, and where it is, Windows ends us. */
static BOOL WINAPI take_console_event(DWORD event)
{
    if (event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT || event == CTRL_LOGOFF_EVENT)
        return TRUE;
    EnterCriticalSection(&running);
    if (spared_when_closed != NULL)
        spare(spared_when_closed);
    if (ended_when_closed != NULL)
        end_members(ended_when_closed, (struct relay[RELAYS]){{.from = NULL}}, ERROR_PROCESS_ABORTED);
    LeaveCriticalSection(&running);
    return FALSE;
}

/* A handler, because the other way, "ignore", would be inherited by the child. */
void outlive_console_events(void)
{
    InitializeCriticalSection(&running);
    SetConsoleCtrlHandler(take_console_event, TRUE);
}

BOOL resume(const struct command *command, HANDLE thread)
{
    DWORD code;
    BOOL done;

    EnterCriticalSection(&running);
    done = ResumeThread(thread) != (DWORD)-1;
    code = GetLastError();
    if (done)
        *(has_option(command, OPTION_KILL_ON_EXIT) ? &ended_when_closed : &spared_when_closed) = command->job;
    LeaveCriticalSection(&running);
    SetLastError(code);
    return done;
}

/* ---- holding nothing ---- */

/* Windows marks the directory of a removable disk in one of the two bits that are no part of the number. */
static BOOL is_same_number(HANDLE a, HANDLE b)
{
    return (UINT_PTR)a >> 2 == (UINT_PTR)b >> 2;
}

/* Not to be closed whatever its flag says: what connects this process with its console, which Ctrl-C must find
 * (since Windows 8), and the current directory, which Windows makes inheritable. */
static BOOL is_windows_own(HANDLE handle)
{
    return is_same_number(handle, own_parameter(PARAMETER_CONSOLE)) ||
           is_same_number(handle, own_parameter(PARAMETER_DIRECTORY));
}

static BOOL is_stream(HANDLE handle)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        if (GetStdHandle(stream_id(i)) == handle)
            return TRUE;
    }
    return FALSE;
}

/* The process that started this one may have protected its handle from being closed, which is inherited too. */
static void close_given(HANDLE handle)
{
    if (!CloseHandle(handle) && SetHandleInformation(handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0))
        CloseHandle(handle);
}

static void close_inherited(HANDLE handle)
{
    if (!is_windows_own(handle) && !is_stream(handle)) /* streams go when nothing more is to be said */
        close_given(handle);
}

void let_go_of_inherited(void)
{
    handles_visit_inheritable(close_inherited);
}

/* Whether an option may have something to say when the command has ended. */
static BOOL speaks(const struct command *command)
{
    return command->timeout_ms != INFINITE || command->speaker != NULL || has_option(command, OPTION_RELAY) ||
           has_tee(command) || has_option(command, OPTION_TRACE) || has_option(command, OPTION_TRACE_JSON);
}

/* Two of the streams may be one handle, which is closed once. */
static void close_streams(HANDLE kept)
{
    for (int i = 0; i < STREAM_COUNT; i++) {
        HANDLE stream = GetStdHandle(stream_id(i));

        if (stream == kept)
            continue;
        for (int j = i; j < STREAM_COUNT; j++) {
            if (GetStdHandle(stream_id(j)) == stream)
                SetStdHandle(stream_id(j), NULL);
        }
        if (handle_can_travel(handle_number(stream)))
            close_given(stream);
    }
}

void let_go_of_streams(const struct command *command)
{
    wchar_t directory[MAX_PATH];

    close_streams(speaks(command) ? GetStdHandle(STD_ERROR_HANDLE) : NULL);
    if (GetSystemDirectoryW(directory, ARRAYSIZE(directory)) != 0)
        SetCurrentDirectoryW(directory);
}

void borrow_stderr(const struct request *request, HANDLE child)
{
    const LARGE_INTEGER nowhere = {0};
    HANDLE handle;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        if ((request->passes[i].streams >> STREAM_STDERR & 1) != 0 &&
            copy(child, request->passes[i].number, FALSE, &handle) == ERROR_SUCCESS)
            SetStdHandle(STD_ERROR_HANDLE, handle);
    }
    if ((request->stream_flags[STREAM_STDERR] & FD_APPEND) != 0) /* its position may still be the file's beginning */
        SetFilePointerEx(GetStdHandle(STD_ERROR_HANDLE), nowhere, NULL, FILE_END);
}

/* ---- the end ---- */

static DWORD exit_code_of(HANDLE process)
{
    DWORD code;

    return WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0 && GetExitCodeProcess(process, &code)
               ? code
               : EXIT_CANNOT_RUN;
}

/* One less than that of other programs: when the session ends, those are told first. */
static void end_after_others(void)
{
    enum { USUAL_LEVEL = 0x280 };

    SetProcessShutdownParameters(USUAL_LEVEL - 1, SHUTDOWN_NORETRY);
}

/* For whatever is still to be done when the time of --timeout is up. */
enum { GRACE_MS = 1000 };

/* Where there is no job, that is the process alone. */
static void end_tree(HANDLE job, HANDLE process, struct relay *relays, DWORD code)
{
    if (job != NULL) {
        end_members(job, relays, code);
    } else {
        TerminateProcess(process, code);
        WaitForSingleObject(process, GRACE_MS);
    }
}

static BOOL wait_for_end(const struct command *command, struct relay *relays, HANDLE process,
                         const struct deadline *deadline)
{
    return relay_until_exit(relays, process, deadline_left(deadline)) &&
           (command->job == NULL || !has_option(command, OPTION_WAIT_TREE) ||
            wait_for_tree(command->job, relays, deadline));
}

void release_lock(struct command *command)
{
    if (command->lock != NULL)
        CloseHandle(command->lock);
    command->lock = NULL;
}

void stand_in(struct command *command, struct relay *relays, HANDLE process)
{
    const struct deadline deadline = {command->timeout_ms, stopwatch_start()};
    BOOL ended;

    end_after_others();
    ended = wait_for_end(command, relays, process, &deadline);
    command->code = ended ? exit_code_of(process) : EXIT_TIMED_OUT;
    if (!ended || has_option(command, OPTION_KILL_ON_EXIT))
        end_tree(command->job, process, relays, ended ? ERROR_PROCESS_ABORTED : EXIT_TIMED_OUT);
    else if (command->job != NULL && whole_tree(command))
        spare(command->job); /* what the command has started may go on */
    release_lock(command);
    if (!finish_relays(relays, deadline_left(&deadline) > GRACE_MS ? deadline_left(&deadline) : GRACE_MS))
        command->late = "--timeout: the time is up, and nobody reads the output:";
    command->tee_code = relays[0].tee_code != ERROR_SUCCESS ? relays[0].tee_code : relays[1].tee_code;
    note_loss(STD_OUTPUT_HANDLE, relays[0].own_code);
    note_loss(STD_ERROR_HANDLE, relays[1].own_code);
    if (!ended)
        command->late = command->job != NULL
                            ? "--timeout: the time is up, so the command and all that it has started were ended:"
                            : "--timeout: the time is up, so the command was ended, but not what it has started:";
    if (command->late != NULL)
        command->code = EXIT_TIMED_OUT;
}

/* ---- what handoff has to say ---- */

/* FALSE if there is still something that nobody has read in that time. */
static BOOL wait_until_said(struct command *command, DWORD timeout_ms)
{
    if (command->speaker == NULL)
        return TRUE;
    if (WaitForSingleObject(command->speaker, timeout_ms) == WAIT_TIMEOUT)
        return FALSE;
    CloseHandle(command->speaker);
    command->speaker = NULL;
    return TRUE;
}

static void begin_to_say(struct command *command, LPTHREAD_START_ROUTINE say)
{
    command->speaker = CreateThread(NULL, 0, say, command, 0, NULL);
    if (command->speaker == NULL)
        say(command);
}

void say_beside(struct command *command, LPTHREAD_START_ROUTINE say)
{
    enum { HEARD_MS = 200 };

    begin_to_say(command, say);
    wait_until_said(command, HEARD_MS);
}

void say_at_end(struct command *command, LPTHREAD_START_ROUTINE say)
{
    const struct deadline deadline = {GRACE_MS, stopwatch_start()};

    if (command->timeout_ms == INFINITE) {
        wait_until_said(command, INFINITE);
        say(command);
    } else if (wait_until_said(command, GRACE_MS)) {
        begin_to_say(command, say);
        wait_until_said(command, deadline_left(&deadline));
    }
}
