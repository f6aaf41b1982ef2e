/* A command line is the same behind the prefix as without (G6): sent by a program, and read by cmd.exe's own parser. */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* A long line tries as much as a hundred short ones, and costs the same two processes; the short ones try more ends. */
enum { RANDOM_THREADS = 4, SHORT_LINE = 60, LONG_LINE = 8000 };
enum { RANDOM_LINES = sizeof(void *) == 8 ? 188 : 95, FEW_LINES = 20 /* of each thread */ };

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
    int lines;
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

    for (int i = 0; i < sender->lines && sender->trouble[0] == '\0'; i++) {
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
    for (int i = 0; i < RANDOM_THREADS; i++) {
        senders[i].prefix = program(_i, L"handoff.exe");
        senders[i].lines = how_often(RANDOM_LINES, FEW_LINES);
    }
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

enum { BATCH_LINES = 40, FEW_BATCH_LINES = 16, BATCH_TEXT = 1 << 16 };

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
static void make_batch(char *text, const wchar_t *path, int lines)
{
    strcpy(text, "@echo off\r\nset HT=v b\r\n");
    for (int i = 0; i < lines; i++) {
        char tail[1024] = "";
        const char *call = random_below(3) == 0 ? "call " : "";

        if (i == lines / 2)
            strcat(text, "setlocal enabledelayedexpansion\r\n");
        append_tail(tail);
        sprintf(text + strlen(text), "%s\"%ls\" note %s", call, program(OWN_WIDTH, L"child.exe"), tail);
        sprintf(text + strlen(text), "%s\"%ls\" -- \"%ls\" note %s", call, path, program(OWN_WIDTH, L"child.exe"),
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
    int count = 0, lines = how_often(BATCH_LINES, FEW_BATCH_LINES);

    for (int i = 0; i <= _i; i++) /* another batch for each */
        make_batch(text, program(_i, L"handoff.exe"), lines);
    write_file(path, text);
    /* cmd.exe has a message of its own for a program that Wine failed to start. */
    for (int tries = 0; tries < START_TRIES && (tries == 0 || result.err[0] != '\0'); tries++)
        run(&result, L"C:\\windows\\system32\\cmd.exe", L"/d /s /c \"\"%ls\" one \"two three\"\"", path);
    for (at = (wchar_t *)(void *)result.out; *at != L'\0'; count++) {
        wchar_t *plain = cut_line(&at), *behind = cut_line(&at);

        ck_assert_msg(wcscmp(plain, behind) == 0, "line %d: plain %s, behind the prefix %s; %s", count, shown(plain),
                      shown(behind), result.err);
    }
    ck_assert_msg(count == lines, "%d lines; %s", count, result.err);
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
    run_prefixed(options, L"line {cfg} {cfg:x} {{cfg}} {cfgs} {\"cfg\":{cfg}} {0e9d3a4c-aaaa}");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_int_eq(swscanf(wcsstr((wchar_t *)(void *)result.out, L"line "), L"line %u %x", &number, &hex), 2);
    ck_assert_uint_eq(number, hex);
    swprintf(expected, ARRAYSIZE(expected), L"line %u %x {cfg} {cfgs} {\"cfg\":%u} {0e9d3a4c-aaaa}", number, number,
             number);
    ck_assert_int_eq(wcscmp(wcsstr((wchar_t *)(void *)result.out, L"line "), expected), 0);
    DeleteFileW(path);
}
END_TEST

/* ---- a batch file ---- */

/* %RUN% is the child, by itself and with handoff before it: what cmd.exe makes of the rest must be the same,
 * down to the bytes. `expected` is what it should make of it, or NULL where Wine's cmd.exe is known to fail
 * with any program: there && and || after a failure both run, and `call` makes every failure 1. */
static const struct {
    const char *lines, *expected;
} manners[] = {
    {"%RUN% exit 7\necho %errorlevel%\n", "7\r\n"},
    {"%RUN% exit 3\nif errorlevel 3 echo three\nif errorlevel 4 echo four\n", "three\r\n"},
    {"%RUN% exit 0xc0000005\necho %errorlevel%\nif errorlevel 1 echo above\nif not %errorlevel%==0 echo failed\n",
     "-1073741819\r\nfailed\r\n"},
    {"%RUN% exit 0xffffffff\nif errorlevel 1 echo above\nif not %errorlevel%==0 echo failed\n", "failed\r\n"},
    {"%RUN% exit 0 && echo yes\n%RUN% exit 7 && echo yes\n%RUN% exit 0xc0000005 || echo no\n%RUN% exit 7 || echo no\n",
     NULL},
    {"%RUN% exit 0 && echo yes || echo no\n%RUN% exit 7 && echo yes || echo no\n", NULL},
    {"call %RUN% exit 5\necho %errorlevel%\ncall %RUN% exit 0\necho %errorlevel%\n", NULL},
    {"call :part 6\necho %errorlevel%\ngoto :eof\n:part\n%RUN% exit %1\nexit /b %errorlevel%\n", NULL},
    {"if exist \"%DIR%\\in\" %RUN% exit 4\necho %errorlevel%\n", "4\r\n"},
    {"(\n%RUN% note one\n%RUN% note two\n)\n", NULL},
    {"for %%i in (1 2 3) do %RUN% note %%i\n", NULL},
    {"echo piped in| %RUN% echo\n", "piped in\r\n"},
    {"echo through three| %RUN% echo| %RUN% echo| %RUN% echo\n", "through three\r\n"},
    {"%RUN% echo <\"%DIR%\\in\"\n", "content"},
    {"%RUN% note out >\"%DIR%\\redirected\"\ntype \"%DIR%\\redirected\"\ndel \"%DIR%\\redirected\"\n", NULL},
    {"%RUN% exit 2 >>\"%DIR%\\redirected\" 2>&1\necho %errorlevel%\ndel \"%DIR%\\redirected\"\n", "2\r\n"},
    {"for /f \"tokens=1,2\" %%a in ('\"%RUN% echo <in\"') do echo got %%b %%a\n", NULL},
    {"%RUN% arguments \"a b\" c,d;e=f \"\" \"g\"\"h\" i^^j ^& %%k%% !l! {m} \"\\\\\" \"n\\\"\n", NULL},
    {"set \"V=a b\"\n%RUN% note %V% \"%V%\" %V:a=x% %V:~0,1% %DIR%\n", NULL},
    {"setlocal enabledelayedexpansion\nset \"V=a b\"\n%RUN% note !V! \"!V!\" ^^! %V%!V:a=x!\n", NULL},
    {"call \"%DIR%\\wrapper.bat\" note \"a b\" {c} d,e 100%%\necho %errorlevel%\n", NULL},
    {"call \"%DIR%\\wrapper.bat\" exit 9\necho %errorlevel%\n", NULL},
    {"cmd /c \"%DIR%\\wrapper.bat\" exit 9\necho %errorlevel%\n", "9\r\n"},
    {"start /b /wait \"\" %RUN% exit 8\necho %errorlevel%\n", NULL},
    {"chcp 65001 >NUL\n%RUN% note gr\xc3\xbc\xc3\x9f \xe2\x98\xba\n%RUN% exit 3\necho %errorlevel%\n", NULL},
};

static void run_manner(const char *lines, const wchar_t *command)
{
    ck_assert(SetEnvironmentVariableW(L"RUN", command));
    run_batch(lines);
}

START_TEST(a_batch_file_sees_no_difference)
{
    static struct result without;
    wchar_t child[1024], both[2048];
    BOOL same = FALSE;

    write_file(in_directory(L"in"), "content");
    write_batch(L"wrapper.bat", "%RUN% %*\n");
    swprintf(child, ARRAYSIZE(child), L"\"%ls\"", program(OWN_WIDTH, L"child.exe"));
    swprintf(both, ARRAYSIZE(both), L"\"%ls\" -- %ls", program(OWN_WIDTH, L"handoff.exe"), child);
    /* Each may meet Wine's failure to start a process, behind cmd.exe, where run() does not see it. */
    for (int tries = 0; tries < START_TRIES && !same; tries++) {
        run_manner(manners[_i].lines, child);
        without = result;
        run_manner(manners[_i].lines, both);
        same = result.out_size == without.out_size && memcmp(result.out, without.out, result.out_size) == 0;
    }
    ck_assert_msg(same, "%s: without '%s', with '%s' %s", manners[_i].lines, shown((wchar_t *)(void *)without.out),
                  shown((wchar_t *)(void *)result.out), result.err);
    ck_assert_uint_eq(result.exit_code, without.exit_code);
    ck_assert_str_eq(result.err, without.err);
    if (manners[_i].expected != NULL)
        assert_out(manners[_i].expected);
}
END_TEST

/* The options, not only the command, through a file that hands all of its arguments on; and from a variable
 * whose name of a file has blanks and what no code page has. */
START_TEST(a_wrapper_forwards_options)
{
    write_file(in_directory(L"a b \x263a"), "content");
    SetEnvironmentVariableW(L"FILE", in_directory(L"a b \x263a"));
    write_batch(L"wrapper.bat", "\"%HANDOFF%\" %*\n");
    run_batch("call \"%DIR%\\wrapper.bat\" --read \"x=%FILE%\" --fd 3=x --env \"A B=c d\" -- \"%CHILD%\" read {x}\n"
              "setlocal enabledelayedexpansion\n"
              "call \"%DIR%\\wrapper.bat\" --read \"x=!FILE!\" --stdin x -- \"%CHILD%\" echo\n"
              "\"%HANDOFF%\" --read \"x=!FILE!\" -- \"%CHILD%\" read {x}\n");
    assert_out("contentcontentcontent");
}
END_TEST

Suite *lines_suite(void)
{
    const struct listed_test in_a_line[] = {
        {g6_random_lines_arrive_verbatim, "lines verbatim", WIDTH_COUNT},
        {g6_long_lines_arrive_verbatim, "lines verbatim", WIDTH_COUNT},
        {g6_cmd_reads_a_line_behind_a_prefix_as_without, "lines verbatim", WIDTH_COUNT},
        {g6_placeholders_and_their_neighbours, "lines verbatim", 1},
    };
    const struct listed_test in_batch_files[] = {
        {a_batch_file_sees_no_difference, "lines in batch files", ARRAYSIZE(manners)},
        {a_wrapper_forwards_options, "lines in batch files", 1},
    };
    Suite *suite = console_suite("lines", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
