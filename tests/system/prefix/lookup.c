/* Which program a command line means to the prefix: what cmd.exe would run. Then the programs
 * that cmd.exe itself has to run, and those that a list of arguments may not name. */
#include "prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { PATH_UNITS = 1024 };

/* ---- a tree of programs ---- */

/* Copies of the child; a backslash at the end means a directory, which comes before what is in it. */
static const wchar_t *const tree[] = {
    L"here\\",
    L"one\\",
    L"two\\",
    L"semi;colon\\",
    L"two words\\",
    L"here\\only.exe",
    L"here\\both.exe",
    L"here\\order.exe",
    L"here\\order.com",
    L"here\\two words.exe",
    L"here\\noext",
    L"here\\x.y.exe",
    L"here\\folder.exe\\",
    L"one\\both.exe",
    L"one\\first.exe",
    L"one\\folder.exe",
    L"two\\first.exe",
    L"two\\second.exe",
    L"semi;colon\\semi.exe",
    L"two words\\inside.exe",
};

static wchar_t root[MAX_PATH];

/* $ is the root. */
static void put_root(wchar_t *to, const wchar_t *text)
{
    for (; *text != L'\0'; text++) {
        if (*text == L'$')
            to += swprintf(to, MAX_PATH, L"%ls", root);
        else
            *to++ = *text;
    }
    *to = L'\0';
}

static void make_tree(void)
{
    wchar_t path[PATH_UNITS];

    wcscpy(root, file_path(L"tree"));
    ck_assert(CreateDirectoryW(root, NULL));
    for (size_t i = 0; i < ARRAYSIZE(tree); i++) {
        swprintf(path, PATH_UNITS, L"%ls\\%ls", root, tree[i]);
        if (path[wcslen(path) - 1] == L'\\')
            ck_assert(CreateDirectoryW(path, NULL));
        else
            ck_assert_msg(CopyFileW(program(OWN_WIDTH, L"child.exe"), path, TRUE), "%ls", path);
    }
}

static void remove_tree(void)
{
    wchar_t path[PATH_UNITS];

    for (size_t i = ARRAYSIZE(tree); i-- > 0;) {
        swprintf(path, PATH_UNITS, L"%ls\\%ls", root, tree[i]);
        if (path[wcslen(path) - 1] == L'\\')
            RemoveDirectoryW(path);
        else
            DeleteFileW(path);
    }
    ck_assert(RemoveDirectoryW(root));
}

/* Sets a variable of this process, NULL: removes it, and returns what it was. */
static wchar_t *swap_variable(const wchar_t *name, const wchar_t *value)
{
    wchar_t unit[1];
    DWORD size = GetEnvironmentVariableW(name, unit, 1);
    wchar_t *was = size > 0 ? malloc(size * sizeof *was) : NULL;

    if (was != NULL)
        GetEnvironmentVariableW(name, was, size);
    SetEnvironmentVariableW(name, value);
    return was;
}

static const wchar_t no_current[] = L"NoDefaultCurrentDirectoryInExePath";

