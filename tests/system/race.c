/*
 * A parent that never stands still (G3): while spawns succeed, fail and lose their launchers, other
 * threads open, duplicate and close handles as fast as they can, so a freed number is somebody
 * else's at once. Each checks that nothing of its own was closed or replaced.
 */
#include "system.h"

#include <stdio.h>

enum { CHURNERS = 4, SPAWNS = 120, KEPT = 16 };

struct churner {
    HANDLE thread;
    volatile LONG *stop;
    LONG identity; /* the count of its next semaphore, unlike any other's */
    DWORD operations;
    const char *strike;
    DWORD code;
};

struct owned {
    HANDLE handle;
    LONG count;
};

/* A semaphore's count is its identity: releasing it once more tells and changes it. */
static BOOL is_mine(struct owned *owned)
{
    LONG previous = -1;

    return ReleaseSemaphore(owned->handle, 1, &previous) && previous == owned->count++;
}

static BOOL open_one(struct churner *churner, struct owned *owned)
{
    HANDLE first = CreateSemaphoreW(NULL, churner->identity, 0x7fffffff, NULL);

    owned->count = churner->identity;
    churner->identity += 1000;
    owned->handle = NULL;
    /* Its number is free again for whoever comes first: the spawning thread, at times. */
    return DuplicateHandle(GetCurrentProcess(), first, GetCurrentProcess(), &owned->handle, 0, FALSE,
                           DUPLICATE_SAME_ACCESS) &&
           CloseHandle(first);
}

static DWORD WINAPI churn(void *argument)
{
    struct churner *churner = argument;
    struct owned owned[KEPT] = {{NULL, 0}};

    for (DWORD i = 0; !*churner->stop && churner->strike == NULL; i++) {
        struct owned *one = &owned[i % KEPT];

        if (one->handle != NULL && !is_mine(one))
            churner->strike = "a handle was replaced";
        else if (one->handle != NULL && !CloseHandle(one->handle))
            churner->strike = "a handle was closed by somebody";
        else if (!open_one(churner, one))
            churner->strike = "a new handle was closed by somebody";
        churner->code = GetLastError();
        churner->operations += 5;
    }
    for (size_t i = 0; i < KEPT; i++) {
        if (owned[i].handle != NULL && !CloseHandle(owned[i].handle) && churner->strike == NULL)
            churner->strike = "a handle was gone at the end";
    }
    return 0;
}

struct tally {
    int succeeded, failed;
    wchar_t trouble[512]; /* what a spawn that was meant to succeed failed with, if one did */
};

static void spawn_one(int i, int width, struct tally *tally)
{
    HANDLE event = make_event();
    struct handoff_pass passes[4];
    struct handoff_request request = request_child(width, width, L"signal {a} {b} {c} {d}");
    PROCESS_INFORMATION child;
    struct handoff_error error;
    char fault[32];

    for (int pass = 0; pass < 4; pass++)
        passes[pass] =
            (struct handoff_pass){.name = (const wchar_t *[]){L"a", L"b", L"c", L"d"}[pass], .handle = event};
    request.passes = passes;
    request.pass_count = 4;
    if (i % 3 == 1)
        request.command_line = L"no-such-program {a} {b} {c} {d}";
    if (i % 3 == 2) {
        snprintf(fault, sizeof fault, "%s %u", i % 2 ? "die-before" : "die-after", 1 + random_below(30));
        SetEnvironmentVariableA("HANDOFF_FAULT", fault);
        request.launcher = program(width, L"faulty-launcher.exe");
    }
    if (spawn_patiently(&request, &child, &error)) {
        finish_child(&child);
        tally->succeeded++;
    } else {
        tally->failed++;
        if (i % 3 == 0)
            handoff_error_text(&error, tally->trouble, ARRAYSIZE(tally->trouble));
    }
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert(CloseHandle(event));
}

START_TEST(g3_a_parent_that_never_stands_still)
{
    struct churner churners[CHURNERS] = {{NULL}};
    volatile LONG stop = FALSE;
    struct tally tally = {0};

    test_allow(240);
    for (int i = 0; i < CHURNERS; i++) {
        churners[i].stop = &stop;
        churners[i].identity = 100000000 * (i + 1);
        churners[i].thread = CreateThread(NULL, 0, churn, &churners[i], 0, NULL);
    }
    for (int i = 0; i < SPAWNS; i++)
        spawn_one(i, _i, &tally);
    InterlockedExchange(&stop, TRUE);
    for (int i = 0; i < CHURNERS; i++) {
        ck_assert(WaitForSingleObject(churners[i].thread, INFINITE) == WAIT_OBJECT_0);
        CloseHandle(churners[i].thread);
        ck_assert_msg(churners[i].strike == NULL, "%s, code %lu, after %lu operations", churners[i].strike,
                      churners[i].code, churners[i].operations);
        ck_assert_uint_gt(churners[i].operations, 1000);
    }
    ck_assert_msg(tally.trouble[0] == L'\0', "%ls", tally.trouble);
    ck_assert_int_ge(tally.succeeded, SPAWNS / 3);
    ck_assert_int_ge(tally.failed, SPAWNS / 3);
    assert_nobody_left();
}
END_TEST

Suite *race_suite(void)
{
    Suite *suite = suite_create("race");
    TCase *tcase = tcase_create("race");

    tcase_add_unchecked_fixture(tcase, use_all_processors, use_own_processors);
    tcase_add_loop_test(tcase, g3_a_parent_that_never_stands_still, 0, WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    return suite;
}
