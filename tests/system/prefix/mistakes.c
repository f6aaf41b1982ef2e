/* A command line that makes no sense gets one line and an exit code of its own (G11). */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* ---- in a line ---- */

static const struct {
    const wchar_t *line;
    DWORD exit_code;
    const char *says; /* what and where */
} mistakes[] = {
    {L"", EXIT_HANDOFF, "no command"},
    {L"--", EXIT_HANDOFF, "no command"},
    {L"--  ", EXIT_HANDOFF, "no command"},
    {L"--trace", EXIT_HANDOFF, "no command"},
    {L"cmd /c exit", EXIT_HANDOFF, "'cmd'"},
    {L"--rea a=b -- cmd", EXIT_HANDOFF, "'--rea'"},
    {L"--read", EXIT_HANDOFF, "'--read'"},
    {L"--read a -- cmd", EXIT_HANDOFF, "'a'"},
    {L"--read =a -- cmd", EXIT_HANDOFF, "''"},
    {L"--read a=no\\such\\file -- cmd {a}", EXIT_HANDOFF, "'no\\such\\file'"},
    {L"--read a=no:such:file -- cmd {a}", EXIT_HANDOFF, "'no:such:file'"},
    {L"--read \"a b=C:\\windows\\win.ini\" -- cmd", EXIT_HANDOFF, "'a b'"},
    {L"--read a=C:\\windows\\win.ini --read a=C:\\windows\\win.ini -- cmd {a}", EXIT_HANDOFF, "'a'"},
    {L"--read a=C:\\windows\\win.ini -- cmd", EXIT_HANDOFF, "'a'"},
    {L"--stdin nobody -- cmd", EXIT_HANDOFF, "'nobody'"},
    {L"--stdin a --stdin a --read a=C:\\windows\\win.ini -- cmd", EXIT_HANDOFF, "'--stdin'"},
    {L"-- no-such-program", EXIT_NOT_FOUND, "'no-such-program'"},
    {L"-- nul", EXIT_NOT_FOUND, "'nul'"},
    {L"-- con x", EXIT_NOT_FOUND, "'con'"},
    {L"-- NUL.exe", EXIT_NOT_FOUND, "'NUL.exe'"},
    {L"-- C:\\windows\\nul", EXIT_NOT_FOUND, "'C:\\windows\\nul'"},
    {L"-- C:\\no\\such\\program.exe", EXIT_NOT_FOUND, "'C:\\no\\such\\program.exe'"},
    {L"-- C:\\windows\\win.ini", EXIT_CANNOT_RUN, "'C:\\windows\\win.ini'"},
};

START_TEST(g11_a_mistake_gets_one_line)
{
    const char *end;

    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls", mistakes[_i].line);
    ck_assert_uint_eq(result.exit_code, mistakes[_i].exit_code);
    ck_assert_str_eq(result.out, "");
    ck_assert_msg(strncmp(result.err, "handoff: ", 9) == 0 && strstr(result.err, mistakes[_i].says) != NULL, "%s",
                  result.err);
    end = strstr(result.err, "\r\n");
    ck_assert_msg(end != NULL && end[2] == '\0', "not one line: %s", result.err);
    assert_nobody_left();
}
END_TEST

/* What is wrong is found before a file is emptied. */
START_TEST(g11_a_mistake_loses_nothing)
{
    static const wchar_t *const tails[] = {L"--sdtout log -- cmd {log}", L"", L"-- cmd {lgo}",
                                           L"--read log=x -- cmd {log}", L"--stdin nobody -- cmd {log}"};
    const wchar_t *path = file_path(L"kept");
    wchar_t line[1024];

    write_file(path, "precious");
    for (size_t i = 0; i < ARRAYSIZE(tails); i++) {
        swprintf(line, ARRAYSIZE(line), L"--write \"log=%ls\" %ls", path, tails[i]);
        run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls", line);
        ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    }
    assert_file(path, "precious");
    ck_assert(DeleteFileW(path));
}
END_TEST

/* ---- in a batch file ---- */