/* The current directory is here\. */
static const struct {
    const wchar_t *path, *pathext;
    const wchar_t *line;
    const wchar_t *found; /* NULL: it is not */
    const wchar_t *without_current;
} rows[] = {
    {L"$\\one", L".EXE", L"only self", L"here\\only.exe", NULL},
    {L"$\\one", L".EXE", L"only.exe self", L"here\\only.exe", NULL},
    {L"$\\one", L".EXE", L"ONLY.Exe self", L"here\\only.exe", NULL},
    {L"$\\one", L".EXE", L".\\only self", L"here\\only.exe", NULL},
    /* the current directory first, unless Windows is told otherwise, with any text or none */
    {L"$\\one", L".EXE", L"both self", L"here\\both.exe", NULL},
    {L"$\\one", L".EXE", L"both self", L"one\\both.exe", L"1"},
    {L"$\\one", L".EXE", L"both self", L"one\\both.exe", L""},
    {L"$\\one", L".EXE", L"only self", NULL, L"1"},
    {L"$\\one", L".EXE", L".\\only self", L"here\\only.exe", L"1"},
    /* then PATH, in its order */
    {L"$\\one;$\\two", L".EXE", L"first self", L"one\\first.exe", NULL},
    {L"$\\two;$\\one", L".EXE", L"first self", L"two\\first.exe", NULL},
    {L"$\\one;$\\two", L".EXE", L"second self", L"two\\second.exe", NULL},
    {L";;$\\none;$\\one\\;;", L".EXE", L"first self", L"one\\first.exe", NULL},
    {L"\"$\\semi;colon\";$\\one", L".EXE", L"semi self", L"semi;colon\\semi.exe", NULL},
    {L"\"$\\semi;colon\";$\\one", L".EXE", L"first self", L"one\\first.exe", NULL},
    {L"$\\\"semi;colon\"", L".EXE", L"semi self", L"semi;colon\\semi.exe", NULL},
    {L"$\\two words", L".EXE", L"inside self", L"two words\\inside.exe", NULL},
    {NULL, L".EXE", L"only self", L"here\\only.exe", NULL},
    {NULL, L".EXE", L"first self", NULL, NULL},
    /* PATHEXT, in its order */
    {L"$\\one", L".EXE;.COM", L"order self", L"here\\order.exe", NULL},
    {L"$\\one", L".COM;.EXE", L"order self", L"here\\order.com", NULL},
    {L"$\\one", L".COM;.EXE", L"order.exe self", L"here\\order.exe", NULL},
    {L"$\\one", L".XYZ", L"only self", NULL, NULL},
    {L"$\\one", L".XYZ", L"only.exe self", L"here\\only.exe", NULL},
    {L"$\\one", NULL, L"order self", L"here\\order.com", NULL},
    {L"$\\one", L".EXE", L"x.y self", L"here\\x.y.exe", NULL},
    {L"$\\one", L".EXE", L"noext self", NULL, NULL},
    {L"$\\one", L".EXE", L"noext. self", L"here\\noext", NULL},
    {L"$\\one", L".EXE", L"only. self", NULL, NULL},
    /* a directory is no program */
    {L"$\\one", L".EXE", L"folder self", L"one\\folder.exe", NULL},
    {L"$\\one", L".EXE", L"folder.exe self", L"one\\folder.exe", NULL},
    {L"$\\one", L".EXE", L".\\folder.exe self", NULL, NULL},
    /* quotes and blanks */
    {L"$\\one", L".EXE", L"\"two words\" self", L"here\\two words.exe", NULL},
    {L"$\\one", L".EXE", L"\"two words.exe\" self", L"here\\two words.exe", NULL},
    {L"$\\one", L".EXE", L"\"only\"\tself", L"here\\only.exe", NULL},
    {L"$\\one", L".EXE", L"two words self", NULL, NULL},
    {L"$\\one", L".EXE", L"\"$\\two words\\inside.exe\" self", L"two words\\inside.exe", NULL},
    {L"$\\one", L".EXE", L"\"$\\two words\\inside\" self", L"two words\\inside.exe", NULL},
    {L"$\\one", L".EXE", L"\"$\\two words\\inside.\" self", NULL, NULL},
    {L"$\\one", L".EXE", L"..\\two\\second self", L"two\\second.exe", NULL},
    {L"$\\one", L".EXE", L"../two/second.exe self", L"two\\second.exe", NULL},
    {L"$\\one", L".EXE", L"\"\" self", NULL, NULL},
    /* what lies beside handoff.exe is not found */
    {L"$\\one", L".EXE", L"child self", NULL, NULL},
    {L"$\\one", L".EXE", L"handoff-launcher.exe --version", NULL, NULL},
};

