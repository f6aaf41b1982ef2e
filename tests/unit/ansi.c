/* Which strings of the ANSI drop-in reach the other, which is not the library's own here. */
#include "handoff.h"

#include <wchar.h>

#include "unit.h"

static wchar_t got[6][32]; /* application, line, directory, desktop, title, reserved; empty: NULL */
static BOOL created;

static void get(int index, const wchar_t *string)
{
    swprintf(got[index], LENGTH(got[index]), L"%ls", string != NULL ? string : L"");
}

BOOL WINAPI handoff_CreateProcessW(const wchar_t *application, const wchar_t *command_line,
                                   SECURITY_ATTRIBUTES *process_security, SECURITY_ATTRIBUTES *thread_security,
                                   BOOL inherit_handles, DWORD creation_flags, void *environment,
                                   const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    (void)process_security, (void)thread_security, (void)inherit_handles, (void)creation_flags;
    (void)environment, (void)child;
    get(0, application);
    get(1, command_line);
    get(2, directory);
    get(3, startup->lpDesktop);
    get(4, startup->lpTitle);
    get(5, startup->lpReserved);
    created = TRUE;
    return TRUE;
}

static void assert_got(const wchar_t *const expected[6])
{
    for (int i = 0; i < 6; i++)
        require(wcscmp(got[i], expected[i]) == 0, "string %d is '%s'", i, shown(got[i]));
}

START_TEST(ansi_strings_arrive)
{
    char reserved[] = "r";
    STARTUPINFOA startup = {.cb = sizeof startup, .lpReserved = reserved, .lpDesktop = "d", .lpTitle = "t"};
    PROCESS_INFORMATION child;

    ck_assert(handoff_CreateProcessA("a", "l", NULL, NULL, FALSE, 0, NULL, "w", &startup, &child));
    assert_got((const wchar_t *const[]){L"a", L"l", L"w", L"d", L"t", L"r"});
    startup = (STARTUPINFOA){.cb = sizeof startup};
    ck_assert(handoff_CreateProcessA(NULL, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &child));
    assert_got((const wchar_t *const[]){L"", L"", L"", L"", L"", L""});
}
END_TEST

START_TEST(ansi_without_startup)
{
    PROCESS_INFORMATION child;
    BOOL done;
    DWORD code;

    created = FALSE;
    done = handoff_CreateProcessA("a", "l", NULL, NULL, FALSE, 0, NULL, "w", NULL, &child);
    code = GetLastError();
    ck_assert(!done && !created);
    ck_assert_uint_eq(code, ERROR_INVALID_PARAMETER);
}
END_TEST

Suite *ansi_suite(void)
{
    Suite *suite = suite_create("ansi");
    TCase *tcase = tcase_create("ansi");

    tcase_add_test(tcase, ansi_strings_arrive);
    tcase_add_test(tcase, ansi_without_startup);
    suite_add_tcase(suite, tcase);
    return suite;
}