static const struct {
    const char *options, *says;
} senseless[] = {
    {"--detach --timeout 1s", "--detach"},
    {"--detach --relay", "--detach"},
    {"--detach --kill-on-exit", "--detach"},
    {"--connect x=127.0.0.1 --stdin x", "not HOST:PORT: '127.0.0.1'"},
    {"--listen x=8080 --stdin x", "not HOST:PORT: '8080'"},
    {"--listen x=localhost:8080x --stdin x", "not HOST:PORT: 'localhost:8080x'"},
    {"--connect x=localhost:0x --stdin x", "not HOST:PORT: 'localhost:0x'"},
    {"--connect x=localhost:-1 --stdin x", "not HOST:PORT: 'localhost:-1'"},
    {"--read x= --stdin x", "no path for the name 'x'"},
    {"--pipe x= --stdin x", "no path for the name 'x'"},
    {"--stdin", "needs a value: '--stdin'"},
    {"--dir", "needs a value: '--dir'"},
    {"--fd 3=x --fd 3=x --read x=y", "the descriptor is given twice: '3'"},
    {"--env A=1 --env A=2", "the variable is given twice: 'A=2'"},
    {"--env A=1 --unset a", "the variable is given twice: 'a'"},
    {"--detach --wait-tree", "--detach"},
    {"--detach --tee x", "--detach"},
    {"--timeout .", "'.'"},
    {"--timeout 1.s5", "'1.s5'"},
    {"--timeout 49.8d", "'49.8d'"},
    {"--tee=", "needs a value: '--tee'"},
    {"--lock \"\"", "needs a value: '--lock'"},
    {"--listen x=127.0.0.1: --stdin x", "not HOST:PORT: '127.0.0.1:'"},
    {"--listen x=127.0.0.1:65536 --stdin x", "not HOST:PORT: '127.0.0.1:65536'"},
    {"--listen x=127.0.0.1:4294967296 --stdin x", "not HOST:PORT: '127.0.0.1:4294967296'"},
    {"--semaphore x=name,many --stdin x", "not a number after the comma: 'name,many'"},
    {"--semaphore x=name,2147483648 --stdin x", "not a number after the comma: 'name,2147483648'"},
    {"--mapping x=name,9223372036854775808 --stdin x", "not a number after the comma: 'name,9223372036854775808'"},
    {"--read stdout=x --stdin stdout", "handoff's own streams have that name already: 'stdout'"},
    {"--lock x --detach", "--lock is held while handoff waits"},
    {"--lock x --parent %PID% --report 4", "--lock is held while handoff waits"},
    {"--wait soon", "'soon'"},
    {"--relay --stdout stderr --fd 3=stdout", "from elsewhere: 'stdout'"},
    {"--relay --stderr \"\" --fd 3=stderr", "from elsewhere: 'stderr'"},
    {"--tee NUL --stdout stderr --fd 3=stdout", "from elsewhere: 'stdout'"},
    {"--relay --read x=NUL --stdout x --stderr x", "nothing to pass on"},
    {"--tee no\\such\\file --stdout \"\" --stderr \"\"", "nothing to pass on"},
    {"--tee-append no\\such\\file --stdout stderr --stderr stdout", "nothing to pass on"},
    {"--listen w=127.0.0.1:0 --env P={w.port}", "{NAME.port} is only its port"},
    {"--process x=4294967300 --stdin x", "not a process id: '4294967300'"},
    {"--process x=me --stdin x", "not a process id: 'me'"},
    {"--handle x=-1 --stdin x", "not the number of a handle: '-1'"},
    {"--handle x= --stdin x", "not the number of a handle: ''"},
    {"--read y=missing --stdin y --process x=me --stdout x", "not a process id: 'me'"}, /* before anything is opened */
    {"--timeout abc", "'abc'"},
    {"--timeout -1", "'-1'"},
    {"--timeout 5x", "'5x'"},
    {"--timeout 5ss", "'5ss'"},
    {"--timeout \"5 s\"", "'5 s'"},
    {"--timeout \"\"", "''"},
    {"--timeout ms", "'ms'"},
    {"--timeout 4294968s", "'4294968s'"},
    {"--timeout 1s --timeout 1s", "'--timeout'"},
    {"--timeout 41d", "at most 40d, not '41d' (--timeout)"},
    {"--wait 3456000001ms", "at most 40d, not '3456000001ms' (--wait)"},
    {"--read x", "expected NAME=VALUE, not 'x' (--read)"},
    {"--env =x", "expected VARIABLE=TEXT, not '=x' (--env)"},
    {"--unset A=x", "expected a variable, not 'A=x' (--unset)"},
    {"--fd x=3", "expected NUMBER=NAME, not 'x=3' (--fd)"},
    {"--listen x=8080 --stdin x", "not HOST:PORT: '8080' (--listen): :8080?"},
    {"--connect x=80 --stdin x", "not HOST:PORT: '80' (--connect): :80?"},
    {"--connect x=65536 --stdin x", "not HOST:PORT: '65536' (--connect)\r\n"},
    {"--mapping x=,0 --stdin x", "a mapping has at least 1 byte: ',0' (--mapping)"},
    {"--mapping x= --stdin x", "a mapping without a name needs a size, OBJECT,BYTES: '' (--mapping)"},
    {"--semaphore x=y,0 --stdin x", "a semaphore counts at least to 1: 'y,0' (--semaphore)"},
    {"--code x", "not an exit code: 'x' (--code)"},
    {"--code 4294967296", "not an exit code: '4294967296' (--code)"},
    {"--stdin msg.txt", "declares: 'msg.txt' (--stdin): --read \"in=msg.txt\" --stdin in?"},
    {"--stdout msg.txt", "declares: 'msg.txt' (--stdout): --write \"out=msg.txt\" --stdout out?"},
    {"--stderr \"a b\"", "declares: 'a b' (--stderr): --write \"err=a b\" --stderr err?"},
    {"--write logs=x --stdout log", "declares: 'log' (--stdout): logs?"},
    {"--write log=x --fd 3=lgo", "declares: 'lgo' (--fd): log?"},
    {"--write log=x --sealed lgo --stdout log", "no option declares the name 'lgo' (--sealed): log?"},
    {"--read x=y --stdin sdtin", "declares: 'sdtin' (--stdin): stdin?"},
    {"--relay --relay", "'--relay'"},
    {"--trace --trace=yaml", "'--trace=yaml'"},
};