static void look_up(int combination, size_t row, struct result *found)
{
    static wchar_t path[4096], here[PATH_UNITS], line[PATH_UNITS], command[PATH_UNITS];
    wchar_t *was_path, *was_pathext, *was_current;
    struct running running;

    put_root(path, rows[row].path != NULL ? rows[row].path : L"");
    put_root(here, L"$\\here");
    put_root(command, rows[row].line);
    swprintf(line, PATH_UNITS, L"-- %ls", command);
    was_path = swap_variable(L"PATH", rows[row].path != NULL ? path : NULL);
    was_pathext = swap_variable(L"PATHEXT", rows[row].pathext);
    was_current = swap_variable(no_current, rows[row].without_current);
    running = start_running(prefix(combination), line, NULL, 0, NULL, here);
    swap_variable(L"PATH", was_path);
    swap_variable(L"PATHEXT", was_pathext);
    swap_variable(no_current, was_current);
    free(was_path);
    free(was_pathext);
    free(was_current);
    CloseHandle(running.in);
    read_all(running.out, found->out, sizeof found->out);
    read_all(running.err, found->err, sizeof found->err);
    found->exit_code = finish_child(&running.process);
}

START_TEST(a_program_is_found_as_cmd_finds_it)
{
    wchar_t expected[PATH_UNITS];

    make_tree();
    for (size_t i = 0; i < ARRAYSIZE(rows); i++) {
        /* One width looks for them all; the other shows that it looks in the same way. */
        if (_i != OWN_WIDTH && i % 3 != 0)
            continue;
        look_up(_i, i, &result);
        if (rows[i].found == NULL) {
            ck_assert_msg(result.exit_code == EXIT_NOT_FOUND, "row %u, %ls: %lu, %s%s", (unsigned)i, rows[i].line,
                          result.exit_code, shown((wchar_t *)(void *)result.out), result.err);
            continue;
        }
        swprintf(expected, PATH_UNITS, L"%ls\\%ls", root, rows[i].found);
        ck_assert_msg(result.exit_code == 0, "row %u, %ls: %lu, %s", (unsigned)i, rows[i].line, result.exit_code,
                      result.err);
        ck_assert_msg(_wcsicmp((wchar_t *)(void *)result.out, expected) == 0, "row %u, %ls: found %s", (unsigned)i,
                      rows[i].line, shown((wchar_t *)(void *)result.out));
    }
    remove_tree();
}
END_TEST

static const struct {
    const wchar_t *line;
    const wchar_t *without_current;
    const char *says[2];
} not_found[] = {
    {L"no-such-program x", NULL, {"'no-such-program'", "in the current directory and along PATH"}},
    {L"\"no such program\" x", NULL, {"'no such program'", "in the current directory and along PATH"}},
    {L"no-such-program x", L"1", {"'no-such-program'", "looked for along PATH"}},
    {L".\\no-such-program x", NULL, {"'.\\no-such-program'", "looked for only there"}},
    {L"C:\\no\\such\\program.exe x", L"1", {"'C:\\no\\such\\program.exe'", "looked for only there"}},
};

START_TEST(g11_what_is_not_found_is_named)
{
    for (size_t i = 0; i < ARRAYSIZE(not_found); i++) {
        wchar_t *was = swap_variable(no_current, not_found[i].without_current);

        run(&result, prefix(_i), L"-- %ls", not_found[i].line);
        swap_variable(no_current, was);
        free(was);
        ck_assert_uint_eq(result.exit_code, EXIT_NOT_FOUND);
        for (int says = 0; says < 2; says++)
            ck_assert_msg(strstr(result.err, not_found[i].says[says]) != NULL, "%s", result.err);
    }
}
END_TEST

/* ---- batch files ---- */

/* A directory with a blank in its name and these batch files in it. */
static const wchar_t *make_batch_directory(void)
{
    static wchar_t directory[MAX_PATH];
    static const struct {
        const wchar_t *name;
        const char *text; /* a format with the child's path */
    } files[] = {
        {L"note.bat", "@\"%ls\" note %%*\r\n"},        {L"table.cmd", "@\"%ls\" table %%*\r\n"},
        {L"signal.bat", "@\"%ls\" signal %%1\r\n"},    {L"code.bat", "@exit /b 7\r\n"},
        {L"code two.cmd", "@exit /b -2147483648\r\n"}, {L"mark.bat", "@echo ran>\"%%~dp0mark\"\r\n"},
    };

    wcscpy(directory, file_path(L"batch"));
    CreateDirectoryW(directory, NULL);
    for (size_t i = 0; i < ARRAYSIZE(files); i++) {
        wchar_t path[PATH_UNITS];
        char text[PATH_UNITS];

        swprintf(path, PATH_UNITS, L"%ls\\%ls", directory, files[i].name);
        snprintf(text, sizeof text, files[i].text, program(OWN_WIDTH, L"child.exe"));
        write_file(path, text);
    }
    return directory;
}

