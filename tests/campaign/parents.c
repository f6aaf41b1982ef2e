/*
 * Parents that die at random moments, amid spawns of three threads, one-shot and resident (G5). Each is this
 * program itself, in a job. What is left when its launchers have ended: the children that it had been given,
 * all running; and of each thread at most the one whose spawn was under way, if it runs.
 */
#include "campaign.h"

#include "closed.h"

#include <tlhelp32.h>

#include <wchar.h>

#ifdef _WIN64
#define AT(context) ((UINT_PTR)(context).Rip)
#else
#define AT(context) ((UINT_PTR)(context).Eip)
#endif

enum { THREADS = 3, TURNS = 2, PLACES = THREADS * TURNS, NAME_UNITS = 64, PROCESSES_MOST = 64, KILLED = 0xDEAD };

/* Shared by a victim, its children and whoever ends it. */
struct scene {
    volatile DWORD ran[PLACES];       /* pids, which the children write themselves */
    volatile LONG begun[PLACES];      /* the spawn is under way, or over */
    volatile DWORD committed[PLACES]; /* pids of children that the parent was given */
    volatile LONG failed, refused, strikes, unreclaimed;
};

/* ---- the victim ---- */

static struct victim {
    HANDLE section, progress;
    struct scene *scene;
    struct handoff_launcher *resident;
    DWORD threads[THREADS]; /* their numbers */
} victim;

static void note_failure(const struct handoff_error *error)
{
    InterlockedIncrement(error->code == ERROR_INTERNAL_ERROR ? &victim.scene->refused : &victim.scene->failed);
    InterlockedExchangeAdd(&victim.scene->unreclaimed, (LONG)error->unreclaimed);
}

static void spawn_at(unsigned place, struct handoff_launcher *resident)
{
    struct handoff_pass pass = {.name = L"s", .handle = victim.section};
    wchar_t line[2 * MAX_PATH];
    struct handoff_request request = {
        .cb = sizeof request, .command_line = line, .resident = resident, .passes = &pass, .pass_count = 1};
    PROCESS_INFORMATION child;
    struct handoff_error error;

    _snwprintf(line, ARRAYSIZE(line), L"\"%ls\" {s} %u *", neighbour(L"campaign-child.exe", FALSE), place);
    victim.scene->begun[place] = TRUE;
    ReleaseSemaphore(victim.progress, 1, NULL);
    if (handoff_spawn(&request, &child, &error))
        victim.scene->committed[place] = child.dwProcessId;
    else
        note_failure(&error);
    ReleaseSemaphore(victim.progress, 1, NULL);
}

static DWORD WINAPI spawn_on(void *argument)
{
    const DWORD *thread = argument;

    for (unsigned turn = 0; turn < TURNS; turn++)
        spawn_at(*thread * TURNS + turn, *thread == 0 ? NULL : victim.resident);
    return 0;
}

int be_victim(const char *name)
{
    char progress[NAME_UNITS];
    struct churn churn;

    snprintf(progress, sizeof progress, "%s-progress", name);
    victim.section = OpenFileMappingA(FILE_MAP_WRITE, FALSE, name);
    victim.progress = OpenSemaphoreA(SEMAPHORE_MODIFY_STATE, FALSE, progress);
    victim.scene = MapViewOfFile(victim.section, FILE_MAP_WRITE, 0, 0, 0);
    victim.resident = handoff_launcher_open(NULL, NULL);
    if (victim.scene == NULL || victim.progress == NULL || victim.resident == NULL)
        return 1;
    start_churn(&churn, 1);
    for (unsigned i = 0; i < THREADS; i++) {
        victim.threads[i] = i;
        CloseHandle(CreateThread(NULL, 0, spawn_on, &victim.threads[i], 0, NULL));
    }
    WaitForSingleObject(churn.churners[0].thread, INFINITE); /* which ends only when it was struck */
    victim.scene->strikes++;
    Sleep(INFINITE);
    return 0;
}

/* ---- its end ---- */

struct stage {
    HANDLE section, progress, job;
    struct scene *scene;
    PROCESS_INFORMATION parent;
};

