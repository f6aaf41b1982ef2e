/* The clocks of a spawn, on machines that this one is not: with a fast counter, asleep, without newer functions. */
#include <windows.h>

#include "unit.h"

static LONGLONG fake_counter, fake_frequency;
static ULONGLONG fake_awake;
static DWORD fake_ticks;
static BOOL is_old; /* before Windows 7 */

static BOOL query_counter(LARGE_INTEGER *now)
{
    now->QuadPart = fake_counter;
    return TRUE;
}

static BOOL query_frequency(LARGE_INTEGER *frequency)
{
    frequency->QuadPart = fake_frequency;
    return TRUE;
}

static BOOL WINAPI query_awake(ULONGLONG *now)
{
    *now = fake_awake;
    return TRUE;
}

static FARPROC find_function(HMODULE module, const char *name)
{
    ck_assert(module == GetModuleHandleW(L"kernel32.dll"));
    ck_assert_str_eq(name, "QueryUnbiasedInterruptTime");
    return is_old ? NULL : (FARPROC)(void *)query_awake;
}

static DWORD waits_left, waited_ms;

/* Each wait but the last takes 100 ms asleep, and then says that the time is up. */
static DWORD wait_asleep(DWORD count, const HANDLE *handles, BOOL all, DWORD ms)
{
    ck_assert(count == 1 && handles != NULL && !all);
    waited_ms = ms;
    if (waits_left == 0)
        return WAIT_OBJECT_0;
    waits_left--;
    fake_awake += 100 * 10000;
    return WAIT_TIMEOUT;
}

#define WaitForMultipleObjects wait_asleep
#define QueryPerformanceCounter query_counter
#define QueryPerformanceFrequency query_frequency
#define GetTickCount() fake_ticks
#define GetProcAddress find_function

#include "clock.h"

static const struct {
    LONGLONG frequency, passed;
    DWORD us;
} rows[] = {
    {10000000, 0, 0},
    {10000000, 10, 1},
    {10000000, 599999990, 59999999},
    {3579545, 3579545, 1000000},
    {3000000000, 3000000, 1000},
    {3000000000, 3000000000, 1000000}, /* neither fits into 31 bits */
    {5200000000, 5200000000 * 60, 60000000},
    {5200000000, 5200000000 * 1800, 1800000000},
    {1, 2, 2000000},
};

START_TEST(microseconds_whatever_the_frequency)
{
    for (size_t i = 0; i < LENGTH(rows); i++) {
        LONGLONG start;
        DWORD us;

        fake_counter = 0x7000000000000000;
        fake_frequency = rows[i].frequency;
        start = clock_now();
        fake_counter += rows[i].passed;
        us = clock_us(start);
        require(max(us, rows[i].us) - min(us, rows[i].us) <= rows[i].us >> 18, "%lld of %lld: %lu us, not %lu",
                rows[i].passed, rows[i].frequency, us, rows[i].us);
    }
}
END_TEST

/* Half an hour asleep, of which the tick count knows. */
START_TEST(a_deadline_stands_still_asleep)
{
    struct deadline deadline;

    is_old = FALSE;
    fake_ticks = 1000;
    fake_awake = 50000000000;
    deadline = deadline_in(1000);
    fake_ticks += 1800000;
    ck_assert_uint_eq(deadline_left(&deadline), 1000);
    fake_awake += 250 * 10000;
    ck_assert_uint_eq(deadline_left(&deadline), 750);
    fake_awake += 750 * 10000;
    ck_assert_uint_eq(deadline_left(&deadline), 0);
    deadline.ms = INFINITE;
    ck_assert_uint_eq(deadline_left(&deadline), INFINITE);
}
END_TEST

START_TEST(a_deadline_before_windows_7)
{
    struct deadline deadline;

    is_old = TRUE;
    fake_ticks = 0xFFFFFFF0;
    deadline = deadline_in(0x100);
    fake_ticks += 0x20; /* past the end of 32 bits */
    ck_assert_uint_eq(deadline_left(&deadline), 0xE0);
    is_old = FALSE; /* it has been decided */
    ck_assert_uint_eq(deadline_left(&deadline), 0xE0);
}
END_TEST

/* Time awake is told in 64 bits, and measured in 32. */
START_TEST(a_machine_that_has_been_awake_for_long)
{
    struct deadline deadline;

    is_old = FALSE;
    fake_awake = 0xFFFFFFFFull << 13;
    deadline = deadline_in(100);
    fake_awake += 7 * 10000;
    ck_assert_uint_eq(deadline_left(&deadline), 93);
}
END_TEST

START_TEST(a_deadline_of_weeks)
{
    static const DWORD days[] = {1, 21, 40};

    is_old = FALSE;
    for (size_t i = 0; i < LENGTH(days); i++) {
        struct deadline deadline = deadline_in(days[i] * 86400000u + 1000);
        DWORD left;

        fake_awake += days[i] * 864000000000ull;
        left = deadline_left(&deadline);
        require(left - 1000 <= 2, "%lu days: %lu ms", days[i], left);
    }
}
END_TEST

/* A wait that sleep has ended is repeated, for what is left. */
START_TEST(a_wait_goes_on_until_the_deadline)
{
    static const struct {
        DWORD waits, ms, ended, last_ms;
    } waits[] = {{0, 1000, WAIT_OBJECT_0, 1000}, {1, 1000, WAIT_OBJECT_0, 900}, {9, 1000, WAIT_OBJECT_0, 100},
                 {10, 1000, WAIT_OBJECT_0, 0},   {11, 1000, WAIT_TIMEOUT, 0},   {0, 0, WAIT_OBJECT_0, 0},
                 {1, 0, WAIT_TIMEOUT, 0}};

    is_old = FALSE;
    fake_awake = 1ull << 40;
    for (size_t i = 0; i < LENGTH(waits); i++) {
        struct deadline deadline = deadline_in(waits[i].ms);
        HANDLE nothing = NULL;

        waits_left = waits[i].waits;
        require(deadline_wait(&deadline, 1, &nothing) == waits[i].ended, "row %zu", i);
        require(waited_ms - waits[i].last_ms + 1 <= 2, "row %zu: the last wait is for %lu ms", i, waited_ms);
    }
}
END_TEST

Suite *clock_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");

    tcase_add_test(tcase, microseconds_whatever_the_frequency);
    tcase_add_test(tcase, a_deadline_stands_still_asleep);
    tcase_add_test(tcase, a_deadline_before_windows_7);
    tcase_add_test(tcase, a_deadline_of_weeks);
    tcase_add_test(tcase, a_machine_that_has_been_awake_for_long);
    tcase_add_test(tcase, a_wait_goes_on_until_the_deadline);
    suite_add_tcase(suite, tcase);
    return suite;
}