static const wchar_t *batch(const wchar_t *name)
{
    static wchar_t paths[4][PATH_UNITS];
    static int next;
    wchar_t *path = paths[next++ % 4];

    swprintf(path, PATH_UNITS, L"%ls\\%ls", make_batch_directory(), name);
    return path;
}

/* What stands behind `note` in the child's line, up to the line break. */
static wchar_t *noted(void)
{
    wchar_t *note = wcsstr((wchar_t *)(void *)result.out, L"\" note ");

    ck_assert_msg(note != NULL, "%lu: %s%s", result.exit_code, shown((wchar_t *)(void *)result.out), result.err);
    note[wcscspn(note, L"\n")] = L'\0';
    return note + 7;
}

START_TEST(a_batch_file_gets_its_arguments)
{
    static const wchar_t arguments[] = L"one \"two words\" a\"b c\"d \"x&y|z\" \"\" {x} \\ \"^!\" =";

    run(&result, prefix(_i), L"-- \"%ls\" %ls", batch(L"note.bat"), arguments);
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_msg(wcscmp(noted(), arguments) == 0, "%s", shown(noted()));
}
END_TEST

/* In a name of its directory or of its own. What is between two of them may be a variable's name or not. */
static const wchar_t *const percents[][2] = {
    {L"50% of it", L"note.bat"}, {L"%TEMP%x", L"note.bat"}, {L"%NO_SUCH%", L"%PATH:~0,3%.cmd"}, {L"a%%b", L"%.bat"}};

/* The line's own are cmd.exe's to replace, as always. */
START_TEST(a_percent_in_the_path_of_a_batch_file_stays)
{
    const wchar_t *const *names = percents[_i / WIDTH_COUNT];
    wchar_t inner[PATH_UNITS], path[PATH_UNITS];
    char text[PATH_UNITS];

    swprintf(inner, PATH_UNITS, L"%ls\\%ls", make_batch_directory(), names[0]);
    swprintf(path, PATH_UNITS, L"%ls\\%ls", inner, names[1]);
    ck_assert(CreateDirectoryW(inner, NULL));
    snprintf(text, sizeof text, "@\"%ls\" note %%*\r\n", program(OWN_WIDTH, L"child.exe"));
    write_file(path, text);
    SetEnvironmentVariableW(L"MINE", L"expanded");
    run(&result, prefix(_i % WIDTH_COUNT), L"-- \"%ls\" one \"two three\" %%MINE%%", path);
    SetEnvironmentVariableW(L"MINE", NULL);
    ck_assert(DeleteFileW(path) && RemoveDirectoryW(inner));
    ck_assert_msg(result.exit_code == 0, "%lu: %s", result.exit_code, result.err);
    ck_assert_msg(wcscmp(noted(), L"one \"two three\" expanded") == 0, "%s", shown(noted()));
}
END_TEST

START_TEST(a_batch_file_is_found_as_any_program)
{
    wchar_t *was_pathext = swap_variable(L"PATHEXT", L".EXE;.BAT");
    struct running running = start_running(prefix(_i), L"-- note x", NULL, 0, NULL, make_batch_directory());

    swap_variable(L"PATHEXT", was_pathext);
    free(was_pathext);
    read_all(running.out, result.out, sizeof result.out);
    read_all(running.err, result.err, sizeof result.err);
    CloseHandle(running.in);
    result.exit_code = finish_child(&running.process);
    ck_assert_msg(result.exit_code == 0 && wcscmp(noted(), L"x") == 0, "%s", shown(noted()));
}
END_TEST

START_TEST(g7_the_exit_code_of_a_batch_file)
{
    run(&result, prefix(_i), L"-- \"%ls\"", batch(L"code.bat"));
    ck_assert_msg(result.exit_code == 7, "%lu: %s", result.exit_code, result.err);
    run(&result, prefix(_i), L"-- \"%ls\" x", batch(L"code two.cmd"));
    ck_assert_msg(result.exit_code == 0x80000000, "%lu: %s", result.exit_code, result.err);
}
END_TEST

