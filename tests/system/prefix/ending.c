/* How a command ends, and the prefix with it: its exit code, jobs, times, the keys of a console. */
#include "batch.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* ---- the exit code ---- */

START_TEST(g7_all_32_bits_of_the_exit_code)
{
    static const DWORD codes[] = {0, 1, 125, 126, 127, 259, 0x7fffffff, 0x80000000, 0xc0000005, 0xffffffff};

    int count = _i == OWN_ROW ? (int)ARRAYSIZE(codes) : how_often(ARRAYSIZE(codes), 2);

    /* The last ones above all. */
    for (int i = (int)ARRAYSIZE(codes) - count; i < (int)ARRAYSIZE(codes); i++) {
        run(&result, prefix(_i), L"-- \"%ls\" exit 0x%lx", child(_i), codes[i]);
        ck_assert_uint_eq(result.exit_code, codes[i]);
        ck_assert_str_eq(result.err, "");
    }
}
END_TEST

/* A copy of the child that is a program with windows, as far as Windows is told. */
static const wchar_t *make_gui_child(const wchar_t *path)
{
    const wchar_t *copy = file_path(L"gui.exe");
    const WORD subsystem = IMAGE_SUBSYSTEM_WINDOWS_GUI;
    LONG header = 0;
    DWORD size;
    HANDLE file;

    ck_assert(CopyFileW(path, copy, FALSE));
    file = CreateFileW(copy, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    SetFilePointer(file, offsetof(IMAGE_DOS_HEADER, e_lfanew), NULL, FILE_BEGIN);
    ck_assert(ReadFile(file, &header, sizeof header, &size, NULL));
    SetFilePointer(file, header + (LONG)offsetof(IMAGE_NT_HEADERS, OptionalHeader.Subsystem), NULL, FILE_BEGIN);
    ck_assert(WriteFile(file, &subsystem, sizeof subsystem, &size, NULL));
    CloseHandle(file);
    return copy;
}

START_TEST(a_child_with_windows_is_waited_for)
{
    const wchar_t *path = make_gui_child(child(_i));

    run(&result, prefix(_i), L"-- \"%ls\" exit 0x12345678", path);
    ck_assert_msg(result.exit_code == 0x12345678, "0x%lx: %s", result.exit_code, result.err);
    ck_assert(DeleteFileW(path));
}
END_TEST

/* ---- the job ---- */

/* A child that waits for its own child, which copies stdin to stdout. */
struct kin {
    struct running running;
    HANDLE child, grandchild;
};

static struct kin start_kin(const wchar_t *path, const wchar_t *of_child)
{
    struct kin kin;
    wchar_t line[1024];
    char text[64];
    unsigned long child_id, grandchild_id;

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" family", of_child);
    kin.running = start_running(path, line, NULL, 0, NULL, NULL);
    ck_assert(read_line(kin.running.out, text, sizeof text));
    ck_assert_msg(sscanf(text, "%lu %lu", &child_id, &grandchild_id) == 2, "%s", text);
    kin.child = OpenProcess(SYNCHRONIZE, FALSE, child_id);
    kin.grandchild = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, grandchild_id);
    ck_assert(lives(kin.child) && lives(kin.grandchild));
    return kin;
}

/* After the end of the prefix the grandchild is there, and serves. */
static void finish_kin(struct kin *kin, DWORD exit_code)
{
    char text[64];
    DWORD size, code;

    ck_assert(WriteFile(kin->running.in, "alive", 5, &size, NULL));
    CloseHandle(kin->running.in);
    ck_assert_uint_eq(read_all(kin->running.out, text, sizeof text), 5);
    ck_assert_str_eq(text, "alive");
    ck_assert(comes(kin->grandchild));
    ck_assert(GetExitCodeProcess(kin->grandchild, &code) && code == 0);
    ck_assert(comes(kin->child));
    CloseHandle(kin->running.err);
    CloseHandle(kin->child);
    CloseHandle(kin->grandchild);
    ck_assert_uint_eq(finish_child(&kin->running.process), exit_code);
    assert_nobody_left();
}

