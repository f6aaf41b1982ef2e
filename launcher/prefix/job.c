/* The job of a command: made, left, ended and waited for. */
#include "command.h"

BOOL concerns_tree(const struct command *command)
{
    return has_option(command, OPTION_KILL_ON_EXIT) || has_option(command, OPTION_WAIT_TREE) ||
           command->time.ms != INFINITE;
}

void make_job(struct command *command)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {
        .BasicLimitInformation = {.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE |
                                                (concerns_tree(command) ? 0 : JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK)}};

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

void spare_members(HANDLE job)
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

/* A wait for this process, which does not end meanwhile. Its handle is a copy: by its id it may not be opened where its
 * own descriptor forbids that, and Windows before Vista waits for no pseudo-handle beside others. */
static void pause_relaying(struct relay *relays, DWORD pause_ms)
{
    HANDLE self = GetCurrentProcess(), copy;

    if (!DuplicateHandle(self, self, self, &copy, SYNCHRONIZE, FALSE, 0)) {
        Sleep(pause_ms);
        return;
    }
    relay_until_exit(relays, copy, pause_ms);
    CloseHandle(copy);
}

/* It may be that no process in the job may be opened. */
BOOL wait_for_members(HANDLE job, struct relay *relays, const struct deadline *deadline)
{
    enum { PAUSE_MS = 100 };
    HANDLE process;
    DWORD in_all;

    while (deadline_left(deadline) > 0) {
        BOOL known = open_members(job, &process, 1, &in_all) > 0;
        DWORD most = deadline_left(deadline);

        if (in_all == 0)
            return TRUE;
        if (!known) {
            pause_relaying(relays, min(most, PAUSE_MS));
            continue;
        }
        relay_until_exit(relays, process, most);
        CloseHandle(process);
    }
    return FALSE;
}

/* Ended is not yet gone, and a job is empty before what was in it is: until a process' handle is signalled its own file
 * is in use (ReactOS, PspExitThread: first the handle table, then the job, then the mapped files). So who is there is
 * opened before. */
BOOL end_members(HANDLE job, struct relay *relays, DWORD code)
{
    const struct deadline deadline = {DEATH_TIMEOUT_MS, stopwatch_start()};
    HANDLE members[MOST_MEMBERS];
    DWORD in_all, count = open_members(job, members, MOST_MEMBERS, &in_all);
    BOOL gone = TRUE;

    TerminateJobObject(job, code);
    for (DWORD i = 0; i < count; i++) {
        gone = relay_until_exit(relays, members[i], deadline_left(&deadline)) && gone;
        CloseHandle(members[i]);
    }
    return wait_for_members(job, relays, &deadline) && gone;
}