/* As long as cmd.exe can take, and one character more. */
START_TEST(a_line_that_cmd_cannot_take_is_an_error)
{
    wchar_t line[10000], mark[PATH_UNITS], cmd[MAX_PATH];
    size_t most = 8191 - wcslen(L"\"\\cmd.exe\" /d /e:on /v:off /s /c \"\"\" \"");

    most -= wcslen(batch(L"mark.bat")) + GetSystemDirectoryW(cmd, MAX_PATH);
    swprintf(mark, PATH_UNITS, L"%ls", batch(L"mark"));
    wmemset(line, L'x', ARRAYSIZE(line));
    line[most] = L'\0';
    run(&result, prefix(_i), L"-- \"%ls\" %ls", batch(L"mark.bat"), line);
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert(DeleteFileW(mark));
    wcscat(line, L"x");
    run(&result, prefix(_i), L"-- \"%ls\" %ls", batch(L"mark.bat"), line);
    ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    ck_assert_msg(strstr(result.err, "cannot write the command line") != NULL &&
                      strstr(result.err, "mark.bat': Win32 error 206") != NULL,
                  "%s", result.err);
    ck_assert_msg(!DeleteFileW(mark), "it ran");
    assert_nobody_left();
}
END_TEST

START_WIDTH_TEST(a_handle_reaches_what_a_batch_file_starts)
{
    HANDLE event = make_event();

    run(&result, prefix(_i), L"--parent %lu --copy e=%u -- \"%ls\" {e}", GetCurrentProcessId(),
        (unsigned)(UINT_PTR)event, batch(L"signal.bat"));
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert(is_set(event));
    CloseHandle(event);
}
END_TEST

