/* Launchers that die at random moments, of one spawn and of many, while others spawn. */
#include "campaign.h"

#include "closed.h"

#include <tlhelp32.h>

#include <wchar.h>

enum { SPAWNERS = 5, STAYING = 4, CHURNERS = 1, KILLED = 0xDEAD, EVENTS_MOST = 3 };

static struct front {
    struct spawner spawners[SPAWNERS];
    PROCESS_INFORMATION staying[STAYING];
    struct churn churn;
    HANDLE moved; /* somebody has spawned */
    volatile LONG stop;
    DWORD64 random;
} front;

/* ---- the spawners ---- */

static DWORD WINAPI spawn_on(void *argument)
{
    struct spawner *spawner = argument;

    while (!front.stop) {
        spawn_checked(spawner, NULL);
        SetEvent(front.moved);
    }
    return 0;
}

static struct handoff_launcher *open_launcher(BOOL other_width)
{
    struct handoff_launcher *launcher = handoff_launcher_open(neighbour(L"handoff-launcher.exe", other_width), NULL);

    require(launcher != NULL, "a resident launcher");
    return launcher;
}

/* Two with launchers of either width for each spawn, two with launchers that stay, one with such of the other width. */
static void arm(void)
{
    static wchar_t other[MAX_PATH];

    ZeroMemory(front.spawners, sizeof front.spawners);
    wcscpy(other, neighbour(L"handoff-launcher.exe", TRUE));
    front.spawners[1].launcher = other;
    front.spawners[2].resident = front.spawners[3].resident = open_launcher(FALSE);
    front.spawners[4].resident = open_launcher(TRUE);
    for (unsigned i = 0; i < SPAWNERS; i++) {
        make_spawner(&front.spawners[i], 1000000000 + 10000000 * (LONG)i);
        front.spawners[i].deaths = TRUE;
    }
}

static void disarm(void)
{
    handoff_launcher_close(front.spawners[2].resident);
    handoff_launcher_close(front.spawners[4].resident);
}

static void start_spawners(void)
{
    front.stop = FALSE;
    for (unsigned i = 0; i < SPAWNERS; i++) {
        front.spawners[i].thread = CreateThread(NULL, 0, spawn_on, &front.spawners[i], 0, NULL);
        require(front.spawners[i].thread != NULL, "a thread");
    }
}

static void stop_spawners(void)
{
    InterlockedExchange(&front.stop, TRUE);
    for (unsigned i = 0; i < SPAWNERS; i++) {
        WaitForSingleObject(front.spawners[i].thread, INFINITE);
        CloseHandle(front.spawners[i].thread);
    }
}

/* ---- death ---- */

/* Only launchers are children of this process. */
static DWORD choose_launcher(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD chosen = 0;
    unsigned seen = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == GetCurrentProcessId() &&
            wcscmp(entry.szExeFile, L"handoff-launcher.exe") == 0 && random_of_below(&front.random, ++seen) == 0)
            chosen = entry.th32ProcessID;
    }
    CloseHandle(snapshot);
    return chosen;
}

/* FALSE: it ended by itself before that. */
static BOOL kill_one(void)
{
    DWORD code = 0, process_id = choose_launcher();
    HANDLE process =
        process_id != 0
            ? open_closed(OpenProcess, PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | SYNCHRONIZE, process_id)
            : NULL;

    if (process == NULL)
        return FALSE;
    random_spin(&front.random);
    TerminateProcess(process, KILLED);
    WaitForSingleObject(process, PATIENCE_MS);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    return code == KILLED;
}

static unsigned count_staying(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < STAYING; i++)
        count += WaitForSingleObject(front.staying[i].hProcess, 0) == WAIT_TIMEOUT;
    return count;
}

static void kill_many(unsigned deaths)
{
    for (unsigned i = 0; i < deaths;) {
        for (unsigned events = random_of_below(&front.random, EVENTS_MOST + 1); events > 0; events--)
            WaitForSingleObject(front.moved, PATIENCE_MS);
        i += kill_one() ? 1 : 0;
        if (count_staying() < STAYING)
            break; /* which is said below */
    }
}

/* ---- the campaign ---- */

static void start_staying(void)
{
    for (unsigned i = 0; i < STAYING; i++)
        front.staying[i] = spawn_staying(&front.spawners[i + 1]);
}

static void end_all_staying(void)
{
    unsigned stayed = 0;

    for (unsigned i = 0; i < STAYING; i++)
        stayed += end_staying(&front.staying[i]) ? 1 : 0;
    expect(stayed == STAYING, "%u children of earlier spawns were hurt", STAYING - stayed);
}

static void expect_handles(DWORD before, DWORD after, unsigned unreclaimed)
{
    printf("  handles: %lu before, %lu after\n", before, after);
    expect(after >= before && after - before <= unreclaimed, "%lu handles before, %lu after, %u unreclaimed", before,
           after, unreclaimed);
}

/* What the first spawn leaves in a process for ever, Windows' own things, is there before the handles are counted. */
static void warm_up(void)
{
    arm();
    start_staying();
    start_spawners();
    stop_spawners();
    end_all_staying();
    for (unsigned i = 0; i < SPAWNERS; i++)
        end_spawner(&front.spawners[i]);
    disarm();
}

void campaign_launchers(unsigned size)
{
    struct tally sum;
    unsigned operations, strikes;
    DWORD before;

    front.moved = CreateEventW(NULL, FALSE, FALSE, NULL);
    front.random = size;
    warm_up();
    before = handles_of(GetCurrentProcessId());
    arm();
    start_staying();
    start_churn(&front.churn, CHURNERS);
    start_spawners();
    kill_many(size);
    stop_spawners();
    operations = churned(&front.churn);
    strikes = end_churn(&front.churn);
    disarm();
    count_left(front.staying, STAYING);
    end_all_staying();
    for (unsigned i = 0; i < SPAWNERS; i++)
        end_spawner(&front.spawners[i]);
    sum = sum_tallies(front.spawners, SPAWNERS);
    printf("launchers: %u deaths; beside them %u operations on handles, %u strikes\n", size, operations, strikes);
    expect_clean(&sum);
    expect_handles(before, handles_of(GetCurrentProcessId()), sum.unreclaimed);
    CloseHandle(front.moved);
}
