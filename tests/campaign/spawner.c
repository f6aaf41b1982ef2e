#include "campaign.h"

#include <stdlib.h>
#include <wchar.h>

enum { LINE_UNITS = 1024, PASSES = 4, REFUSALS_MOST = 100 };

static const wchar_t *const names[PASSES] = {L"a", L"b", L"c", L"d"};

void make_spawner(struct spawner *spawner, LONG identity)
{
    for (unsigned i = 0; i < KEPT; i++)
        require(own(&spawner->kept[i], identity + 1000000 * (LONG)i), "a semaphore");
}

static HANDLE make_event(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

    require(event != NULL, "an event");
    return event;
}

static BOOL is_set(HANDLE object)
{
    return WaitForSingleObject(object, 0) == WAIT_OBJECT_0;
}

static void check_kept(struct spawner *spawner)
{
    for (unsigned i = 0; i < KEPT; i++)
        spawner->tally.wrong_closes += !is_own(&spawner->kept[i]);
}

/* What a spawn can fail of when its launcher dies: at any point from its start to the adoption of the child. */
static BOOL is_death(const struct handoff_error *error)
{
    return error->stage == HANDOFF_STAGE_LAUNCHER || error->stage == HANDOFF_STAGE_CONNECT ||
           error->stage == HANDOFF_STAGE_EXCHANGE || error->stage == HANDOFF_STAGE_ADOPT;
}

/* The object is the caller's own if its event is set by who got it. */
static void check_child(struct spawner *spawner, PROCESS_INFORMATION *child, HANDLE event)
{
    DWORD code = 1;
    BOOL ended = WaitForSingleObject(child->hProcess, PATIENCE_MS) == WAIT_OBJECT_0;

    GetExitCodeProcess(child->hProcess, &code);
    spawner->tally.hurt += !ended || code != 0 || !is_set(event);
    spawner->tally.wrong_closes += !CloseHandle(child->hProcess);
    spawner->tally.wrong_closes += !CloseHandle(child->hThread);
    spawner->tally.wrong_closes += !CloseHandle(event);
}

/* The event of a child that must never run is looked at once more at the end. */
static void keep_struck(struct spawner *spawner, HANDLE event)
{
    if (spawner->struck_count == spawner->struck_room) {
        spawner->struck_room = 2 * spawner->struck_room + 64;
        spawner->struck = realloc(spawner->struck, spawner->struck_room * sizeof *spawner->struck);
        require(spawner->struck != NULL, "memory");
    }
    spawner->struck[spawner->struck_count++] = event;
}

static void note_failure(struct spawner *spawner, const struct handoff_error *error, BOOL meant)
{
    BOOL refused = error->code == ERROR_INTERNAL_ERROR;
    wchar_t text[512];

    spawner->tally.failed++;
    spawner->tally.refused += refused != FALSE;
    spawner->tally.unreclaimed += error->unreclaimed;
    spawner->tally.most = max(spawner->tally.most, error->unreclaimed);
    spawner->tally.unallowed += error->unreclaimed > 0 && !spawner->deaths;
    if (refused || meant || (spawner->deaths && is_death(error)))
        return;
    spawner->tally.odd++;
    handoff_error_text(error, text, ARRAYSIZE(text));
    printf("a spawn failed: %ls\n", text);
}

void spawn_checked(struct spawner *spawner, const wchar_t *line)
{
    struct handoff_pass passes[PASSES];
    wchar_t child_line[LINE_UNITS];
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = line != NULL ? line : child_line,
                                      .launcher = spawner->launcher,
                                      .resident = spawner->resident,
                                      .passes = passes,
                                      .pass_count = PASSES};
    HANDLE event = make_event();
    PROCESS_INFORMATION child;
    struct handoff_error error;

    _snwprintf(child_line, LINE_UNITS, L"\"%ls\" {a} {b} {c} {d} .", neighbour(L"campaign-child.exe", FALSE));
    for (unsigned i = 0; i < PASSES; i++)
        passes[i] = (struct handoff_pass){
            .name = names[i], .handle = event, .flags = i + 1 == PASSES ? HANDOFF_SAME_NUMBER : 0};
    spawner->tally.spawns++;
    if (handoff_spawn(&request, &child, &error)) {
        spawner->tally.succeeded++;
        check_child(spawner, &child, event);
    } else {
        note_failure(spawner, &error, line != NULL);
        keep_struck(spawner, event);
    }
    check_kept(spawner);
}

