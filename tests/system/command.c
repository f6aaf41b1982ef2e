/* handoff.exe, as a batch file sees it: a command line in, streams and an exit code out. And that a command line is
 * the same behind it as without. */
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* A long line tries as much as a hundred short ones, and costs the same two processes; the short ones try more ends. */
enum { RANDOM_THREADS = 4, RANDOM_LINES = 20 /* of each thread */, SHORT_LINE = 60, LONG_LINE = 8000 };

static struct result result;

static void run_handoff(const wchar_t *line)
{
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls", line);
}

static void run_child(const wchar_t *options, const wchar_t *arguments)
{
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"%ls -- \"%ls\" %ls", options, program(OWN_WIDTH, L"child.exe"),
        arguments);
}

static void assert_file(const wchar_t *path, const char *text)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    char content[256];

    ck_assert(file != INVALID_HANDLE_VALUE);
    read_all(file, content, sizeof content);
    ck_assert_str_eq(content, text);
    ck_assert(DeleteFileW(path));
}

/* ---- G6 ---- */

static const wchar_t nasty[] =
    L"{}{}:x\"\"\\\\  \t%%^&|<>()!,;='`~ab1-_./*?[]\x00e9\x263a\xd800\xdc00\xd83d\xfffe\x007f";

static void make_nasty(wchar_t *to, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        to[i] = nasty[random_below(ARRAYSIZE(nasty) - 1)];
    to[length] = L'\0';
}

/* One thread's: the prefix and the line that it sends, what came of it, and what was wrong with that. */
struct sender {
    HANDLE thread;
    const wchar_t *prefix;
    wchar_t sent[LINE_UNITS];
    struct result result;
    char trouble[2048];
};

static void make_line(struct sender *sender, uint32_t length)
{
    wchar_t *line = sender->sent;

    line += swprintf(line, LINE_UNITS, L"\"%ls\" line ", program(OWN_WIDTH, L"child.exe"));
    make_nasty(line, length);
}

static void compare(struct sender *sender)
{
    const wchar_t *sent = sender->sent, *came = (const wchar_t *)(const void *)sender->result.out;
    size_t same = 0;

    while (sent[same] != L'\0' && sent[same] == came[same])
        same++;
    if (sent[same] != came[same] || sender->result.out_size != wcslen(sent) * sizeof *sent)
        snprintf(sender->trouble, sizeof sender->trouble, "at unit %u of %u: sent %s, arrived %s", (unsigned)same,
                 (unsigned)wcslen(sent), shown(sent + same), shown(came + same));
}

static void check_verbatim(struct sender *sender)
{
    static const wchar_t options[] = L"-- ";
    static __thread wchar_t line[LINE_UNITS];
    const struct result *came = &sender->result;
    BOOL ran = FALSE;

    swprintf(line, LINE_UNITS, L"%ls", options);
    wcscat(line, sender->sent);
    for (int tries = 0; tries < START_TRIES && !ran; tries++)
        ran = try_run(&sender->result, sender->prefix, line) && strstr(came->err, "Win32 error 1359") == NULL;
    if (!ran) {
        snprintf(sender->trouble, sizeof sender->trouble, "the prefix does not start: error %lu", GetLastError());
        return;
    }
    if (came->exit_code != 0)
        snprintf(sender->trouble, sizeof sender->trouble, "%lu: %s after %s", came->exit_code, came->err,
                 shown(sender->sent));
    else
        compare(sender);
}

static CRITICAL_SECTION random_lock;

static DWORD WINAPI send_random_lines(void *argument)
{
    struct sender *sender = argument;

    for (int i = 0; i < RANDOM_LINES && sender->trouble[0] == '\0'; i++) {
        EnterCriticalSection(&random_lock);
        make_line(sender, random_below(i % 2 == 0 ? SHORT_LINE : LONG_LINE));
        LeaveCriticalSection(&random_lock);
        check_verbatim(sender);
    }
    return 0;
}

/* Each with a thread of its own. */
static void send_beside_each_other(struct sender senders[RANDOM_THREADS])
{
    InitializeCriticalSection(&random_lock);
    for (int i = 0; i < RANDOM_THREADS; i++)
        senders[i].thread = CreateThread(NULL, 0, send_random_lines, &senders[i], 0, NULL);
    for (int i = 0; i < RANDOM_THREADS; i++) {
        ck_assert(WaitForSingleObject(senders[i].thread, INFINITE) == WAIT_OBJECT_0);
        ck_assert_str_eq(senders[i].trouble, "");
        CloseHandle(senders[i].thread);
    }
}

