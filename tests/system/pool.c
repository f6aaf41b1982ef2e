/* Launchers that stay, for several threads: how many there are, who gets which, and when they go. */
#include "launchers.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "views.h"

#include "../../parent/pool.c"

/* ---- threads ---- */

struct spawner {
    HANDLE thread;
    int width;
    struct handoff_launcher *launcher;
    char trouble[512];
};

static void spawn_and_wait(struct spawner *spawner, BOOL fails)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(X64, spawner->width, fails ? L"exit {typo}" : L"signal {h}");
    PROCESS_INFORMATION child;
    struct handoff_error error;
    wchar_t text[400];

    request.resident = spawner->launcher;
    request.passes = &pass;
    request.pass_count = 1;
    if (!spawn_patiently(&request, &child, &error)) {
        handoff_error_text(&error, text, ARRAYSIZE(text));
        if (!fails || error.stage != HANDOFF_STAGE_UNUSED)
            snprintf(spawner->trouble, sizeof spawner->trouble, "%ls", text);
    } else if (fails) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu is none", child.dwProcessId);
    } else if (!comes(child.hProcess)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu does not end", child.dwProcessId);
    } else if (!is_set(event) || !CloseHandle(child.hProcess) || !CloseHandle(child.hThread)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu is not as it should be", child.dwProcessId);
    }
    CloseHandle(event);
}

static DWORD WINAPI spawn_several(void *argument)
{
    struct spawner *spawner = argument;

    for (int i = 0; i < how_often(4, 3) && spawner->trouble[0] == '\0'; i++)
        spawn_and_wait(spawner, i == 1);
    return 0;
}

/* One launcher for all threads, or one for each. */
static void spawn_from_threads(int width, BOOL one_each)
{
    struct spawner spawners[4] = {{NULL, 0, NULL, ""}};

    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        spawners[i].width = width;
        spawners[i].launcher = i == 0 || one_each ? open_good(width) : spawners[0].launcher;
        spawners[i].thread = CreateThread(NULL, 0, spawn_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        ck_assert(WaitForSingleObject(spawners[i].thread, INFINITE) == WAIT_OBJECT_0);
        CloseHandle(spawners[i].thread);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        ck_assert_str_eq(spawners[i].trouble, "");
        if (i == 0 || one_each)
            handoff_launcher_close(spawners[i].launcher);
    }
}

/* Twice: what the first threads load and keep is not what this looks for. */
static void check_threads(int width, BOOL one_each)
{
    DWORD before;

    spawn_from_threads(width, one_each);
    before = count_own_handles();
    spawn_from_threads(width, one_each);
    ck_assert_uint_eq(count_own_handles(), before);
    assert_nobody_left();
}

START_TEST(several_threads_with_one_launcher)
{
    check_threads(_i, FALSE);
}
END_TEST

START_TEST(a_launcher_for_each_thread)
{
    check_threads(_i, TRUE);
}
END_TEST

/* ---- places ---- */

enum { PLACES = 3, TAKERS = 6 };

struct thing {
    struct seat seat;
    volatile LONG users;
};

struct places {
    struct pool pool;
    volatile LONG inside, most_inside, taken, missed;
    BOOL shared; /* two had the same thing at once */
};

static void note_inside(struct places *places, LONG inside)
{
    LONG most = places->most_inside;

    while (inside > most) {
        LONG before = InterlockedCompareExchange(&places->most_inside, inside, most);

        if (before == most)
            return;
        most = before;
    }
}

static void free_things(struct seat *seat)
{
    while (seat != NULL) {
        struct seat *next = seat->next;

        free(seat);
        seat = next;
    }
}

static BOOL take_in(struct pool *pool, DWORD ms, struct seat **seat)
{
    struct deadline deadline = deadline_in(ms);

    return pool_take(pool, &deadline, seat) == ERROR_SUCCESS;
}