PROCESS_INFORMATION spawn_staying(const struct spawner *spawner)
{
    wchar_t line[LINE_UNITS];
    struct handoff_request request = {
        .cb = sizeof request, .command_line = line, .launcher = spawner->launcher, .resident = spawner->resident};
    PROCESS_INFORMATION child;
    struct handoff_error error = {.code = ERROR_INTERNAL_ERROR};
    BOOL done = FALSE;

    _snwprintf(line, LINE_UNITS, L"\"%ls\" 0 !", neighbour(L"campaign-child.exe", FALSE));
    for (int tries = 0; tries < REFUSALS_MOST && !done && error.code == ERROR_INTERNAL_ERROR; tries++)
        done = handoff_spawn(&request, &child, &error);
    require(done, "a child that stays");
    return child;
}

BOOL end_staying(PROCESS_INFORMATION *child)
{
    BOOL stayed = WaitForSingleObject(child->hProcess, 0) == WAIT_TIMEOUT;

    TerminateProcess(child->hProcess, 0);
    WaitForSingleObject(child->hProcess, PATIENCE_MS);
    CloseHandle(child->hProcess);
    CloseHandle(child->hThread);
    return stayed;
}

void end_spawner(struct spawner *spawner)
{
    check_kept(spawner);
    for (unsigned i = 0; i < KEPT; i++)
        spawner->tally.wrong_closes += !CloseHandle(spawner->kept[i].handle);
    for (unsigned i = 0; i < spawner->struck_count; i++) {
        spawner->tally.orphans += is_set(spawner->struck[i]) != FALSE;
        spawner->tally.wrong_closes += !CloseHandle(spawner->struck[i]);
    }
    free(spawner->struck);
}

struct tally sum_tallies(const struct spawner *spawners, unsigned count)
{
    struct tally sum = {0};

    for (unsigned i = 0; i < count; i++) {
        const struct tally *one = &spawners[i].tally;

        sum.spawns += one->spawns;
        sum.succeeded += one->succeeded;
        sum.failed += one->failed;
        sum.refused += one->refused;
        sum.unreclaimed += one->unreclaimed;
        sum.most = max(sum.most, one->most);
        sum.unallowed += one->unallowed;
        sum.wrong_closes += one->wrong_closes;
        sum.orphans += one->orphans;
        sum.hurt += one->hurt;
        sum.odd += one->odd;
    }
    return sum;
}

void expect_clean(const struct tally *tally)
{
    printf("  %u spawns: %u succeeded, %u failed (%u of these because Wine refused to start a process)\n",
           tally->spawns, tally->succeeded, tally->failed, tally->refused);
    printf("  %u unreclaimed, %u at most in one spawn; %u wrong closes, %u orphans, %u children hurt\n",
           tally->unreclaimed, tally->most, tally->wrong_closes, tally->orphans, tally->hurt);
    expect(tally->most <= 1, "%u unreclaimed in one spawn", tally->most);
    expect(tally->unallowed == 0, "%u spawns left a handle unreclaimed, and no launcher had died", tally->unallowed);
    expect(tally->wrong_closes == 0, "%u handles of the caller's were closed or replaced", tally->wrong_closes);
    expect(tally->orphans == 0, "%u children ran, and their spawn had failed", tally->orphans);
    expect(tally->hurt == 0, "%u children that had been handed over did not do their work", tally->hurt);
    expect(tally->odd == 0, "%u spawns failed for no reason", tally->odd);
}
