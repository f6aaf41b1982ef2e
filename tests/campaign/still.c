/* A parent that never stands still (G3): while spawns succeed, fail and lose their launchers, a freed number is
 * somebody else's at once. */
#include "campaign.h"

#include <wchar.h>

enum { CHURNERS = 4, SPAWNERS = 3, SPAWNS_LEAST = 20, CALLS_MOST = 30 };

static volatile LONG stop;

/* ---- what is spawned ---- */

static const wchar_t missing[] = L"no-such-program {a} {b} {c} {d}";

static void spawn_or_miss(struct spawner *spawner)
{
    spawn_checked(spawner, spawner->tally.spawns % 2 == 1 ? missing : NULL);
}

/* By its launcher's own hand, at one of its calls. */
static void spawn_struck(struct spawner *spawner, DWORD64 *random)
{
    wchar_t fault[32];

    _snwprintf(fault, ARRAYSIZE(fault), L"%ls %u", random_of_below(random, 2) == 0 ? L"die-before" : L"die-after",
               1 + random_of_below(random, CALLS_MOST));
    SetEnvironmentVariableW(L"HANDOFF_FAULT", fault);
    spawn_checked(spawner, NULL);
}

static DWORD WINAPI spawn_on(void *argument)
{
    struct spawner *spawner = argument;
    DWORD64 random = 1;

    while (!stop || spawner->tally.spawns < SPAWNS_LEAST) {
        if (spawner->deaths)
            spawn_struck(spawner, &random);
        else
            spawn_or_miss(spawner);
    }
    return 0;
}

/* ---- the campaign ---- */

/* A resident launcher, one of the other width for each spawn, and one that dies. */
static void arm(struct spawner *spawners)
{
    static wchar_t other[MAX_PATH], faulty[MAX_PATH];

    wcscpy(other, neighbour(L"handoff-launcher.exe", TRUE));
    wcscpy(faulty, neighbour(L"faulty-launcher.exe", FALSE));
    spawners[0].resident = handoff_launcher_open(NULL, NULL);
    require(spawners[0].resident != NULL, "a resident launcher");
    spawners[1].launcher = other;
    spawners[2].launcher = faulty;
    spawners[2].deaths = TRUE;
    for (unsigned i = 0; i < SPAWNERS; i++)
        make_spawner(&spawners[i], 1000000000 + 10000000 * (LONG)i);
}

static void fight(struct spawner *spawners, struct churn *churn, unsigned size)
{
    stop = FALSE;
    for (unsigned i = 0; i < SPAWNERS; i++) {
        spawners[i].thread = CreateThread(NULL, 0, spawn_on, &spawners[i], 0, NULL);
        require(spawners[i].thread != NULL, "a thread");
    }
    while (churned(churn) < size && WaitForSingleObject(churn->churners[0].thread, 10) == WAIT_TIMEOUT)
        continue; /* a churner ends by itself when it was struck */
    InterlockedExchange(&stop, TRUE);
    for (unsigned i = 0; i < SPAWNERS; i++) {
        WaitForSingleObject(spawners[i].thread, INFINITE);
        CloseHandle(spawners[i].thread);
    }
}

void campaign_still(unsigned size)
{
    struct spawner spawners[SPAWNERS] = {{0}};
    struct churn churn;
    struct tally sum;
    unsigned operations, strikes;

    arm(spawners);
    start_churn(&churn, CHURNERS);
    fight(spawners, &churn, size);
    strikes = end_churn(&churn);
    operations = churned(&churn);
    SetEnvironmentVariableW(L"HANDOFF_FAULT", NULL);
    handoff_launcher_close(spawners[0].resident);
    for (unsigned i = 0; i < SPAWNERS; i++)
        end_spawner(&spawners[i]);
    sum = sum_tallies(spawners, SPAWNERS);
    printf("still: %u operations of %u threads, %u strikes\n", operations, (unsigned)CHURNERS, strikes);
    expect_clean(&sum);
    expect(sum.failed >= SPAWNS_LEAST && sum.succeeded >= SPAWNS_LEAST, "too few spawns of either end");
    count_left(NULL, 0);
}