START_TEST(g6_random_lines_arrive_verbatim)
{
    static struct sender senders[RANDOM_THREADS];

    for (int i = 0; i < _i; i++) /* other lines for each width */
        random_next();
    for (int i = 0; i < RANDOM_THREADS; i++)
        senders[i].prefix = program(_i, L"handoff.exe");
    send_beside_each_other(senders);
}
END_TEST

START_TEST(g6_long_lines_arrive_verbatim)
{
    static struct sender sender;

    sender.prefix = program(_i, L"handoff.exe");
    make_line(&sender, 32000);
    check_verbatim(&sender);
    ck_assert_str_eq(sender.trouble, "");
}
END_TEST

/* ---- G6 through cmd.exe ---- */

enum { BATCH_LINES = 16, BATCH_TEXT = 1 << 16 };

/* What a batch file's line may have after the program: every way in which cmd.exe reads characters as
 * something else. What would end or redirect the command is quoted or has a caret. */
static void append_tail(char *to)
{
    static const char *const plain[] = {"a",      "b c",   " ",    "  ",   "^^",       "^&",   "^|",   "^<^>",
                                        "^(^)",   "%%",    "%HT%", "%1",   "%~2",      "!HT!", "^!",   "!",
                                        "{a}",    "{{h}}", "\\",   "\\\\", "=",        ",;",   "\"\"", "\t",
                                        "%%HT%%", "^%%",   "~*?",  "'`",   "%HT:b=x%", "[@]"};
    static const char *const quoted[] = {"&", "|", "<>", "^",   "^^", "()", "%%", "%HT%", "a b", "!HT!",
                                         "!", " ", "\\", "{h}", "&&", "||", "%1", "=",    ",;",  ">nul"};

    for (uint32_t parts = random_below(30); parts > 0; parts--) {
        if (random_below(3) > 0) {
            strcat(to, plain[random_below(ARRAYSIZE(plain))]);
            continue;
        }
        strcat(to, "\"");
        for (uint32_t i = random_below(5); i > 0; i--)
            strcat(to, quoted[random_below(ARRAYSIZE(quoted))]);
        strcat(to, "\"");
    }
    strcat(to, "\r\n");
}

/* Each line twice: as it is, and behind the prefix. Some are called, and some read once more for their
 * exclamation marks. */
static void make_batch(char *text, const wchar_t *prefix)
{
    strcpy(text, "@echo off\r\nset HT=v b\r\n");
    for (int i = 0; i < BATCH_LINES; i++) {
        char tail[1024] = "";
        const char *call = random_below(3) == 0 ? "call " : "";

        if (i == BATCH_LINES / 2)
            strcat(text, "setlocal enabledelayedexpansion\r\n");
        append_tail(tail);
        sprintf(text + strlen(text), "%s\"%ls\" note %s", call, program(OWN_WIDTH, L"child.exe"), tail);
        sprintf(text + strlen(text), "%s\"%ls\" -- \"%ls\" note %s", call, prefix, program(OWN_WIDTH, L"child.exe"),
                tail);
        ck_assert_uint_lt(strlen(text), BATCH_TEXT - 4096);
    }
}

/* The line at *at without its line break; *at goes on to the next. */
static wchar_t *cut_line(wchar_t **at)
{
    wchar_t *line = *at;
    size_t length = wcscspn(line, L"\n");

    *at += length + (line[length] != L'\0');
    line[length] = L'\0';
    return line;
}

START_TEST(g6_cmd_reads_a_line_behind_a_prefix_as_without)
{
    static char text[BATCH_TEXT];
    const wchar_t *path = file_path(L"lines.bat");
    wchar_t *at;
    int count = 0;

    for (int i = 0; i <= _i; i++) /* another batch for each */
        make_batch(text, program(_i, L"handoff.exe"));
    write_file(path, text);
    /* cmd.exe has a message of its own for a program that Wine failed to start. */
    for (int tries = 0; tries < START_TRIES && (tries == 0 || result.err[0] != '\0'); tries++)
        run(&result, L"C:\\windows\\system32\\cmd.exe", L"/d /s /c \"\"%ls\" one \"two three\"\"", path);
    for (at = (wchar_t *)(void *)result.out; *at != L'\0'; count++) {
        wchar_t *plain = cut_line(&at), *behind = cut_line(&at);

        ck_assert_msg(wcscmp(plain, behind) == 0, "line %d: plain %s, behind the prefix %s; %s", count, shown(plain),
                      shown(behind), result.err);
    }
    ck_assert_msg(count == BATCH_LINES, "%d lines; %s", count, result.err);
    ck_assert_str_eq(result.err, "");
    DeleteFileW(path);
}
END_TEST