struct toll {
    unsigned deaths;
    unsigned begun, committed, under_way, failed, refused;
    unsigned unborn, stuck; /* launchers that nobody had let run yet, and that the system does not let end */
    unsigned half_made;     /* ... and that it has not made whole: without a program, or a thread it can stop */
    unsigned launchers, suspended, hurt, strangers, strikes, unreclaimed;
};

static struct stage make_stage(unsigned number)
{
    char name[NAME_UNITS], progress[NAME_UNITS];
    struct stage stage;

    snprintf(name, sizeof name, "handoff-campaign-%lu-%u", GetCurrentProcessId(), number);
    snprintf(progress, sizeof progress, "%s-progress", name);
    stage.section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(struct scene), name);
    stage.scene = MapViewOfFile(stage.section, FILE_MAP_WRITE, 0, 0, 0);
    stage.progress = CreateSemaphoreA(NULL, 0, 2 * PLACES, progress);
    stage.job = CreateJobObjectW(NULL, NULL);
    require(stage.scene != NULL && stage.progress != NULL && stage.job != NULL, "a stage");
    return stage;
}

/* Wine 8 refuses that at times, while other processes are ending. */
static BOOL start_suspended(const wchar_t *path, wchar_t *line, PROCESS_INFORMATION *process)
{
    enum { REFUSALS_MOST = 100 };
    STARTUPINFOW startup = {.cb = sizeof startup};
    DWORD code = ERROR_INTERNAL_ERROR;

    for (int tries = 0; tries < REFUSALS_MOST && code == ERROR_INTERNAL_ERROR; tries++) {
        if (CreateProcessW(path, line, NULL, NULL, FALSE, CREATE_SUSPENDED, NULL, NULL, &startup, process))
            return TRUE;
        code = GetLastError();
    }
    return FALSE;
}

static void start_victim(struct stage *stage, unsigned number)
{
    wchar_t self[MAX_PATH], line[NAME_UNITS];

    GetModuleFileNameW(NULL, self, MAX_PATH);
    _snwprintf(line, NAME_UNITS, L"victim --victim handoff-campaign-%lu-%u", GetCurrentProcessId(), number);
    require(start_suspended(self, line, &stage->parent), "a parent");
    require(AssignProcessToJobObject(stage->job, stage->parent.hProcess), "a job");
    ResumeThread(stage->parent.hThread);
}

/* After some of its steps, and a while. */
static void kill_victim(struct stage *stage, DWORD64 *random)
{
    HANDLE either[] = {stage->progress, stage->parent.hProcess};
    DWORD code = 0;

    for (unsigned steps = random_of_below(random, 2 * PLACES); steps > 0; steps--) {
        if (WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, PATIENCE_MS) != WAIT_OBJECT_0)
            break;
    }
    random_spin(random);
    TerminateProcess(stage->parent.hProcess, KILLED);
    WaitForSingleObject(stage->parent.hProcess, PATIENCE_MS);
    GetExitCodeProcess(stage->parent.hProcess, &code);
    expect(code == KILLED, "a parent ended by itself, with %lu", code);
}

/* ---- what is left ---- */

struct members {
    DWORD count;
    HANDLE process[PROCESSES_MOST];
    DWORD process_id[PROCESSES_MOST];
};

/* Not Windows' own, such as a console's host. One that has not begun to run may have no name yet. */
static BOOL is_ours(HANDLE process)
{
    const wchar_t *folder = neighbour(L"", FALSE);
    wchar_t path[MAX_PATH];
    DWORD length = MAX_PATH;

    return !QueryFullProcessImageNameW(process, 0, path, &length) || length == 0 ||
           _wcsnicmp(path, folder, wcslen(folder)) == 0;
}

static struct members list_members(HANDLE job)
{
    _Alignas(JOBOBJECT_BASIC_PROCESS_ID_LIST) char
        memory[sizeof(JOBOBJECT_BASIC_PROCESS_ID_LIST) + PROCESSES_MOST * sizeof(ULONG_PTR)];
    JOBOBJECT_BASIC_PROCESS_ID_LIST *list = (void *)memory;
    struct members members = {0};