/* As cmd.exe would hand it on. */
static void run_options(const char *options)
{
    wchar_t line[512], expanded[512];

    swprintf(line, ARRAYSIZE(line), L"%hs", options);
    ck_assert(ExpandEnvironmentStringsW(line, expanded, ARRAYSIZE(expanded)) <= ARRAYSIZE(expanded));
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls", expanded);
}

START_TEST(what_makes_no_sense_is_one_line)
{
    for (size_t i = 0; i < ARRAYSIZE(senseless); i++) {
        char options[256];

        snprintf(options, sizeof options, "%s -- no-such-program", senseless[i].options);
        run_options(options);
        ck_assert_msg(result.exit_code == EXIT_HANDOFF && result.out[0] == '\0', "%s: %lu, '%s'", senseless[i].options,
                      result.exit_code, result.out);
        assert_one_line(result.err);
        ck_assert_msg(strstr(result.err, senseless[i].says) != NULL, "%s: %s", senseless[i].options, result.err);
    }
}
END_TEST

static const struct {
    const char *word, *nearest;
} misspelt[] = {
    {"--raed", "--read"},
    {"--rea", "--read"},
    {"--writee", "--write"},
    {"--stdotu", "--stdout"},
    {"--tiemout", "--timeout"},
    {"--kill-on-exti", "--kill-on-exit"},
    {"--lisen", "--listen"},
    {"--semafore", "--semaphore"},
    {"--trace=jsn", "--trace=json"},
    {"--dryrun", "--dry-run"},
    {"--detatch", "--detach"},
    {"--raed=x=y", "--read"},
    {"--relay=1", "--relay"},
    {"--something-else", NULL},
    {"--z", NULL},
    {"--cwd", "--dir"},
    {"--cwd=.", "--dir"},
    {"--chdir", "--dir"},
    {"-C", "--dir"},
    {"--kill", "--kill-on-exit"},
    {"-E", "--code"},
    {"-q", "--quiet"},
    {"--silent", "--quiet"},
    {"--background", "--detach"},
    {"--input=x", "--read"},
    {"-n", "--dry-run"},
    {"--qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", NULL},
};

START_TEST(a_misspelt_option_is_told_the_nearest)
{
    for (size_t i = 0; i < ARRAYSIZE(misspelt); i++) {
        char says[256], options[256];

        snprintf(options, sizeof options, "%s x -- cmd /c echo", misspelt[i].word);
        run_options(options);
        if (misspelt[i].nearest != NULL)
            snprintf(says, sizeof says, "handoff: there is no option '%s': %s?\r\n", misspelt[i].word,
                     misspelt[i].nearest);
        else
            snprintf(says, sizeof says, "handoff: there is no option '%s'\r\n", misspelt[i].word);
        ck_assert_str_eq(result.err, says);
    }
}
END_TEST

/* ---- --quiet ---- */

static const struct {
    const char *rest;
    DWORD exit_code;
} quiet[] = {
    {"-- no-such-program", EXIT_NOT_FOUND},
    {"--read x=missing -- cmd {x}", EXIT_HANDOFF},
    {"--timeout 100ms -- \"%CHILD%\" hold 4", 124},
    {"--parent 4 --steal x=4 -- cmd {x}", EXIT_HANDOFF},
    {"-- \"%CHILD%\" exit 7", 7},
};

