#include "harness.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "random.h"

/* Limits are chosen where a process starts in TUNED_MS, and grow with what a start takes; not beyond all measure, since
 * something that hangs has to be ended. */
enum { SECONDS = 120, TUNED_MS = 10, FAST_MS = 4 * TUNED_MS, SLOWEST_MS = 20 * TUNED_MS, EXIT_HUNG = 124 };

/* What a harness' program does that is started to see how long that takes: nothing. */
static const char nothing[] = "--nothing";
static unsigned start_ms = TUNED_MS;

static unsigned part = 1, parts = 1;

/* The test that runs, or ran last: what happens between two tests is put down to the first. */
static _Atomic(const char *) test_name = "no test yet";
static atomic_int test_row;
static atomic_bool test_ended = true;
static atomic_uint test_since, test_seconds = SECONDS;

/* Which tests may start 32-bit programs, and where a test that may not is left. */
static enum { ALL_TESTS, WIDTH_TESTS, NO_TESTS } with_x86;
static bool counts_only;
static bool is_width_test;
static atomic_bool is_left_out;
static DWORD test_thread;
static jmp_buf left_out;
static unsigned left_out_count;
static bool is_emulated;

static atomic_bool is_reduced;
static unsigned reduced_count;

static HANDLE output; /* tests may change the process' standard handles */
static uint64_t seed = 0x68616E646F6666, random_state;

/* Not by way of stdio: whatever hangs or crashed may hold its lock. */
static void __attribute__((format(gnu_printf, 1, 2))) say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    DWORD written;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0)
        WriteFile(output, line, (DWORD)min((size_t)length, sizeof line - 1), &written, NULL);
}

static void say_what(const char *what)
{
    say("%s: %s%s:%d ", what, test_ended ? "after " : "", test_name, test_row);
}

static void start_watch(bool ended)
{
    test_ended = ended;
    test_allow(SECONDS);
    test_since = GetTickCount();
}

void test_run(const char *name, bool of_width, void (*body)(int), int row)
{
    test_name = name;
    test_row = row;
    random_state = seed;
    is_width_test = of_width;
    is_left_out = false;
    is_reduced = false;
    test_thread = GetCurrentThreadId();
    start_watch(false);
    if (setjmp(left_out) == 0) {
        if (sizeof(void *) == 4 || counts_only)
            need_x86();
        body(row);
        left_out_count += is_left_out;
        reduced_count += is_reduced;
    }
    start_watch(true);
}

bool has_x86(void)
{
    return with_x86 == ALL_TESTS || (with_x86 == WIDTH_TESTS && is_width_test);
}

void leave_out(void)
{
    is_left_out = true;
}

void need_x86(void)
{
    if (has_x86() || test_ended) /* a fixture is run for tests that are left out, too */
        return;
    if (GetCurrentThreadId() != test_thread)
        ck_abort_msg("a thread of the test needs a 32-bit program, which the test has not asked for");
    left_out_count++;
    longjmp(left_out, 1);
}

unsigned patience_ms(unsigned ms)
{
    return ms * start_ms / TUNED_MS;
}

int how_often(int full, int few)
{
    if (start_ms <= FAST_MS && !is_emulated)
        return full;
    is_reduced = true;
    return few;
}

void test_allow(unsigned seconds)
{
    test_seconds = patience_ms(seconds * 1000) / 1000;
}

void skip(const char *reason)
{
    say("SKIP: %s: %s\n", test_name, reason);
}

static DWORD WINAPI watch_tests(void *unused)
{
    (void)unused;
    while (GetTickCount() - test_since <= test_seconds * 1000)
        Sleep(200);
    say_what("HUNG");
    say("took more than %u s (HANDOFF_SEED=0x%" PRIx64 ")\n", test_seconds, seed);
    return !TerminateProcess(GetCurrentProcess(), EXIT_HUNG);
}

static LONG WINAPI report_crash(EXCEPTION_POINTERS *exception)
{
    DWORD code = exception->ExceptionRecord->ExceptionCode;

    say_what("CRASH");
    say("code 0x%08lx at %p (HANDOFF_SEED=0x%" PRIx64 ")\n", code, exception->ExceptionRecord->ExceptionAddress, seed);
    TerminateProcess(GetCurrentProcess(), code);
    return EXCEPTION_EXECUTE_HANDLER;
}

uint64_t random_next(void)
{
    return random_of(&random_state);
}

uint32_t random_below(uint32_t limit)
{
    return random_of_below(&random_state, limit);
}