/* Silent breakaway: the child ends with the prefix, and what the child has started goes on. */
START_TEST(a_prefix_that_is_killed_takes_the_child_along)
{
    struct kin kin = start_kin(prefix(_i), child(_i));

    ck_assert(TerminateProcess(kin.running.process.hProcess, 77));
    ck_assert_msg(comes(kin.child), "the child goes on");
    finish_kin(&kin, 77);
}
END_TEST

/* What there may be of jobs (tests/faulty/faulty_prefix.c), and whether the child is in that of the prefix all the
 * same. */
static const struct {
    const wchar_t *jobs;
    BOOL in_job;
} old_jobs[] = {{L"no attribute", TRUE}, {L"one job", TRUE}, {L"one job, closed", FALSE}, {L"refused", TRUE}};

START_TEST(where_windows_refuses_the_job_another_way_is_tried)
{
    struct kin kin;

    SetEnvironmentVariableW(L"HANDOFF_JOB", old_jobs[_i / WIDTH_COUNT].jobs);
    kin = start_kin(program(_i % WIDTH_COUNT, L"faulty-prefix.exe"), child(_i));
    SetEnvironmentVariableW(L"HANDOFF_JOB", NULL);
    ck_assert(TerminateProcess(kin.running.process.hProcess, 77));
    if (old_jobs[_i / WIDTH_COUNT].in_job) {
        ck_assert_msg(comes(kin.child), "the child goes on");
    } else {
        ck_assert(comes(kin.running.process.hProcess));
        ck_assert_msg(lives(kin.child), "the child has ended");
    }
    finish_kin(&kin, 77);
}
END_TEST

/* What asks for more than the command itself, where that can be put into no job. */
static const struct {
    const wchar_t *options, *action;
    DWORD exit_code;
    const char *says[2]; /* in one line */
    BOOL runs;
} jobless[] = {
    {L"--kill-on-exit", L"signal", EXIT_HANDOFF, {"Win32 error 5: ", " (--kill-on-exit needs a job for "}, FALSE},
    {L"--wait-tree", L"signal", 0, {"--wait-tree waits for the command alone", ": Win32 error 5: "}, TRUE},
    {L"--timeout 1s", L"hold", 124, {"the command was ended, but not what it has started: '1s'", ""}, TRUE},
    {L"--timeout 1h", L"signal", 0, {"", ""}, TRUE},
    {L"", L"signal", 0, {"", ""}, TRUE},
};

