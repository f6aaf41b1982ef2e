/* What else the command has as without the prefix: variables, directory, how it was started; and what the options
 * change of it. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- variables ---- */

static const wchar_t block[] =
    L"=C:=C:\\windows\0=Z:=Z:\\\0zeta=first\0Alpha=a b\"c\"\0BETA=\x263a\0alphabet=x\0empty=\0"
    L"PATH=C:\\windows\\system32\0SystemRoot=C:\\windows\0last={s} %PATH%=\0";

/* The environment that the child of `path` and `line` writes, closed by an empty string, if `path` is
 * given this one. */
static void read_environment(wchar_t *to, DWORD capacity, const wchar_t *path, const wchar_t *line,
                             const wchar_t *environment)
{
    struct running running = start_running(path, line, NULL, 0, environment, NULL);
    DWORD size = read_all(running.out, (char *)to, capacity * sizeof *to);

    to[size / sizeof *to] = L'\0';
    CloseHandle(running.in);
    read_all(running.err, result.err, sizeof result.err);
    ck_assert_msg(finish_child(&running.process) == 0 && size > 0, "%s", result.err);
}

static const wchar_t *after(const wchar_t *variable)
{
    return variable + wcslen(variable) + 1;
}

static BOOL has_name_of(const wchar_t *block_at, const wchar_t *variable)
{
    size_t length = wcscspn(variable + 1, L"=") + 2; /* a name may begin with one */

    while (*block_at != L'\0' && wcsncmp(block_at, variable, length) != 0)
        block_at = after(block_at);
    return *block_at != L'\0';
}

static const wchar_t *skip_additions(const wchar_t *block_at, const wchar_t *given)
{
    while (*block_at != L'\0' && !has_name_of(given, block_at))
        block_at = after(block_at);
    return block_at;
}

static void assert_has_all(const wchar_t *block_at, const wchar_t *variables)
{
    for (; *variables != L'\0'; variables = after(variables)) {
        const wchar_t *at = block_at;

        while (*at != L'\0' && wcscmp(at, variables) != 0)
            at = after(at);
        ck_assert_msg(*at != L'\0', "%s is in one block only", shown(variables));
    }
}

/* What was given, in its order. The system may add to the block of each process that is started, where it likes. */
static void assert_same_block(const wchar_t *expected, const wchar_t *came, const wchar_t *given)
{
    assert_has_all(expected, came);
    assert_has_all(came, expected);
    for (;;) {
        expected = skip_additions(expected, given);
        came = skip_additions(came, given);
        ck_assert_msg(wcscmp(expected, came) == 0, "expected %s, came %s", shown(expected), shown(came));
        if (*expected == L'\0')
            break;
        expected = after(expected);
        came = after(came);
    }
}

START_TEST(the_environment_passes_through)
{
    static wchar_t plain[16384], came[16384];
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" environment", child(_i));
    read_environment(plain, ARRAYSIZE(plain), child(_i), L"environment", block);
    read_environment(came, ARRAYSIZE(came), prefix(_i), line, block);
    ck_assert_msg(wmemcmp(plain, L"=C:=C:\\windows", 15) == 0, "%s", shown(plain));
    assert_same_block(plain, came, block);
}
END_TEST

/* A change is made where the variable stands; a new variable comes before the first that is greater; all else stays. */
static const wchar_t changed[] = L"=C:=C:\\windows\0=Z:=Z:\\\0NEW=\0zeta=first\0ALPHA=x=\"y {z}\" \0alphabet=x\0"
                                 L"PATH=C:\\windows\\system32\0SystemRoot=C:\\windows\0last={s} %PATH%=\0";

START_TEST(variables_are_set_and_removed)
{
    static wchar_t plain[16384], came[16384];
    wchar_t line[2048];

    swprintf(line, ARRAYSIZE(line),
             L"--unset empty --env \"ALPHA=x=\\\"y {z}\\\" \" --env NEW= --unset beta --unset no.such -- \"%ls\" "
             L"environment",
             child(_i));
    read_environment(plain, ARRAYSIZE(plain), child(_i), L"environment", changed);
    read_environment(came, ARRAYSIZE(came), prefix(_i), line, block);
    assert_same_block(plain, came, changed);
}
END_TEST

START_TEST(a_variable_can_name_a_handle)
{
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);

    run(&result, prefix(_i), L"--env \"HANDLE={h}\" --parent %lu --steal h=%u -- \"%ls\" signal-variable HANDLE",
        GetCurrentProcessId(), number_of(stolen), child(_i));
    ck_assert_msg(result.exit_code == 0, "%lu: %s", result.exit_code, result.err);
    ck_assert(is_set(is_stolen));
    CloseHandle(is_stolen);
}
END_TEST

/* ---- the start ---- */

static void read_told(char *to, DWORD capacity, const wchar_t *path, const wchar_t *line, DWORD priority)
{
    const STARTUPINFOW startup = {.lpTitle = (wchar_t[]){L"a title"},
                                  .dwFlags = STARTF_USESHOWWINDOW | STARTF_USEPOSITION | STARTF_USESIZE,
                                  .wShowWindow = SW_SHOWMINNOACTIVE,
                                  .dwX = 11,
                                  .dwY = 22,
                                  .dwXSize = 333,
                                  .dwYSize = 444};
    struct running running = start_running(path, line, &startup, priority, NULL, NULL);

    read_all(running.out, to, capacity);
    CloseHandle(running.in);
    CloseHandle(running.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
}

START_TEST(the_start_passes_through)
{
    char plain[512], came[512];
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" start", child(_i));
    read_told(plain, sizeof plain, child(_i), L"start", 0);
    read_told(came, sizeof came, prefix(_i), line, 0);
    ck_assert_msg(strncmp(plain, "title a title, ", 15) == 0, "%s", plain);
    ck_assert_str_eq(came, plain);
}
END_TEST