START_TEST(g6_placeholders_and_their_neighbours)
{
    const wchar_t *path = file_path(L"in");
    wchar_t options[512], expected[512];
    unsigned number, hex;

    write_file(path, "content");
    swprintf(options, ARRAYSIZE(options), L"--read cfg=\"%ls\"", path);
    run_child(options, L"line {cfg} {cfg:x} {{cfg}} {cfgs} {\"cfg\":{cfg}} {0e9d3a4c-aaaa}");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_int_eq(swscanf(wcsstr((wchar_t *)(void *)result.out, L"line "), L"line %u %x", &number, &hex), 2);
    ck_assert_uint_eq(number, hex);
    swprintf(expected, ARRAYSIZE(expected), L"line %u %x {cfg} {cfgs} {\"cfg\":%u} {0e9d3a4c-aaaa}", number, number,
             number);
    ck_assert_int_eq(wcscmp(wcsstr((wchar_t *)(void *)result.out, L"line "), expected), 0);
    DeleteFileW(path);
}
END_TEST

/* ---- what the options open ---- */

START_TEST(read_gives_a_file)
{
    const wchar_t *path = file_path(L"in");
    wchar_t options[512];

    write_file(path, "content");
    swprintf(options, ARRAYSIZE(options), L"--read \"cfg=%ls\"", path);
    run_child(options, L"read {cfg}");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_str_eq(result.out, "content");
    ck_assert_str_eq(result.err, "");
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(write_empties_a_file)
{
    const wchar_t *path = file_path(L"out");
    wchar_t options[512];

    write_file(path, "much longer than what comes");
    swprintf(options, ARRAYSIZE(options), L"--write \"o=%ls\"", path);
    run_child(options, L"write {o} new");
    ck_assert_uint_eq(result.exit_code, 0);
    assert_file(path, "new");
}
END_TEST

START_TEST(append_adds_to_a_file)
{
    const wchar_t *path = file_path(L"log");
    wchar_t options[512];

    swprintf(options, ARRAYSIZE(options), L"--append \"log=%ls\"", path);
    run_child(options, L"write {log} one");
    run_child(options, L"write {log} two");
    ck_assert_uint_eq(result.exit_code, 0);
    assert_file(path, "onetwo");
}
END_TEST

START_TEST(files_become_streams)
{
    const wchar_t *in = file_path(L"in"), *out = file_path(L"out");
    wchar_t options[1024];

    write_file(in, "from stdin");
    swprintf(options, ARRAYSIZE(options), L"--stdout o --read \"i=%ls\" --write \"o=%ls\" --stdin i --stderr o", in,
             out);
    run_child(options, L"read {i}");
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert_str_eq(result.out, "");
    assert_file(out, "from stdin");
    DeleteFileW(in);
}
END_TEST

START_TEST(own_streams_are_the_default)
{
    run_child(L"", L"line");
    ck_assert_uint_gt(result.out_size, 0);
    ck_assert_str_eq(result.err, "");
}
END_TEST

/* ---- G11 ---- */

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
    {L"-- C:\\no\\such\\program.exe", EXIT_NOT_FOUND, "'C:\\no\\such\\program.exe'"},
    {L"-- C:\\windows\\win.ini", EXIT_CANNOT_RUN, "'C:\\windows\\win.ini'"},
};

START_TEST(g11_a_mistake_gets_one_line)
{
    const char *end;

    run_handoff(mistakes[_i].line);
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
        run_handoff(line);
        ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    }
    assert_file(path, "precious");
}
END_TEST

START_TEST(help_and_version)
{
    run_handoff(L"--help");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_ptr_nonnull(strstr(result.out, "usage: handoff"));
    run_handoff(L"--version");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_int_eq(strncmp(result.out, "handoff ", 8), 0);
}
END_TEST

Suite *command_suite(void)
{
    Suite *suite = suite_create("command");
    TCase *tcase = tcase_create("command");

    tcase_add_loop_test(tcase, g6_random_lines_arrive_verbatim, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, g6_long_lines_arrive_verbatim, 0, WIDTH_COUNT);
    tcase_add_loop_test(tcase, g6_cmd_reads_a_line_behind_a_prefix_as_without, 0, WIDTH_COUNT);
    tcase_add_test(tcase, g6_placeholders_and_their_neighbours);
    tcase_add_test(tcase, read_gives_a_file);
    tcase_add_test(tcase, write_empties_a_file);
    tcase_add_test(tcase, append_adds_to_a_file);
    tcase_add_test(tcase, files_become_streams);
    tcase_add_test(tcase, own_streams_are_the_default);
    tcase_add_loop_test(tcase, g11_a_mistake_gets_one_line, 0, ARRAYSIZE(mistakes));
    tcase_add_test(tcase, g11_a_mistake_loses_nothing);
    tcase_add_test(tcase, help_and_version);
    suite_add_tcase(suite, tcase);
    return suite;
}