START_TEST(what_needs_a_job_says_that_there_is_none)
{
    int row = _i / WIDTH_COUNT;
    HANDLE event = make_event();
    const char *end;

    SetEnvironmentVariableW(L"HANDOFF_JOB", L"one job, closed");
    run(&result, program(_i % WIDTH_COUNT, L"faulty-prefix.exe"), L"%ls --parent %lu --copy e=%u -- \"%ls\" %ls {e}",
        jobless[row].options, GetCurrentProcessId(), number_of(event), child(_i), jobless[row].action);
    SetEnvironmentVariableW(L"HANDOFF_JOB", NULL);
    ck_assert_msg(result.exit_code == jobless[row].exit_code, "%lu: %s", result.exit_code, result.err);
    end = strstr(result.err, "\r\n");
    ck_assert_msg(strstr(result.err, jobless[row].says[0]) != NULL &&
                      strstr(result.err, jobless[row].says[1]) != NULL && (end == NULL || end[2] == '\0'),
                  "%s", result.err);
    ck_assert_int_eq(end != NULL, jobless[row].says[0][0] != '\0');
    ck_assert_int_eq(is_set(event), jobless[row].runs);
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

/* ---- what the command started ---- */

/* A command that has started another, which copies stdin to stdout for as long as there is stdin; both hang
 * on, and a batch file around them that ends with handoff's exit code. */
struct family {
    struct running running;
    DWORD handoff_id;
    HANDLE child, grandchild;
};

static struct family start_family(const char *options)
{
    struct family family;
    unsigned long child_id, grandchild_id;
    char text[1024];

    set_variable(L"OPTIONS", "%s", options);
    family.running = start_batch("\"%HANDOFF%\" --trace=json %OPTIONS% -- \"%CHILD%\" family\nexit %errorlevel%\n", 0);
    ck_assert(read_line(family.running.err, text, sizeof text));
    family.handoff_id = number_after(text, "\"launcher\":");
    ck_assert(read_line(family.running.out, text, sizeof text));
    ck_assert_msg(sscanf(text, "%lu %lu", &child_id, &grandchild_id) == 2, "%s", text);
    family.child = open_process(child_id);
    family.grandchild = open_process(grandchild_id);
    return family;
}

static void finish_family(struct family *family, DWORD code)
{
    ck_assert_uint_eq(finish_running(&family->running), code);
    await_end(family->child);
    await_end(family->grandchild);
    CloseHandle(family->child);
    CloseHandle(family->grandchild);
    assert_nobody_left();
}

static const struct {
    const char *options;
    BOOL spares, relays;
} endings[] = {
    {"", TRUE, FALSE},
    {"--timeout 1h", TRUE, FALSE},
    {"--relay", TRUE, TRUE},
    {"--relay --timeout 1h", TRUE, TRUE},
    {"--kill-on-exit", FALSE, FALSE},
    {"--kill-on-exit --timeout 1h", FALSE, FALSE},
    {"--kill-on-exit --relay", FALSE, TRUE},
};

/* When the command ends by itself: its code passes, what it left in the background goes on or not, and with
 * --relay the pipeline has ended all the same. */
START_TEST(the_command_ends)
{
    struct family family = start_family(endings[_i].options);
    char text[16];
    DWORD size;

    ck_assert(TerminateProcess(family.child, 5));
    await_end(family.running.process.hProcess);
    if (endings[_i].relays)
        assert_ended(family.running.out);
    if (!endings[_i].spares) {
        await_end(family.grandchild);
    } else {
        ck_assert_msg(lives(family.grandchild), "the background has ended too");
        if (!endings[_i].relays) {
            ck_assert(WriteFile(family.running.in, "alive", 5, &size, NULL));
            ck_assert(ReadFile(family.running.out, text, sizeof text, &size, NULL) && size == 5);
        }
    }
    finish_family(&family, 5);
}
END_TEST

/* On a system that is slow with it (tests/faulty/faulty_prefix.c). Who ends a process says its code; and the program's
 * file can be deleted at once. */
enum { WAYS_TO_END = 4, KINDS_OF_JOB = 3 };

START_TEST(what_was_ended_is_gone)
{
    static const struct {
        const char *options;
        BOOL child_ends;
        DWORD of_tree, exit_code;
    } rows[WAYS_TO_END] = {
        {"--timeout 2s", FALSE, 124, 124},
        {"--timeout 2s --relay", FALSE, 124, 124},
        {"--kill-on-exit", TRUE, ERROR_PROCESS_ABORTED, 5},
        {"--kill-on-exit --relay", TRUE, ERROR_PROCESS_ABORTED, 5},
    };
    static const wchar_t *const jobs[] = {L"slow", L"slow, crowded", L"late"};
    int row = _i % WAYS_TO_END;
    wchar_t copy[MAX_PATH];
    struct family family;
    DWORD code;

    /* It starts itself by a name in the ANSI code page. */
    GetTempPathW(MAX_PATH, copy);
    swprintf(copy + wcslen(copy), 64, L"handoff-test-%lu.exe", GetCurrentProcessId());
    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), copy, FALSE));
    SetEnvironmentVariableW(L"CHILD", copy);
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_JOB", jobs[_i / WAYS_TO_END]);
    family = start_family(rows[row].options);
    SetEnvironmentVariableW(L"HANDOFF_JOB", NULL);
    ck_assert(!rows[row].child_ends || TerminateProcess(family.child, 5));
    await_end(family.running.process.hProcess);
    ck_assert_msg(!lives(family.child) && !lives(family.grandchild), "somebody is still there");
    ck_assert_msg(DeleteFileW(copy), "the program's file: error %lu", GetLastError());
    ck_assert(GetExitCodeProcess(family.grandchild, &code));
    ck_assert_uint_eq(code, rows[row].of_tree);
    finish_family(&family, rows[row].exit_code);
}
END_TEST