/* A low one would be inherited anyway, a high one is not. */
START_TEST(the_priority_passes_through)
{
    static const DWORD priorities[] = {IDLE_PRIORITY_CLASS, HIGH_PRIORITY_CLASS};
    char plain[512], came[512];
    wchar_t line[1024];

    for (int i = 0; i < COMBINATIONS * (int)ARRAYSIZE(priorities); i++) {
        DWORD priority = priorities[i / COMBINATIONS];

        swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" start", child(i));
        read_told(plain, sizeof plain, child(i), L"start", priority);
        if (strtoul(strstr(plain, "priority") + 9, NULL, 16) != priority) {
            skip("CreateProcessW pays no heed to the priority class here, with or without handoff");
            return;
        }
        read_told(came, sizeof came, prefix(i), line, priority);
        ck_assert_str_eq(came, plain);
    }
}
END_TEST

/* ---- the directory ---- */

START_TEST(the_directory_passes_through)
{
    wchar_t line[1024], place[1024];
    struct running running;

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" place", child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, L"C:\\windows");
    read_all(running.out, (char *)place, sizeof place);
    CloseHandle(running.in);
    CloseHandle(running.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
    ck_assert_msg(_wcsnicmp(place, L"C:\\windows|", 11) == 0, "%s", shown(place));
}
END_TEST

START_TEST(the_directory_of_the_command)
{
    ck_assert(CreateDirectoryW(in_directory(L"a b"), NULL));
    run_batch("cd /d \"%DIR%\\a b\"\n"
              "cd\n"
              "cd ..\n"
              "\"%HANDOFF%\" --dir \"%DIR%\\a b\" -- cmd /c cd\n"
              "\"%HANDOFF%\" --dir \"a b\" -- cmd /c cd\n");
    RemoveDirectoryW(in_directory(L"a b"));
    {
        size_t length = strcspn(result.out, "\n") + 1;

        ck_assert_msg(length > 5 && strlen(result.out) == 3 * length &&
                          memcmp(result.out, result.out + length, 2 * length) == 0,
                      "%s %s", result.out, result.err);
    }
    run_batch("\"%HANDOFF%\" --dir \"%DIR%\\none\" -- cmd /c cd\necho %errorlevel%\n");
    assert_one_line(result.err);
    ck_assert_msg(strcmp(result.out, "125\r\n") == 0, "%s", result.out);
}
END_TEST

/* Puts the path of a directory into `path` that is too long to start in. */
static void make_long_directory(wchar_t *path)
{
    wcscpy(path, L"\\\\?\\");
    GetEnvironmentVariableW(L"DIR", path + wcslen(path), MAX_PATH);
    for (int level = 0; level < 2; level++) {
        wcscat(path, L"\\");
        wmemset(path + wcslen(path), L'd', 150 + 1)[150] = L'\0';
        ck_assert_msg(CreateDirectoryW(path, NULL), "%lu", GetLastError());
    }
}

static void remove_long_directory(wchar_t *path)
{
    for (int level = 0; level < 2; level++) {
        RemoveDirectoryW(path);
        *wcsrchr(path, L'\\') = L'\0';
    }
}

START_TEST(long_paths)
{
    wchar_t path[600], file[640];

    make_long_directory(path);
    swprintf(file, ARRAYSIZE(file), L"%ls\\app.ini", path);
    SetEnvironmentVariableW(L"LONG", path);
    write_file(file, "key=value\n");
    run_batch("\"%HANDOFF%\" --read \"in=%LONG%\\app.ini\" -- \"%CHILD%\" read {in}\n"
              "\"%HANDOFF%\" --dir \"%LONG:~4%\" -- cmd /c cd\n"
              "echo %errorlevel%\n");
    ck_assert(DeleteFileW(file));
    remove_long_directory(path);
    ck_assert_msg(strncmp(result.out, "key=value", 9) == 0, "%s %s", result.out, result.err);
    ck_assert_msg(strstr(result.out, "\n125\r\n") != NULL, "%s", result.out);
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "--dir is longer than the 258 characters") != NULL, "%s", result.err);
}
END_TEST

Suite *passing_on_suite(void)
{
    const struct listed_test in_a_line[] = {
        {the_environment_passes_through, "passing on in a line", COMBINATIONS},
        {variables_are_set_and_removed, "passing on in a line", COMBINATIONS},
        {a_variable_can_name_a_handle, "passing on in a line", COMBINATIONS},
        {the_start_passes_through, "passing on in a line", COMBINATIONS},
        {the_priority_passes_through, "passing on in a line", 1},
        {the_directory_passes_through, "passing on in a line", COMBINATIONS},
    };
    const struct listed_test in_batch_files[] = {
        {the_directory_of_the_command, "directory in batch files", 1},
        {long_paths, "directory in batch files", 1},
    };
    Suite *suite =
        console_suite("passing on", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
