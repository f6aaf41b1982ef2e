/*
 * What the Check programs share. Check for Windows cannot fork: it knows no timeouts, and a crash
 * ends it without a word. So every test is watched from here:
 *
 *   HUNG: test:row took more than N s    and the program ends with 124
 *   CRASH: test:row code 0x…             and the program ends with that code
 *   SKIP: test: reason                   the test passes, but tests/run.sh counts it as skipped
 *   SKIP: N tests: reason                so did N tests
 *   REDUCED: N tests: reason             N tests passed, but had fewer rounds than elsewhere: see how_often()
 *
 * Three variables, of tests/run.sh, say what the machine is like:
 *
 *   HANDOFF_START_MS    how long one start of a process takes; without it one is measured. Limits go by it.
 *   HANDOFF_X86         "none": no 32-bit program runs here, "width": only tests about the width are to start one. What
 *                       that leaves out is counted, and skipped in one line. In a 32-bit suite it is every test, in a
 *                       64-bit one each that wants a 32-bit program. "count": none is run, and all are counted.
 *                       "emulated": all are run, and a 32-bit program takes its time.
 *   HANDOFF_PART        "2/4": of four tests each time one is run.
 *
 * With the argument --start-ms a program says how long a start takes.
 *
 * Include this instead of <check.h>: START_TEST and what adds tests are redefined.
 */
#ifndef HANDOFF_HARNESS_H
#define HANDOFF_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef Suite *suite_maker(void);

/*
 * Runs all suites, or the one test case or else suite that the first argument names. Returns the
 * exit code: 0 if at least one test ran and none failed.
 */
int harness_run(int argc, char **argv, suite_maker *const suites[], size_t count);

/* How long the running test may take from its start, where processes start fast. Without this: two minutes. */
void test_allow(unsigned seconds);

/* How long to wait for what should come, before it counts as never: so many milliseconds where processes start fast,
 * and more where they do not. */
unsigned patience_ms(unsigned ms);

/* How often a loop is to go round: `full` times where a process starts fast and 32-bit programs run by themselves, and
 * else `few`. A test that is reduced so is one of those in REDUCED. */
int how_often(int full, int few);

/* The running test is of no use without a 32-bit program: if it may start none, it ends here, and counts as left out.
 * Nothing that it has begun is undone, so it asks first. On the test's own thread. */
void need_x86(void);
bool has_x86(void);   /* it may */
void leave_out(void); /* the test goes on, but counts as left out */

void skip(const char *reason);

/*
 * Random numbers, the same in each run, whichever tests run before: each test (and each row of a
 * loop test) begins with the seed. The variable HANDOFF_SEED sets another; it is printed after
 * failures.
 */
uint64_t random_next(void);
uint32_t random_below(uint32_t limit); /* 0 to limit - 1 */

/* The text in printable ASCII, for messages; long ones are cut. Valid for three more calls. */
const char *shown(const wchar_t *text);

/*
 * ck_assert_msg with two differences: the format is the C standard's and not the old Windows
 * runtime's (%zu, PRIx64), and a condition that holds costs nothing, where Check writes to a file
 * each time, so it is good for long loops.
 */
#define require(condition, ...)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s", message(__VA_ARGS__));                                                                  \
    } while (0)

const char *message(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

/* The rows of a test that belong to the part that is run. */
void add_rows(TCase *tcase, const TTest *test, int from, int to);

#undef tcase_add_test
#undef tcase_add_loop_test
#define tcase_add_test(tcase, test) add_rows(tcase, test, 0, 1)
#define tcase_add_loop_test(tcase, test, from, to) add_rows(tcase, test, from, (int)(to))

void test_run(const char *name, bool of_width, void (*body)(int), int row);

/* A test about the width of processes: it also runs where a 32-bit one is dear. One or two of each kind are enough. */
#define START_WIDTH_TEST(name) START_TEST_OF(name, true)

#undef START_TEST
#define START_TEST(name) START_TEST_OF(name, false)
#define START_TEST_OF(name, of_width)                                                                                  \
    static void name##_body(int _i);                                                                                   \
    static void name##_fn(int _i)                                                                                      \
    {                                                                                                                  \
        test_run(#name, of_width, name##_body, _i);                                                                    \
    }                                                                                                                  \
    static const TTest name##_ttest = {#name, name##_fn, __FILE__, __LINE__};                                          \
    static const TTest *const name = &name##_ttest;                                                                    \
    static void name##_body(int _i CK_ATTRIBUTE_UNUSED)

#endif