/* Nothing in the job ends (tests/faulty/faulty_prefix.c): that is said, also in the file. */
START_TEST(what_does_not_end_is_said)
{
    static const struct {
        const char *options;
        DWORD code;
    } rows[] = {{"--timeout 2s --tee \"%DIR%\\log\"", 124}, {"--kill-on-exit", 5}};
    static char kept[1024];
    struct family family;

    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_JOB", L"stuck");
    family = start_family(rows[_i].options);
    SetEnvironmentVariableW(L"HANDOFF_JOB", NULL);
    ck_assert(rows[_i].code == 124 || TerminateProcess(family.child, 5));
    await_end(family.running.process.hProcess);
    read_all(family.running.err, result.err, sizeof result.err);
    family.running.err = NULL;
    ck_assert_msg(strstr(result.err, "handoff: what was ended has not gone within 5 s") != NULL, "%s", result.err);
    if (rows[_i].code == 124) {
        read_all(CreateFileW(in_directory(L"log"), GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL), kept, sizeof kept);
        ck_assert_msg(strstr(kept, "handoff: what was ended has not gone within 5 s") != NULL, "%s", kept);
    }
    finish_family(&family, rows[_i].code);
}
END_TEST

START_TEST(handoff_is_killed)
{
    static const char *const options[] = {"--kill-on-exit", "--kill-on-exit --relay", "--timeout 1h"};
    struct family family = start_family(options[_i]);
    HANDLE handoff = open_process(family.handoff_id);

    ck_assert(TerminateProcess(handoff, 77));
    await_end(family.child);
    await_end(family.grandchild);
    await_end(family.running.process.hProcess);
    CloseHandle(handoff);
    finish_family(&family, 77);
}
END_TEST

static const char *const waits_for_tree[] = {"--wait-tree", "--wait-tree --relay", "--wait-tree --timeout 1h"};

/* Nothing is open for the prefix to wait for: it looks into the job from time to time
 * (tests/faulty/faulty_prefix.c). */
START_TEST(a_tree_is_waited_for_that_cannot_be_opened)
{
    struct family family;

    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_OPEN", L"nothing");
    family = start_family(waits_for_tree[_i]);
    SetEnvironmentVariableW(L"HANDOFF_OPEN", NULL);
    ck_assert(TerminateProcess(family.child, 5));
    ck_assert_uint_eq(WaitForSingleObject(family.running.process.hProcess, 500), WAIT_TIMEOUT);
    ck_assert(lives(family.grandchild));
    finish_family(&family, 5);
}
END_TEST

/* The command has ended and what it has started works on; the exit code is the command's all the same. */
START_TEST(all_that_the_command_started_is_waited_for)
{
    struct family family = start_family(waits_for_tree[_i]);
    char text[16];
    DWORD size;

    ck_assert(TerminateProcess(family.child, 5));
    await_end(family.child);
    ck_assert(WriteFile(family.running.in, "alive", 5, &size, NULL));
    ck_assert(ReadFile(family.running.out, text, sizeof text, &size, NULL) && size == 5);
    ck_assert_msg(WaitForSingleObject(family.running.process.hProcess, 200) == WAIT_TIMEOUT, "it does not wait");
    ck_assert(lives(family.grandchild));
    finish_family(&family, 5);
}
END_TEST

/* ---- --timeout ---- */

