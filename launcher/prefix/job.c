/* The job of a command: made, left, ended and waited for. */
#include "command.h"

#include "heap.h"

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

    command->job.handle = CreateJobObjectW(NULL, NULL);
    if (command->job.handle == NULL ||
        !SetInformationJobObject(command->job.handle, JobObjectExtendedLimitInformation, &limits, sizeof limits))
        command->job.code = GetLastError();
    keep_job(command);
}

BOOL keep_job(struct command *command)
{
    if (command->job.code == ERROR_SUCCESS)
        return TRUE;
    if (command->job.handle != NULL)
        CloseHandle(command->job.handle);
    command->job.handle = NULL;
    return !has_option(command, OPTION_KILL_ON_EXIT);
}

void spare_members(HANDLE job)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION none = {0};

    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &none, sizeof none);
}

typedef JOBOBJECT_BASIC_PROCESS_ID_LIST members;

/* Of all of them; none where that cannot be told. NULL without memory. */
static members *list_members(HANDLE job)
{
    enum { ROOM = 64 };

    for (size_t size = sizeof(members) + ROOM * sizeof(ULONG_PTR);; size *= 2) {
        members *list = allocate(size);

        if (list == NULL || QueryInformationJobObject(job, JobObjectBasicProcessIdList, list, (DWORD)size, NULL))
            return list;
        if (GetLastError() != ERROR_MORE_DATA) {
            list->NumberOfAssignedProcesses = list->NumberOfProcessIdsInList = 0;
            return list;
        }
        release(list);
    }
}

static HANDLE open_member(HANDLE job, DWORD process_id)
{
    HANDLE process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, process_id);
    BOOL is_member = FALSE;

    /* The id may be another process' by now. */
    if (process == NULL || (IsProcessInJob(process, job, &is_member) && is_member))
        return process;
    CloseHandle(process);
    return NULL;
}

/* The list with handles in the place of the ids: so many at most, and not every process may be opened. */
static members *open_members(HANDLE job, DWORD most)
{
    members *list = list_members(job);
    DWORD count = 0;

    for (DWORD i = 0; list != NULL && i < list->NumberOfProcessIdsInList && count < most; i++) {
        HANDLE process = open_member(job, (DWORD)list->ProcessIdList[i]);

        if (process != NULL)
            list->ProcessIdList[count++] = (ULONG_PTR)process;
    }
    if (list != NULL)
        list->NumberOfProcessIdsInList = count;
    return list;
}

static BOOL is_empty(const members *list)
{
    return list != NULL && list->NumberOfAssignedProcesses == 0;
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

/* Until those of the list have ended; where none of them may be opened, for a moment. Closes them. FALSE if the time is
 * up before. */
static BOOL wait_for_list(members *list, struct relay *relays, const struct deadline *deadline)
{
    enum { PAUSE_MS = 100 };
    DWORD count = list != NULL ? list->NumberOfProcessIdsInList : 0, left = deadline_left(deadline);
    BOOL ended = TRUE;

    if (count == 0 && !is_empty(list))
        pause_relaying(relays, min(left, PAUSE_MS));
    for (DWORD i = 0; i < count; i++) {
        HANDLE process = (HANDLE)list->ProcessIdList[i];

        ended = relay_until_exit(relays, process, deadline_left(deadline)) && ended;
        CloseHandle(process);
    }
    release(list);
    return ended;
}

BOOL wait_for_members(HANDLE job, struct relay *relays, const struct deadline *deadline)
{
    while (deadline_left(deadline) > 0) {
        members *first = open_members(job, 1);
        BOOL empty = is_empty(first);

        wait_for_list(first, relays, deadline);
        if (empty)
            return TRUE;
    }
    return FALSE;
}

/*
 * Ended is not yet gone, and a job is empty before what was in it is: until a process' handle is signalled its own file
 * is in use (ReactOS, PspExitThread: first the handle table, then the job, then the mapped files). So all who are there
 * are opened before. A process whose creation was under way joins when the others have ended, so they are ended again.
 */
BOOL end_members(HANDLE job, struct relay *relays, DWORD code)
{
    const struct deadline deadline = deadline_in(DEATH_TIMEOUT_MS);
    BOOL empty, gone = TRUE;
    members *all = open_members(job, MAXDWORD);

    do {
        TerminateJobObject(job, code);
        gone = wait_for_list(all, relays, &deadline) && gone;
        all = open_members(job, MAXDWORD);
        empty = is_empty(all);
    } while (!empty && deadline_left(&deadline) > 0);
    wait_for_list(all, relays, &(struct deadline){0});
    return empty && gone;
}