const char *message(const char *format, ...)
{
    static char text[4000];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

const char *shown(const wchar_t *text)
{
    static char buffers[4][600];
    static unsigned turn;
    char *buffer = buffers[turn++ % 4], *end = buffer;

    for (; *text != L'\0' && end - buffer < 500; text++) {
        if (*text >= L' ' && *text < 0x7F)
            *end++ = (char)*text;
        else
            end += sprintf(end, "<%04x>", *text);
    }
    sprintf(end, "%s", *text == L'\0' ? "" : "...");
    return buffer;
}

static unsigned measure_start_ms(void)
{
    wchar_t path[MAX_PATH], line[32];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD since = GetTickCount();

    GetModuleFileNameW(NULL, path, MAX_PATH);
    swprintf(line, ARRAYSIZE(line), L"- %hs", nothing);
    if (!CreateProcessW(path, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process))
        return TUNED_MS;
    WaitForSingleObject(process.hProcess, INFINITE);
    CloseHandle(process.hProcess);
    CloseHandle(process.hThread);
    return GetTickCount() - since;
}

/* Of several, for others may be busy meanwhile. */
static unsigned least_start_ms(void)
{
    unsigned least = measure_start_ms();

    for (int more = 0; more < 4; more++)
        least = min(least, measure_start_ms());
    return least;
}

static unsigned known_start_ms(void)
{
    const char *known = getenv("HANDOFF_START_MS");

    return known != NULL ? (unsigned)strtoul(known, NULL, 10) : least_start_ms();
}

static int wanted_x86(void)
{
    const char *wanted = getenv("HANDOFF_X86");

    counts_only = wanted != NULL && strcmp(wanted, "count") == 0;
    is_emulated = wanted != NULL && strcmp(wanted, "emulated") == 0;
    if (counts_only || (wanted != NULL && strcmp(wanted, "none") == 0))
        return NO_TESTS;
    return wanted != NULL && strcmp(wanted, "width") == 0 ? WIDTH_TESTS : ALL_TESTS;
}

/* tests/run.sh takes them from those that have passed, as it does for each that skips itself. */
static void say_left_out(void)
{
    if (left_out_count > 0)
        say("SKIP: %u tests: %s\n", left_out_count,
            with_x86 == NO_TESTS ? "this machine runs no 32-bit code"
                                 : "this machine runs no 32-bit code (make test-x86 emulates it)");
}

static void say_reduced(void)
{
    if (reduced_count > 0)
        say("REDUCED: %u tests: fewer rounds, since %s\n", reduced_count,
            is_emulated ? "32-bit programs are emulated" : "a process takes long to start");
}

/* "PART/PARTS": of so many tests as there are parts one is this part's. Not by turns alone, since widths take turns,
 * too. */
static void choose_part(void)
{
    const char *wanted = getenv("HANDOFF_PART");

    if (wanted == NULL || sscanf(wanted, "%u/%u", &part, &parts) != 2 || part > parts || parts == 0)
        part = parts = 1;
}

void add_rows(TCase *tcase, const TTest *test, int from, int to)
{
    static unsigned tests;

    for (int row = from; row < to; row++, tests++) {
        if ((tests + tests / parts) % parts == part - 1)
            _tcase_add_test(tcase, test, 0, 0, row, row + 1);
    }
}

static void start(void)
{
    const char *wanted = getenv("HANDOFF_SEED");
    HANDLE watcher;

    output = GetStdHandle(STD_OUTPUT_HANDLE);
    setvbuf(stdout, NULL, _IONBF, 0);
    start_ms = min(max(known_start_ms(), TUNED_MS), SLOWEST_MS);
    with_x86 = wanted_x86();
    choose_part();
    if (wanted != NULL)
        seed = strtoull(wanted, NULL, 0);
    SetUnhandledExceptionFilter(report_crash);
    start_watch(true);
    watcher = CreateThread(NULL, 0, watch_tests, NULL, 0, NULL);
    if (watcher == NULL)
        say("cannot watch the tests: Win32 error %lu\n", GetLastError());
    else
        CloseHandle(watcher);
}

int harness_run(int argc, char **argv, suite_maker *const suites[], size_t count)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    SRunner *runner = srunner_create(NULL);
    bool is_case = false;
    int run, failed;

    if (name != NULL && strcmp(name, nothing) == 0)
        return EXIT_SUCCESS;
    if (name != NULL && strcmp(name, "--start-ms") == 0)
        return printf("%u\n", least_start_ms()) < 0;
    start();
    for (size_t i = 0; i < count; i++) {
        Suite *suite = suites[i]();

        is_case = is_case || (name != NULL && suite_tcase(suite, name));
        srunner_add_suite(runner, suite);
    }
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run(runner, is_case ? NULL : name, is_case ? name : NULL, CK_ENV);
    run = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    say_left_out();
    say_reduced();
    if (run == 0)
        say("there is no test case or suite %s\n", name != NULL ? name : "at all");
    if (failed != 0)
        say("HANDOFF_SEED=0x%" PRIx64 " repeats the random cases\n", seed);
    return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
