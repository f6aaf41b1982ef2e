/* Tests on a console, and suites as tables. */
#include "system.h"

#include <string.h>

/* Where there is no console, as in a job without a terminal, Wine gives each program one of its own, whose
 * conhost.exe inherits what is inheritable there and lives on for a while: with any program, files stay in
 * use and pipes do not end. */
static BOOL made_console;

void enter_console(void)
{
    HANDLE streams[] = {GetStdHandle(STD_INPUT_HANDLE), GetStdHandle(STD_OUTPUT_HANDLE),
                        GetStdHandle(STD_ERROR_HANDLE)};
    DWORD process_id;

    for (int i = 0; i < 3; i++)
        SetHandleInformation(streams[i], HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    made_console = GetConsoleOutputCP() == 0 && FreeConsole() && AllocConsole();
    /* Wine's is there a moment later. */
    for (int tries = 0; made_console && GetConsoleProcessList(&process_id, 1) == 0 && tries < 10000; tries++)
        Sleep(1);
    SetStdHandle(STD_INPUT_HANDLE, streams[0]);
    SetStdHandle(STD_OUTPUT_HANDLE, streams[1]);
    SetStdHandle(STD_ERROR_HANDLE, streams[2]);
}

void leave_console(void)
{
    if (made_console)
        FreeConsole();
}

BOOL is_own_console(void)
{
    return made_console;
}

/* The fixtures of one test each are NULL where there are none, and then no console is made. */
static void add_cases(Suite *suite, const struct listed_test *tests, size_t count, SFun set_up, SFun tear_down)
{
    TCase *tcase = NULL;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(tests[i].name, tests[i - 1].name) != 0) {
            tcase = tcase_create(tests[i].name);
            if (set_up != NULL) {
                tcase_add_unchecked_fixture(tcase, enter_console, leave_console);
                tcase_add_checked_fixture(tcase, set_up, tear_down);
            }
            suite_add_tcase(suite, tcase);
        }
        tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].rows);
    }
}

void add_tests(Suite *suite, const struct listed_test *tests, size_t count)
{
    add_cases(suite, tests, count, NULL, NULL);
}

Suite *console_suite(const char *name, const struct listed_test *tests, size_t count, SFun set_up, SFun tear_down)
{
    Suite *suite = suite_create(name);

    add_cases(suite, tests, count, set_up, tear_down);
    return suite;
}
