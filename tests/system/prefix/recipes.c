/* The recipes, as a reader runs them: batch files of their own that say how it went. */
#include "prefix.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

static const char *const recipes[] = {"config",     "log",  "server",  "daemon", "secret", "lock",
                                      "descriptor", "join", "testrun", "agent",  "build"};

START_TEST(a_recipe_works)
{
    wchar_t shell[MAX_PATH], path[1024];
    char says[64];

    ck_assert_uint_gt(GetEnvironmentVariableW(L"ComSpec", shell, MAX_PATH), 0);
    /* build\WIDTH\..\..\tests\recipes */
    swprintf(path, ARRAYSIZE(path), L"%ls", program(OWN_WIDTH, L"x"));
    swprintf(wcsrchr(path, L'\\'), 64, L"\\..\\..\\tests\\recipes\\%hs.bat", recipes[_i]);
    run(&result, shell, L"/d /c \"\"%ls\" \"%ls\" \"%ls\"\"", path, program(OWN_WIDTH, L"handoff.exe"),
        program(OWN_WIDTH, L"child.exe"));
    snprintf(says, sizeof says, "%s: passed\r\n", recipes[_i]);
    ck_assert_msg(result.exit_code == 0 && strstr(result.out, says) != NULL, "%lu, '%s', '%s'", result.exit_code,
                  result.out, result.err);
    assert_nobody_left();
}
END_TEST

Suite *recipes_suite(void)
{
    Suite *suite = suite_create("recipes");
    TCase *tcase = tcase_create("recipes");

    tcase_add_unchecked_fixture(tcase, enter_console, leave_console);
    tcase_add_loop_test(tcase, a_recipe_works, 0, ARRAYSIZE(recipes));
    suite_add_tcase(suite, tcase);
    return suite;
}