/* Wine hands a batch file everything that is inheritable, if it is left to run one by itself. */
START_TEST(g2_a_batch_file_has_nothing_else)
{
    static struct witness witness;
    STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    HANDLE rubbish = make_event();
    PROCESS_INFORMATION process;
    wchar_t line[2 * PATH_UNITS];

    memset(&witness, 0, sizeof witness);
    make_pipe(&startup.hStdInput, &witness.stdin_write);
    make_pipe(&witness.stdout_read, &startup.hStdOutput);
    startup.hStdError = startup.hStdOutput;
    SetHandleInformation(rubbish, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    SetHandleInformation(startup.hStdInput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    SetHandleInformation(startup.hStdOutput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" -- \"%ls\"", prefix(_i), batch(L"table.cmd"));
    ck_assert(CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process));
    CloseHandle(startup.hStdInput);
    CloseHandle(startup.hStdOutput);
    read_table(&witness);
    witness.child.hProcess = OpenProcess(PROCESS_DUP_HANDLE, FALSE, witness.process_id);
    for (DWORD i = 0; i < witness.has_count; i++)
        ck_assert(!child_number_is(&witness, witness.has[i], rubbish));
    CloseHandle(witness.child.hProcess);
    witness.child = process;
    end_witness(&witness);
    CloseHandle(rubbish);
}
END_TEST

/* ---- lists of arguments ---- */

START_TEST(arguments_arrive_as_they_are)
{
    static const wchar_t *const arguments[] = {
        L"",          L"a b",    L"\"",  L"\\",     L"a\\\\",  L"\\\"",   L"a b\\", L"\"a b\"",    L"\\\\\"x y\\\\",
        L"tab\there", L"\x263a", L"{h}", L"%PATH%", L"a\"\"b", L"&|<>^!", L"",      L"\\\\srv\\s", L"last one"};
    const wchar_t *list[ARRAYSIZE(arguments) + 3] = {program(_i / WIDTH_COUNT, L"child.exe"), L"arguments"};
    struct handoff_request request = request_child(_i % WIDTH_COUNT, _i / WIDTH_COUNT, L"");
    DWORD size, code;
    char *text;
    wchar_t *at;

    for (size_t i = 0; i < ARRAYSIZE(arguments); i++)
        list[i + 2] = arguments[i];
    request.command_line = NULL;
    request.arguments = list;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    at = (wchar_t *)(void *)text;
    for (size_t i = 0; list[i] != NULL; i++) {
        size_t length = wcscspn(at, L"\n");

        ck_assert_msg(length == wcslen(list[i]) && wmemcmp(at, list[i], length) == 0, "argument %u, %s, arrived as %s",
                      (unsigned)i, shown(list[i]), shown(at));
        at += length + 1;
    }
    ck_assert_uint_eq(*at, L'\0');
    free(text);
}
END_TEST

static void assert_batch_refused(int width, const wchar_t *application, const wchar_t *name)
{
    const wchar_t *const arguments[] = {name, L"\"&calc&\"", NULL};
    struct handoff_request request = {.cb = sizeof request,
                                      .application = application,
                                      .arguments = arguments,
                                      .launcher = program(width, L"handoff-launcher.exe")};
    struct handoff_error error;
    PROCESS_INFORMATION child;
    wchar_t text[512];

    ck_assert_msg(!handoff_spawn(&request, &child, &error), "%ls ran", application != NULL ? application : name);
    ck_assert_msg(error.code == ERROR_NOT_SUPPORTED && error.stage == HANDOFF_STAGE_REWRITE, "%ls: stage %lu, code %lu",
                  application != NULL ? application : name, error.stage, error.code);
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_ptr_nonnull(wcsstr(text, L"batch file"));
}

START_TEST(arguments_are_not_for_batch_files)
{
    static const wchar_t *const spellings[] = {L"mark.bat",    L"MARK.BAT", L"mark.bat. .", L"mark.bat ",
                                               L"mark.bat...", L"mark",     L"code two.cmd"};
    static const wchar_t *const paths[] = {L"%ls\\mark.bat\\.", L"%ls\\MARK.BAT/.", L"%ls\\mark.bat\\y\\..",
                                           L"\\\\?\\%ls\\mark.bat"};
    wchar_t was[PATH_UNITS], path[2 * PATH_UNITS];
    const wchar_t *directory = make_batch_directory();

    GetCurrentDirectoryW(PATH_UNITS, was);
    ck_assert(SetCurrentDirectoryW(directory));
    for (size_t i = 0; i < ARRAYSIZE(spellings); i++) {
        assert_batch_refused(_i, NULL, spellings[i]);
        swprintf(path, ARRAYSIZE(path), L"%ls\\%ls", directory, spellings[i]);
        assert_batch_refused(_i, NULL, path);
    }
    for (size_t i = 0; i < ARRAYSIZE(paths); i++) {
        swprintf(path, ARRAYSIZE(path), paths[i], directory);
        assert_batch_refused(_i, path, L"mark");
    }
    ck_assert_msg(!DeleteFileW(L"mark"), "it ran");
    ck_assert(SetCurrentDirectoryW(was));
    assert_nobody_left();
}
END_TEST

Suite *lookup_suite(void)
{
    const TTest *const tests[] = {
        a_program_is_found_as_cmd_finds_it,   g11_what_is_not_found_is_named,   a_batch_file_gets_its_arguments,
        a_batch_file_is_found_as_any_program, g7_the_exit_code_of_a_batch_file, a_line_that_cmd_cannot_take_is_an_error,
        g2_a_batch_file_has_nothing_else,
    };
    Suite *suite = suite_create("programs");
    TCase *tcase = tcase_create("lookup");

    for (size_t i = 0; i < ARRAYSIZE(tests); i++)
        tcase_add_loop_test(tcase, tests[i], 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, a_handle_reaches_what_a_batch_file_starts, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, a_percent_in_the_path_of_a_batch_file_stays, 0, WIDTH_COUNT * ARRAYSIZE(percents));
    tcase_add_loop_test(tcase, arguments_arrive_as_they_are, 0, WIDTH_COUNT * WIDTH_COUNT);
    tcase_add_loop_test(tcase, arguments_are_not_for_batch_files, 0, WIDTH_COUNT);
    suite_add_tcase(suite, tcase);
    return suite;
}