    require(QueryInformationJobObject(job, JobObjectBasicProcessIdList, list, sizeof memory, NULL), "a job's list");
    for (DWORD i = 0; i < list->NumberOfProcessIdsInList && members.count < PROCESSES_MOST; i++) {
        DWORD process_id = (DWORD)list->ProcessIdList[i];
        HANDLE process =
            open_closed(OpenProcess, PROCESS_QUERY_INFORMATION | PROCESS_TERMINATE | SYNCHRONIZE, process_id);

        if (process != NULL && !is_ours(process)) {
            CloseHandle(process);
            process = NULL;
        }
        if (process == NULL)
            continue;
        members.process[members.count] = process;
        members.process_id[members.count++] = process_id;
    }
    return members;
}

static void forget_members(const struct members *members)
{
    for (DWORD i = 0; i < members->count; i++)
        CloseHandle(members->process[i]);
}

/* By its parent, since one that has not begun to run may have no name yet. The pid of the parent is not another's
 * while we hold its handle. */
static BOOL is_launcher(HANDLE process, const PROCESS_INFORMATION *parent)
{
    struct {
        LONG exit_status;
        void *peb;
        ULONG_PTR affinity;
        LONG priority;
        ULONG_PTR process_id, parent_id;
    } basic = {0};
    LONG(WINAPI * query)
    (HANDLE, int, void *, ULONG, ULONG *) = (LONG(WINAPI *)(HANDLE, int, void *, ULONG, ULONG *))(void *)GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationProcess");

    require(query(process, 0, &basic, sizeof basic, NULL) >= 0, "what a process is");
    return basic.parent_id == parent->dwProcessId;
}

/* A launcher has one. */
static HANDLE open_thread_of(DWORD process_id, DWORD access)
{
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE thread = NULL, snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);

    for (BOOL more = Thread32First(snapshot, &entry); more && thread == NULL; more = Thread32Next(snapshot, &entry)) {
        if (entry.th32OwnerProcessID == process_id)
            thread = open_closed(OpenThread, access, entry.th32ThreadID);
    }
    CloseHandle(snapshot);
    return thread;
}

/*
 * CreateProcessW makes a process suspended and then lets it run; the library does so too, and gives the launcher what
 * it needs meanwhile. Who dies between these two leaves one that has done nothing and never will: it is counted. Let
 * go, it must end. TRUE if it was one.
 */
static BOOL let_go(DWORD process_id)
{
    HANDLE thread = open_thread_of(process_id, THREAD_SUSPEND_RESUME);
    DWORD suspended = thread != NULL ? ResumeThread(thread) : 0;

    if (thread != NULL)
        CloseHandle(thread);
    return suspended != 0 && suspended != (DWORD)-1;
}

/* Where a thread is. */
struct position {
    HANDLE thread;
    UINT_PTR at; /* 0: unknown */
};

static DWORD WINAPI look_where(void *argument)
{
    struct position *position = argument;
    CONTEXT context = {.ContextFlags = CONTEXT_CONTROL};

    if (SuspendThread(position->thread) == (DWORD)-1)
        return 0;
    if (GetThreadContext(position->thread, &context))
        position->at = AT(context);
    ResumeThread(position->thread);
    return 0;
}

enum whereabouts { ELSEWHERE, IN_A_STEAL, NOWHERE };

/*
 * IN_A_STEAL: in the one call of a launcher that the system may never return from. Wine 8 has a handle closed by its
 * own process, and does not notice when that dies before it could. NOWHERE: the system did not tell; Wine 8 never does
 * if it has not made the thread whole. Then only the end of the process frees who asked, so it is ended here.
 */