static DWORD WINAPI take_places(void *argument)
{
    struct places *places = argument;

    for (DWORD i = 0; i < 3000; i++) {
        struct seat *seat;
        struct thing *thing;

        if (!take_in(&places->pool, i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : INFINITE, &seat)) {
            InterlockedIncrement(&places->missed);
            continue;
        }
        thing = seat != NULL ? (struct thing *)seat : calloc(1, sizeof *thing);
        places->shared |= InterlockedIncrement(&thing->users) != 1;
        note_inside(places, InterlockedIncrement(&places->inside));
        InterlockedIncrement(&places->taken);
        InterlockedDecrement(&places->inside);
        InterlockedDecrement(&thing->users);
        if (i % 5 == 0) { /* it is not good any more */
            free(thing);
            thing = NULL;
        }
        free_things(pool_give(&places->pool, thing != NULL ? &thing->seat : NULL));
    }
    return 0;
}

/* Those who give up waiting take nobody's place with them. */
START_TEST(places_are_taken_up_to_the_limit)
{
    struct places places = {.inside = 0};
    HANDLE threads[TAKERS];
    struct seat *seats[PLACES], *seat;

    ck_assert(pool_make(&places.pool, PLACES));
    for (size_t i = 0; i < PLACES; i++)
        ck_assert(take_in(&places.pool, 0, &seats[i]) && seats[i] == NULL);
    for (size_t i = 0; i < TAKERS; i++)
        threads[i] = CreateThread(NULL, 0, take_places, &places, 0, NULL);
    while (places.missed < TAKERS) /* they are nobody else's as long as they are ours */
        Sleep(1);
    ck_assert_int_eq(places.taken, 0);
    for (size_t i = 0; i < PLACES; i++)
        ck_assert_ptr_null(pool_give(&places.pool, NULL));
    for (size_t i = 0; i < TAKERS; i++) {
        ck_assert(comes(threads[i]));
        CloseHandle(threads[i]);
    }
    ck_assert(!places.shared);
    ck_assert_int_le(places.most_inside, PLACES);
    ck_assert_int_eq(places.taken + places.missed, TAKERS * 3000);
    ck_assert_int_ge(places.taken, TAKERS * 1000);
    ck_assert_uint_eq(places.pool.in_use, 0);
    ck_assert_uint_eq(places.pool.granted, 0);
    ck_assert_uint_eq(places.pool.waiting, 0);
    pool_limit(&places.pool, 1);
    ck_assert(take_in(&places.pool, 0, &seats[0]));
    ck_assert(!take_in(&places.pool, 1, &seat));
    free(seats[0]);
    pool_give(&places.pool, NULL);
    free_things(pool_close(&places.pool));
}
END_TEST