/* Nobody has the output open any more, though stdin goes on. */
START_TEST(the_time_is_up)
{
    static const struct {
        const char *time, *others;
    } options[] = {
        {"1s", ""}, {"1000ms", "--relay"}, {"1", "--kill-on-exit"}, {"0.5s", "--wait-tree"}, {"1.00001s", ""}};
    struct running running;
    char text[1024], expected[256];

    set_variable(L"OPTIONS", "--timeout=%s %s", options[_i].time, options[_i].others);
    running = start_batch("\"%HANDOFF%\" %OPTIONS% -- \"%CHILD%\" family\nexit %errorlevel%\n", 0);
    while (read_line(running.out, text, sizeof text))
        ;
    read_all(running.err, text, sizeof text);
    running.err = NULL;
    snprintf(expected, sizeof expected,
             "handoff: --timeout: the time is up, so the command and all that it has started were ended: '%s'\r\n",
             options[_i].time);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(finish_running(&running), 124);
    assert_nobody_left();
}
END_TEST

START_TEST(the_time_is_not_up)
{
    run_batch("\"%HANDOFF%\" --timeout 600000ms -- \"%CHILD%\" exit 5\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 600s -- \"%CHILD%\" exit 6\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 10m -- \"%CHILD%\" exit 7\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 600 -- \"%CHILD%\" exit 124\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 0 -- \"%CHILD%\" exit 8\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 0.0h -- \"%CHILD%\" exit 9\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --timeout 39.9d -- \"%CHILD%\" exit 10\n"
              "echo %errorlevel%\n");
    assert_out("5\r\n6\r\n7\r\n124\r\n8\r\n9\r\n10\r\n");
}
END_TEST

/* ---- G10 ---- */

/* The child's handler ends the child, and the prefix is there to say with which code. */
static void press_with_prefix(int combination, DWORD event)
{
    wchar_t command[1024];

    swprintf(command, ARRAYSIZE(command), L"\"%ls\" -- \"%ls\" console", prefix(combination), child(combination));
    ck_assert_uint_eq(press(event, command), 1000 + event);
    assert_nobody_left();
}

/* Without a prefix. */
static BOOL can_press(DWORD event)
{
    wchar_t command[1024];

    swprintf(command, ARRAYSIZE(command), L"\"%ls\" console", program(OWN_WIDTH, L"child.exe"));
    return press(event, command) == 1000 + event;
}

START_TEST(g10_ctrl_c_is_the_childs)
{
    press_with_prefix(_i, CTRL_C_EVENT);
}
END_TEST

START_TEST(g10_ctrl_break_is_the_childs)
{
    if (can_press(CTRL_BREAK_EVENT)) {
        for (int i = 0; i < COMBINATIONS; i++)
            press_with_prefix(i, CTRL_BREAK_EVENT);
    } else {
        skip("GenerateConsoleCtrlEvent cannot do Ctrl-Break here, with or without handoff");
    }
}
END_TEST

Suite *ending_suite(void)
{
    const struct listed_test in_a_line[] = {
        {g7_all_32_bits_of_the_exit_code, "ending in a line", COMBINATIONS},
        {a_child_with_windows_is_waited_for, "ending in a line", COMBINATIONS},
        {a_prefix_that_is_killed_takes_the_child_along, "jobs", COMBINATIONS},
        {where_windows_refuses_the_job_another_way_is_tried, "jobs", ARRAYSIZE(old_jobs) * WIDTH_COUNT},
        {what_needs_a_job_says_that_there_is_none, "jobs", ARRAYSIZE(jobless) * WIDTH_COUNT},
        {g10_ctrl_c_is_the_childs, "keys", COMBINATIONS},
        {g10_ctrl_break_is_the_childs, "keys", 1},
    };
    const struct listed_test in_batch_files[] = {
        {the_command_ends, "ending of batch files", ARRAYSIZE(endings)},
        {what_was_ended_is_gone, "ending of batch files", WAYS_TO_END * KINDS_OF_JOB},
        {what_does_not_end_is_said, "ending of batch files", 2},
        {handoff_is_killed, "ending of batch files", 3},
        {all_that_the_command_started_is_waited_for, "ending of batch files", ARRAYSIZE(waits_for_tree)},
        {a_tree_is_waited_for_that_cannot_be_opened, "ending of batch files", ARRAYSIZE(waits_for_tree)},
        {the_time_is_up, "ending of batch files", 5},
        {the_time_is_not_up, "ending of batch files", 1},
    };
    Suite *suite = console_suite("ending", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