static enum whereabouts find_thread(HANDLE process, DWORD process_id)
{
    enum { STUB_SIZE = 32, ANSWER_MS = 10000 };
    UINT_PTR steal = (UINT_PTR)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtDuplicateObject");
    struct position position = {.thread = open_thread_of(process_id, THREAD_SUSPEND_RESUME | THREAD_GET_CONTEXT)};
    HANDLE asker = position.thread != NULL ? CreateThread(NULL, 0, look_where, &position, 0, NULL) : NULL;
    BOOL told = asker == NULL || WaitForSingleObject(asker, ANSWER_MS) == WAIT_OBJECT_0;

    if (!told) {
        TerminateProcess(process, 0);
        require(WaitForSingleObject(asker, PATIENCE_MS) == WAIT_OBJECT_0, "the end of a thread that asks for another");
    }
    if (asker != NULL)
        CloseHandle(asker);
    if (position.thread != NULL)
        CloseHandle(position.thread);
    if (!told)
        return NOWHERE;
    return position.at >= steal && position.at < steal + STUB_SIZE ? IN_A_STEAL : ELSEWHERE;
}

/* Wine 8 makes a process in several steps, and who dies between leaves one that no step makes whole any more: it has no
 * program. On Windows a process has one from the beginning. */
static BOOL has_program(HANDLE process)
{
    wchar_t path[MAX_PATH];
    DWORD length = MAX_PATH;

    return QueryFullProcessImageNameW(process, 0, path, &length) && length > 0;
}

static void say_whose(HANDLE process, DWORD process_id, const char *what)
{
    wchar_t path[MAX_PATH] = L"";
    DWORD length = MAX_PATH;

    QueryFullProcessImageNameW(process, 0, path, &length);
    expect(FALSE, "'%ls', pid %lu, %s", path, process_id, what);
}

/* Ends by itself, or stands in that call all the time. */
static void await_launcher(HANDLE process, DWORD process_id, struct toll *toll)
{
    enum { PAUSE_MS = 100, PAUSES_MOST = PATIENCE_MS / PAUSE_MS, STEALS_MOST = 5 };
    enum whereabouts where = ELSEWHERE;
    unsigned steals = 0;

    for (unsigned pauses = 0; pauses < PAUSES_MOST && steals < STEALS_MOST && where != NOWHERE; pauses++) {
        if (WaitForSingleObject(process, PAUSE_MS) == WAIT_OBJECT_0)
            return;
        where = find_thread(process, process_id);
        steals = where == IN_A_STEAL ? steals + 1 : 0;
    }
    if (steals == STEALS_MOST) {
        toll->stuck++;
    } else if (where == NOWHERE || !has_program(process)) {
        toll->half_made++;
    } else {
        say_whose(process, process_id, "a launcher, stays");
        toll->launchers++;
    }
    TerminateProcess(process, 0);
    WaitForSingleObject(process, PATIENCE_MS);
}

/* Nobody starts launchers any more. */
static void await_launchers(const struct stage *stage, struct toll *toll)
{
    struct members members = list_members(stage->job);

    for (DWORD i = 0; i < members.count; i++) {
        if (!is_launcher(members.process[i], &stage->parent))
            continue;
        toll->unborn += let_go(members.process_id[i]) ? 1 : 0;
        await_launcher(members.process[i], members.process_id[i], toll);
    }
    forget_members(&members);
}

static int place_of(const volatile DWORD *places, DWORD process_id)
{
    for (int i = 0; i < PLACES; i++) {
        if (places[i] == process_id)
            return i;
    }
    return -1;
}

/* Until it has run or is gone; FALSE if neither comes true. */
static BOOL settles(const struct scene *scene, HANDLE process, DWORD process_id)
{
    DWORD since = GetTickCount();

    while (place_of(scene->ran, process_id) < 0 && WaitForSingleObject(process, 1) == WAIT_TIMEOUT) {
        if (GetTickCount() - since > PATIENCE_MS)
            return FALSE;
    }
    return TRUE;
}

/* The spawn at this place was the last that its thread had begun. */
static BOOL was_under_way(const struct scene *scene, unsigned place)
{
    return scene->begun[place] && scene->committed[place] == 0 &&
           (place % TURNS == TURNS - 1 || !scene->begun[place + 1]);
}

