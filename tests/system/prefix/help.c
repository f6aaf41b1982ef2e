/* What the prefix says of itself: --help, --version, --dry-run. */
#include "batch.h"

#include <ctype.h>
#include <string.h>

/* ---- help ---- */

START_TEST(help_and_version)
{
    run(&result, prefix(_i), L"--help");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_ptr_nonnull(strstr(result.out, "usage: handoff"));
    ck_assert_ptr_nonnull(strstr(result.out, "--steal"));
    ck_assert_str_eq(result.err, "");
    run(&result, prefix(_i), L"--version");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_int_eq(strncmp(result.out, "handoff ", 8), 0);
}
END_TEST

static void assert_fits_a_screen(const char *text)
{
    unsigned lines = 0;

    for (const char *line = text; *line != '\0'; lines++) {
        size_t length = strcspn(line, "\r");

        ck_assert_msg(length < 80 && line[length] == '\r' && line[length + 1] == '\n', "%.100s", line);
        line += length + 2;
    }
    ck_assert_uint_ge(lines, 5);
    ck_assert_msg(lines <= 23, "%u lines, and the prompt", lines);
}

static const char *const topics[] = {"", "sources", "sinks", "running", "codes"};

static const char *const option_names[] = {
    "--read",   "--write",        "--append",     "--update", "--pipe",       "--listen",  "--connect",
    "--event",  "--mutex",        "--mapping",    "--handle", "--semaphore",  "--process", "--stdin",
    "--stdout", "--stderr",       "--fd",         "--env",    "--unset",      "--seal",    "--dir",
    "--detach", "--timeout",      "--relay",      "--tee",    "--wait-tree",  "--dry-run", "--trace",
    "=json",    "--kill-on-exit", "--parent",     "--copy",   "--steal",      "--report",  "--lock",
    "--wait",   "--sealed",       "--overlapped", "--extend", "--tee-append", "--quiet",   "--code",
};

START_TEST(help_fits_a_screen_and_leaves_nothing_out)
{
    static char summary[8192], rest[32768];

    rest[0] = '\0';
    for (size_t i = 0; i < ARRAYSIZE(topics); i++) {
        set_variable(L"TOPIC", "%s", topics[i]);
        run_batch("\"%HANDOFF%\" --help %TOPIC%\n");
        ck_assert_uint_eq(result.exit_code, 0);
        ck_assert_str_eq(result.err, "");
        assert_fits_a_screen(result.out);
        ck_assert_msg(i == 0 || strcmp(result.out, summary) != 0, "%s", topics[i]);
        strcat(i == 0 ? summary : rest, result.out);
        ck_assert_ptr_nonnull(i == 0 ? strstr(summary, "usage: handoff") : rest);
        ck_assert_msg(i == 0 || strstr(summary, topics[i]) != NULL, "%s", topics[i]);
    }
    for (size_t i = 0; i < ARRAYSIZE(option_names); i++) {
        ck_assert_msg(strstr(summary, option_names[i]) != NULL, "no %s in the summary", option_names[i]);
        ck_assert_msg(strstr(rest, option_names[i]) != NULL, "no %s in the topics", option_names[i]);
    }
}
END_TEST

START_TEST(help_about_something_else)
{
    run_batch("\"%HANDOFF%\" --help nonsense\n"
              "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_str_eq(result.err, "handoff: help is about sources, sinks, running and codes, not 'nonsense'\r\n");
}
END_TEST

static const struct {
    const char *word, *says;
} asking[] = {{"-h", "usage: handoff "}, {"/?", "usage: handoff "},     {"help", "usage: handoff "},
              {"help codes", "  124 "},  {"-h sinks", "  --fd "},       {"--help=running", "  --timeout "},
              {"-V", "handoff 0"},       {"--read x=y -V", "handoff 0"}};

START_TEST(help_is_where_people_look_for_it)
{
    set_variable(L"WORD", "%s", asking[_i].word);
    run_batch("\"%HANDOFF%\" %WORD%\n");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_str_eq(result.err, "");
    ck_assert_msg(strstr(result.out, asking[_i].says) != NULL, "%s", result.out);
}
END_TEST

/* ---- --dry-run ---- */

START_TEST(a_dry_run_touches_nothing)
{
    write_file(in_directory(L"kept"), "precious");
    run_batch(
        "cd /d \"%DIR%\"\n"
        "\"%HANDOFF%\" --dry-run --write o=kept --update u=fresh --fd 5=u --stdout o --stderr o --stdin \"\" "
        "--listen s=127.0.0.1:1 --read x=missing --env A={u} --unset B --detach --dir . -- cmd \"a b\" {s.port} {s} "
        "{x:x} ^& %%x%%\n"
        "echo %errorlevel%\n");
    for (char *at = strstr(result.out, "program: "); at != NULL && *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at); /* of the system's directory anything may be a capital */
    assert_out("handoff: o: --write 'kept', stdout, stderr\r\n"
               "handoff: u: --update 'fresh', descriptor 5\r\n"
               "handoff: s: --listen '127.0.0.1:1', command line\r\n"
               "handoff: x: --read 'missing', command line\r\n"
               "handoff: --env 'A={u}'\r\n"
               "handoff: --unset 'B'\r\n"
               "handoff: --stdin ''\r\n"
               "handoff: --detach\r\n"
               "handoff: --dir '.'\r\n"
               "handoff: would start: cmd \"a b\" {s.port} {s} {x:x} & %x%\r\n"
               "handoff: program: c:\\windows\\system32\\cmd.exe\r\n"
               "0\r\n");
    assert_content(L"kept", "precious");
    ck_assert_uint_eq(GetFileAttributesW(in_directory(L"fresh")), INVALID_FILE_ATTRIBUTES);
}
END_TEST

START_TEST(a_dry_run_of_a_program_that_is_not_there)
{
    run_batch("\"%HANDOFF%\" --dry-run -- no-such.exe x\n"
              "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "handoff: would start: no-such.exe x\r\n127\r\n");
    assert_one_line(result.err);
    ck_assert_ptr_nonnull(strstr(result.err, "'no-such.exe'"));
}
END_TEST

Suite *help_suite(void)
{
    const struct listed_test in_a_line[] = {
        {help_and_version, "help in a line", WIDTH_COUNT},
    };
    const struct listed_test in_batch_files[] = {
        {help_fits_a_screen_and_leaves_nothing_out, "help in batch files", 1},
        {help_about_something_else, "help in batch files", 1},
        {help_is_where_people_look_for_it, "help in batch files", ARRAYSIZE(asking)},
        {a_dry_run_touches_nothing, "help in batch files", 1},
        {a_dry_run_of_a_program_that_is_not_there, "help in batch files", 1},
    };
    Suite *suite = console_suite("help", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