/* As long as they are within limit and time; the last used is used next. */
START_TEST(things_that_are_idle_go)
{
    struct pool pool = {.most = 0};
    struct thing things[4] = {{.users = 0}};
    struct seat *seat;

    ck_assert(pool_make(&pool, ARRAYSIZE(things)));
    for (size_t i = 0; i < ARRAYSIZE(things); i++)
        ck_assert(take_in(&pool, 0, &seat) && seat == NULL);
    for (size_t i = 0; i < ARRAYSIZE(things); i++)
        ck_assert_ptr_null(pool_give(&pool, &things[i].seat));
    ck_assert(take_in(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_null(pool_give(&pool, seat));
    things[1].seat.idle.ms = 0;
    things[0].seat.idle.ms = 0;
    ck_assert(take_in(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_eq(pool_give(&pool, seat), &things[1].seat);
    ck_assert_ptr_eq(things[1].seat.next, &things[0].seat);
    ck_assert_ptr_null(things[0].seat.next);
    pool_limit(&pool, 1);
    ck_assert(take_in(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_eq(pool_give(&pool, seat), &things[2].seat);
    ck_assert_ptr_eq(pool_close(&pool), &things[3].seat);
    ck_assert_ptr_null(things[3].seat.next);
}
END_TEST

/* ---- at once ---- */

enum { AT_ONCE = 4, BURST = 64 };

/* Spawns that are under way all at once: no launcher serves before the event is set. */
struct crowd {
    HANDLE go;
    struct handoff_launcher *launcher;
    struct spawner spawners[AT_ONCE];
};

static DWORD WINAPI spawn_one(void *argument)
{
    spawn_and_wait(argument, FALSE);
    return 0;
}

static DWORD count_launchers(void)
{
    return count_programs(GetCurrentProcessId(), L"faulty-launcher.exe");
}

static void await_launchers(DWORD count)
{
    DWORD start = GetTickCount();

    while (count_launchers() != count) {
        ck_assert_msg(GetTickCount() - start < patience_ms(30000), "there are %lu launchers, not %lu",
                      count_launchers(), count);
        Sleep(1);
    }
}

/* The variable stays until disperse(): all launchers are to wait. */
static void gather(struct crowd *crowd, int width, DWORD limit)
{
    char name[64], fault[64];

    memset(crowd, 0, sizeof *crowd);
    snprintf(name, sizeof name, "handoff-await-%lu", GetCurrentProcessId());
    snprintf(fault, sizeof fault, "await %lu", GetCurrentProcessId());
    crowd->go = CreateEventA(NULL, TRUE, FALSE, name);
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    crowd->launcher = open_launcher(width, L"faulty-launcher.exe");
    handoff_launcher_limit(crowd->launcher, limit);
    for (size_t i = 0; i < AT_ONCE; i++) {
        crowd->spawners[i].width = width;
        crowd->spawners[i].launcher = crowd->launcher;
        crowd->spawners[i].thread = CreateThread(NULL, 0, spawn_one, &crowd->spawners[i], 0, NULL);
    }
}

static void disperse(struct crowd *crowd)
{
    SetEvent(crowd->go);
    for (size_t i = 0; i < AT_ONCE; i++) {
        ck_assert(comes(crowd->spawners[i].thread));
        CloseHandle(crowd->spawners[i].thread);
        ck_assert_str_eq(crowd->spawners[i].trouble, "");
    }
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    CloseHandle(crowd->go);
}

/* That many launchers, which become idle, and stay as long as one that is idle does. */
static struct handoff_launcher *open_several(int width)
{
    struct crowd crowd;
    DWORD start, count;

    gather(&crowd, width, 0);
    await_launchers(AT_ONCE);
    start = GetTickCount();
    disperse(&crowd);
    count = count_launchers();
    ck_assert(count == AT_ONCE || GetTickCount() - start >= IDLE_MOST_MS);
    return crowd.launcher;
}

START_TEST(spawns_are_under_way_at_once)
{
    DWORD before;

    handoff_launcher_close(open_several(_i));
    before = count_own_handles();
    handoff_launcher_close(open_several(_i));
    ck_assert_uint_eq(count_own_handles(), before);
    ck_assert_uint_eq(count_launchers(), 0);
    assert_nobody_left();
}
END_TEST

START_TEST(there_are_no_more_launchers_than_the_limit)
{
    struct crowd crowd;
    struct handoff_request request;
    PROCESS_INFORMATION child;
    struct handoff_error error;

    gather(&crowd, _i, 2);
    await_launchers(2);
    request = ask(crowd.launcher, _i, L"exit 0");
    request.timeout_ms = HANG_MS;
    ck_assert(!handoff_spawn(&request, &child, &error));
    ck_assert(error.stage == HANDOFF_STAGE_PREPARE && error.code == ERROR_TIMEOUT);
    ck_assert_uint_eq(count_launchers(), 2);
    handoff_launcher_limit(crowd.launcher, 3); /* which one has waited for */
    await_launchers(3);
    handoff_launcher_limit(crowd.launcher, 0);
    await_launchers(AT_ONCE);
    handoff_launcher_limit(crowd.launcher, 1);
    disperse(&crowd);
    spawn_good(crowd.launcher, _i);
    await_launchers(1);
    handoff_launcher_close(crowd.launcher);
    assert_nobody_left();
}
END_TEST

/* Nobody but spawns ends them, and one that fails does. */
static void await_one_left(struct handoff_launcher *launcher, int width, const wchar_t *name)
{
    DWORD start = GetTickCount();

    while (count_programs(GetCurrentProcessId(), name) > 1) {
        ck_assert_msg(GetTickCount() - start < patience_ms(30000), "there are still %lu launchers",
                      count_programs(GetCurrentProcessId(), name));
        spawn_either(launcher, width, TRUE);
        Sleep(100);
    }
}

START_TEST(launchers_that_are_idle_go)
{
    struct handoff_launcher *launcher = open_several(OWN_WIDTH);
    DWORD process_id = spawn_good(launcher, OWN_WIDTH);

    await_one_left(launcher, OWN_WIDTH, L"faulty-launcher.exe");
    ck_assert_uint_eq(spawn_good(launcher, OWN_WIDTH), process_id);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* Of those that stand for the parent as it was before, only one is used and replaced. */
START_TEST(g9_launchers_that_are_not_current_all_go)
{
    struct handoff_launcher *launcher = open_several(OWN_WIDTH);

    ck_assert(SetConsoleCtrlHandler(NULL, TRUE));
    spawn_good(launcher, OWN_WIDTH);
    await_launchers(1);
    ck_assert(SetConsoleCtrlHandler(NULL, FALSE));
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

static DWORD WINAPI fail_several(void *argument)
{
    struct spawner *spawner = argument;

    for (int i = 0; i < how_often(4, 3) && spawner->trouble[0] == '\0'; i++)
        spawn_and_wait(spawner, TRUE);
    return 0;
}

/* All of them start children, or some; those of the others fail, which takes a launcher just as well. */
static void burst(struct handoff_launcher *launcher)
{
    static struct spawner spawners[BURST];
    int step = how_often(1, 4);

    for (size_t i = 0; i < BURST; i++) {
        spawners[i] = (struct spawner){.width = OWN_WIDTH, .launcher = launcher};
        spawners[i].thread =
            CreateThread(NULL, 0, i % (size_t)step == 0 ? spawn_several : fail_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < BURST; i++) {
        ck_assert(comes(spawners[i].thread));
        CloseHandle(spawners[i].thread);
        ck_assert_str_eq(spawners[i].trouble, "");
    }
}

/* Bytes of the heap that are in use. What the process has committed goes up and down with its threads. */
static SIZE_T heap_in_use(void)
{
    PROCESS_HEAP_ENTRY entry = {.lpData = NULL};
    SIZE_T sum = 0;

    while (HeapWalk(GetProcessHeap(), &entry))
        sum += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0 ? entry.cbData : 0;
    return sum;
}

/* What is left of a burst of its own. */
static SIZE_T burst_and_measure(struct handoff_launcher *launcher)
{
    DWORD handles = count_own_handles();
    SIZE_T memory = heap_in_use(), now;
    unsigned views = count_views();

    ck_assert_uint_gt(memory, 0);
    ck_assert_uint_gt(views, 0); /* each program has some of its system's */
    burst(launcher);
    await_one_left(launcher, OWN_WIDTH, L"handoff-launcher.exe");
    ck_assert_uint_eq(count_own_handles(), handles);
    ck_assert_uint_eq(count_views(), views);
    now = heap_in_use();
    return now > memory ? now - memory : 0;
}

/* What the first threads load and keep is not what this looks for, and a heap that keeps what is given back, to have it
 * at hand, has enough of it after some bursts. What is lost is lost in each of them. */
START_TEST(a_burst_of_threads_leaves_nothing)
{
    enum { NOISE = 1024, MOST_BURSTS = 4 };
    struct handoff_launcher *launcher = open_good(OWN_WIDTH);
    SIZE_T left = NOISE + 1;

    test_allow(170);
    burst(launcher);
    handoff_launcher_close(launcher);
    launcher = open_good(OWN_WIDTH);
    for (int i = 0; i < MOST_BURSTS && left > NOISE; i++)
        left = burst_and_measure(launcher);
    ck_assert_msg(left <= NOISE, "%lu bytes are left each time", (unsigned long)left);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* Each of the others does its next spawn, and so do those that replace the dead. */
START_TEST(idle_launchers_that_die_are_missed_by_nobody)
{
    struct handoff_launcher *launcher = open_several(_i);
    struct spawner spawners[AT_ONCE] = {{NULL, 0, NULL, ""}};
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    unsigned seen = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == GetCurrentProcessId() &&
            wcscmp(entry.szExeFile, L"faulty-launcher.exe") == 0 && seen++ % 2 == 0)
            kill_process(entry.th32ProcessID);
    }
    CloseHandle(snapshot);
    for (size_t i = 0; i < AT_ONCE; i++) {
        spawners[i] = (struct spawner){.width = _i, .launcher = launcher};
        spawners[i].thread = CreateThread(NULL, 0, spawn_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        ck_assert(comes(spawners[i].thread));
        CloseHandle(spawners[i].thread);
        ck_assert_str_eq(spawners[i].trouble, "");
    }
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* ---- for all who name none ---- */

static DWORD parent_of(const PROCESS_INFORMATION *child)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD parent_id = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ProcessID == child->dwProcessId)
            parent_id = entry.th32ParentProcessID;
    }
    CloseHandle(snapshot);
    return parent_id;
}

/* Each returns the launcher's pid. */
static DWORD spawn_unnamed(const wchar_t *launcher)
{
    struct handoff_request request = ask(NULL, OWN_WIDTH, L"exit 3");
    PROCESS_INFORMATION child;

    request.launcher = launcher;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 3);
    return trace.launcher_id;
}

static DWORD spawn_by_drop_in(void)
{
    struct handoff_request request = ask(NULL, OWN_WIDTH, L"exit 4");
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;
    BOOL done = FALSE;
    DWORD parent_id;

    for (int tries = 0; tries < START_TRIES && !done; tries++)
        done = handoff_CreateProcessW(NULL, request.command_line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL,
                                      &startup, &child);
    ck_assert(done);
    parent_id = parent_of(&child);
    ResumeThread(child.hThread);
    ck_assert_uint_eq(finish_child(&child), 4);
    return parent_id;
}

START_TEST(a_default_is_used_by_all_who_name_none)
{
    const wchar_t *path = program(OWN_WIDTH, L"handoff-launcher.exe");
    struct handoff_launcher *launcher = open_good(OWN_WIDTH), *other = open_good(OWN_WIDTH);
    DWORD process_id = spawn_good(launcher, OWN_WIDTH), other_id = spawn_good(other, OWN_WIDTH);

    ck_assert_uint_ne(spawn_unnamed(NULL), process_id);
    ck_assert_uint_ne(spawn_by_drop_in(), process_id);
    handoff_launcher_default(launcher);
    ck_assert_uint_eq(spawn_unnamed(NULL), process_id);
    ck_assert_uint_eq(spawn_by_drop_in(), process_id);
    ck_assert_uint_eq(spawn_good(other, OWN_WIDTH), other_id); /* which is named */
    ck_assert_uint_ne(spawn_unnamed(path), process_id);        /* so is this */
    handoff_launcher_default(other);
    ck_assert_uint_eq(spawn_by_drop_in(), other_id);
    handoff_launcher_close(launcher); /* which is no default any more */
    ck_assert_uint_eq(spawn_by_drop_in(), other_id);
    handoff_launcher_default(NULL);
    ck_assert_uint_ne(spawn_by_drop_in(), other_id);
    handoff_launcher_default(other);
    handoff_launcher_close(other);
    ck_assert_uint_ne(spawn_by_drop_in(), other_id);
    ck_assert_uint_ne(spawn_unnamed(NULL), other_id);
    assert_nobody_left();
}
END_TEST

Suite *pool_suite(void)
{
    const struct listed_test tests[] = {
        {several_threads_with_one_launcher, "pool threads", WIDTH_COUNT},
        {a_launcher_for_each_thread, "pool threads", WIDTH_COUNT},
        {spawns_are_under_way_at_once, "pool at once", WIDTH_COUNT},
        {there_are_no_more_launchers_than_the_limit, "pool at once", WIDTH_COUNT},
        {idle_launchers_that_die_are_missed_by_nobody, "pool at once", WIDTH_COUNT},
        {places_are_taken_up_to_the_limit, "pool places", 1},
        {things_that_are_idle_go, "pool places", 1},
        {launchers_that_are_idle_go, "pool places", 1},
        {g9_launchers_that_are_not_current_all_go, "pool places", 1},
        {a_burst_of_threads_leaves_nothing, "pool places", 1},
        {a_default_is_used_by_all_who_name_none, "pool places", 1},
    };
    Suite *suite = suite_create("pool");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