START_TEST(with_quiet_there_is_only_the_code)
{
    char options[256];

    snprintf(options, sizeof options, "--quiet %s", quiet[_i].rest);
    run_options(options);
    ck_assert_uint_eq(result.exit_code, quiet[_i].exit_code);
    ck_assert_str_eq(result.err, "");
}
END_TEST

START_TEST(quiet_hides_neither_mistakes_nor_traces)
{
    run_options("--quiet --stdin nobody -- cmd /c exit 7");
    ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    assert_one_line(result.err);
    run_options("--quiet --trace -- cmd /c exit 7");
    ck_assert_uint_eq(result.exit_code, 7);
    ck_assert_ptr_nonnull(strstr(result.err, "handoff: exit code 7 (exited)"));
}
END_TEST

/* %~dp0 ends with a backslash. Where that does not work, the error says what does. */
START_TEST(a_path_ends_where_it_seems_to)
{
    static const char swallowed[] =
        "handoff: the -- before the command is in the value of this option: a quote is missing, or comes behind a \\ "
        "(write \"%~dp0.\" for \"%~dp0\"): '--env'\r\n";
    const char *second;

    run_batch("\"%HANDOFF%\" --dir \"%~dp0\" -- cmd /c cd\n"
              "\"%HANDOFF%\" --dir=\"%~dp0\" -- cmd /c \"cd & rem a b\"\n"
              "\"%HANDOFF%\" --env \"ROOT=%~dp0.\" -- cmd /c echo done\n");
    second = strchr(result.out, '\n');
    ck_assert_msg(second != NULL && strlen(result.out) == 2 * (size_t)(second + 1 - result.out) + 6 &&
                      strncmp(second + 1, result.out, (size_t)(second + 1 - result.out)) == 0 &&
                      strcmp(last_line(result.out), "done\r\n") == 0,
                  "%s %s", result.out, result.err);
    run_batch("\"%HANDOFF%\" --env \"ROOT=%~dp0\" -- cmd /c echo done\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --env \"ROOT=%~dp0\" -- cmd /c \"echo done\"\n");
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_msg(strncmp(result.err, swallowed, strlen(swallowed)) == 0 &&
                      strcmp(result.err + strlen(swallowed), swallowed) == 0,
                  "%s", result.err);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told_what_it_is)
{
    static const char whose[] = "; that is the PATH of handoff, and not the one which --env gives the command\r\n";

    run_batch("\"%HANDOFF%\" -- echo hello\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "127\r\n");
    assert_one_line(result.err);
    ck_assert_ptr_nonnull(strstr(result.err, "'echo': Win32 error 2: "));
    ck_assert_ptr_nonnull(strstr(result.err, "(it is a command of cmd.exe itself: put cmd /c before it)\r\n"));
    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), in_directory(L"only-here.exe"), FALSE));
    run_batch("\"%HANDOFF%\" --env \"path=%DIR%;%PATH%\" -- only-here exit 0\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "127\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strcmp(strchr(result.err, ';'), whose) == 0, "%s", result.err);
    run_batch("\"%HANDOFF%\" --dry-run --env \"PATH=%DIR%\" -- only-here exit 0\n");
    ck_assert_msg(strcmp(strchr(result.err, ';'), whose) == 0, "%s", result.err);
    run_batch("\"%HANDOFF%\" --env \"PATH=%DIR%\" -- no\\such exit 0\n");
    ck_assert_msg(strchr(result.err, ';') == NULL, "%s", result.err);
    run_batch("\"%HANDOFF%\" -- \"\"\necho %errorlevel%\n");
    ck_assert_ptr_nonnull(strstr(result.err, "cannot find the program '': "));
}
END_TEST

Suite *mistakes_suite(void)
{
    const struct listed_test in_a_line[] = {
        {g11_a_mistake_gets_one_line, "mistakes in a line", ARRAYSIZE(mistakes)},
        {g11_a_mistake_loses_nothing, "mistakes in a line", 1},
    };
    const struct listed_test in_batch_files[] = {
        {what_makes_no_sense_is_one_line, "mistakes in batch files", 1},
        {a_misspelt_option_is_told_the_nearest, "mistakes in batch files", 1},
        {with_quiet_there_is_only_the_code, "mistakes in batch files", ARRAYSIZE(quiet)},
        {quiet_hides_neither_mistakes_nor_traces, "mistakes in batch files", 1},
        {a_path_ends_where_it_seems_to, "mistakes in batch files", 1},
        {a_program_that_is_not_there_is_told_what_it_is, "mistakes in batch files", 1},
    };
    Suite *suite = console_suite("mistakes", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