static void judge_member(const struct scene *scene, HANDLE process, DWORD process_id, struct toll *toll)
{
    int place;

    if (!settles(scene, process, process_id)) {
        say_whose(process, process_id, "stays and never ran");
        toll->suspended++;
        return;
    }
    place = place_of(scene->ran, process_id);
    if (WaitForSingleObject(process, 0) == WAIT_OBJECT_0 || place_of(scene->committed, process_id) >= 0)
        return;
    if (place >= 0 && was_under_way(scene, (unsigned)place))
        toll->under_way++;
    else
        toll->strangers++;
}

static void judge(const struct stage *stage, struct toll *toll)
{
    struct members members;

    await_launchers(stage, toll);
    members = list_members(stage->job);
    for (DWORD i = 0; i < members.count; i++)
        judge_member(stage->scene, members.process[i], members.process_id[i], toll);
    for (unsigned i = 0; i < PLACES; i++) {
        BOOL there = FALSE;

        for (DWORD k = 0; k < members.count; k++)
            there |= members.process_id[k] == stage->scene->committed[i] &&
                     WaitForSingleObject(members.process[k], 0) == WAIT_TIMEOUT;
        toll->begun += stage->scene->begun[i] != 0;
        toll->committed += stage->scene->committed[i] != 0;
        toll->hurt += stage->scene->committed[i] != 0 && !there;
    }
    toll->failed += (unsigned)stage->scene->failed;
    toll->refused += (unsigned)stage->scene->refused;
    toll->strikes += (unsigned)stage->scene->strikes;
    toll->unreclaimed += (unsigned)stage->scene->unreclaimed;
    forget_members(&members);
}

static void end_stage(struct stage *stage)
{
    struct members members = list_members(stage->job);

    TerminateJobObject(stage->job, 0);
    for (DWORD i = 0; i < members.count; i++)
        WaitForSingleObject(members.process[i], PATIENCE_MS);
    forget_members(&members);
    UnmapViewOfFile(stage->scene);
    CloseHandle(stage->section);
    CloseHandle(stage->progress);
    CloseHandle(stage->job);
    CloseHandle(stage->parent.hProcess);
    CloseHandle(stage->parent.hThread);
}

static void print_toll(const struct toll *toll)
{
    printf("parents: %u deaths\n", toll->deaths);
    printf("  %u spawns: %u succeeded, %u failed, %u of these because Wine refused to start a process;\n", toll->begun,
           toll->committed, toll->failed + toll->refused, toll->refused);
    printf("  of the %u others, under way just then, %u children run, and none of the rest\n",
           toll->begun - toll->committed - toll->failed - toll->refused, toll->under_way);
    printf("  %u launchers whose parent had not let them run yet; let go, they ended\n", toll->unborn);
    printf("  %u launchers that never came back from DuplicateHandle on their dead parent, %u not made whole\n",
           toll->stuck, toll->half_made);
    printf("  %u unreclaimed, %u strikes, %u orphans, %u children hurt\n", toll->unreclaimed, toll->strikes,
           toll->launchers + toll->suspended + toll->strangers, toll->hurt);
    expect(toll->failed == 0 && toll->unreclaimed == 0, "spawns failed, and nothing had died");
    expect(toll->strikes == 0, "%u parents had a handle closed or replaced", toll->strikes);
    expect(toll->launchers == 0, "%u launchers stay", toll->launchers);
    expect(toll->suspended == 0, "%u children stay and never ran", toll->suspended);
    expect(toll->strangers == 0, "%u children of failed spawns stay", toll->strangers);
    expect(toll->hurt == 0, "%u children of earlier spawns were hurt", toll->hurt);
}

void campaign_parents(unsigned size)
{
    struct toll toll = {0};
    DWORD64 random = size;

    for (; toll.deaths < size; toll.deaths++) {
        struct stage stage = make_stage(toll.deaths);

        start_victim(&stage, toll.deaths);
        kill_victim(&stage, &random);
        judge(&stage, &toll);
        end_stage(&stage);
    }
    print_toll(&toll);
    count_left(NULL, 0);
}
