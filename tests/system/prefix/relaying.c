/* Output that goes through the prefix: --relay and --tee. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* ---- --relay ---- */

/* The command ends right after its last byte, with which the pipe is full. */
START_TEST(relay_loses_nothing)
{
    const DWORD size = (3 << 20) + 12345;
    char *bytes = make_big_file(L"big", size);

    run_batch("\"%HANDOFF%\" --relay --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i} >\"%DIR%\\one\"\n"
              "\"%HANDOFF%\" --relay --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i} | \"%CHILD%\" echo "
              ">\"%DIR%\\two\"\n");
    assert_big_file(L"one", bytes, size);
    assert_big_file(L"two", bytes, size);
    free(bytes);
}
END_TEST

START_TEST(relay_keeps_the_order_of_streams_that_are_one)
{
    static char lines[8192];
    char *end = lines, *with, *without;

    for (int i = 0; i < 60; i++)
        end += sprintf(end, "echo out %d\necho err %d 1>&2\n", i, i);
    write_batch(L"both.bat", lines);
    run_batch("cmd /c \"%DIR%\\both.bat\" >\"%DIR%\\without\" 2>&1\n"
              "\"%HANDOFF%\" --relay -- \"%DIR%\\both.bat\" >\"%DIR%\\with\" 2>&1\n"
              "type \"%DIR%\\without\"\n"
              "echo ----\n"
              "type \"%DIR%\\with\"\n");
    without = result.out;
    with = strstr(result.out, "----\r\n");
    ck_assert_msg(with != NULL && with != without, "%s %s", result.out, result.err);
    *with = '\0';
    ck_assert_ptr_nonnull(strstr(without, "out 59"));
    ck_assert_ptr_nonnull(strstr(without, "err 59"));
    ck_assert_str_eq(with + 6, without);
}
END_TEST

/* The same, with a second handle of the one stream, which is what 2>&1 makes on Windows. */
START_TEST(relay_keeps_the_order_of_two_handles_of_one_stream)
{
    static char lines[8192], expected[8192], text[8192];
    char *end = lines, *of_expected = expected;
    HANDLE read, write, other, nul;
    PROCESS_INFORMATION handoff;
    wchar_t line[1024];

    for (int i = 0; i < 60; i++) {
        end += sprintf(end, "echo out %d\n>&2 echo err %d\n", i, i);
        of_expected += sprintf(of_expected, "out %d\r\nerr %d\r\n", i, i);
    }
    write_batch(L"both.bat", lines);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" --relay -- \"%ls\"", program(OWN_WIDTH, L"handoff.exe"),
             in_directory(L"both.bat"));
    make_pipe(&read, &write);
    make_pipe(&nul, &other);
    CloseHandle(other);
    ck_assert(
        DuplicateHandle(GetCurrentProcess(), write, GetCurrentProcess(), &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
    ck_assert(start_directly(line, (HANDLE[]){nul, write, other}, 0, &handoff));
    CloseHandle(write);
    CloseHandle(other);
    CloseHandle(nul);
    read_all(read, text, sizeof text);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_eq(finish_child(&handoff), 0);
}
END_TEST

/* Nobody reads until the command has ended. Our pipe then has 4 KiB, handoff 4 to 64 and its pipe the rest of what
 * it holds, 64: with so many bytes the command can end, and there are always some left in the pipe. */
START_TEST(relay_drains_what_the_command_left)
{
    const DWORD size = 73000;
    char *bytes = make_big_file(L"big", size), text[1024], *came = malloc(size + 64);
    struct running running =
        start_batch("\"%HANDOFF%\" --relay --trace=json --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\n", 0);
    HANDLE child;
    DWORD read;

    ck_assert(read_line(running.err, text, sizeof text));
    child = OpenProcess(SYNCHRONIZE, FALSE, number_after(text, "\"child\":"));
    if (child != NULL)
        await_end(child);
    read = read_all(running.out, came, size + 64);
    running.out = NULL;
    ck_assert_msg(read == size && memcmp(came, bytes, size) == 0, "%lu bytes of %lu", read, size);
    CloseHandle(child);
    free(came);
    free(bytes);
    ck_assert_uint_eq(finish_running(&running), 0);
}
END_TEST

/* What is to be passed on when the time is up: more than fits, so that the command is stuck; or little more than what
 * handoff's own pipe holds, so that the command ends and only handoff is stuck. */
static const struct {
    DWORD size, code, exit_code; /* the command's own, if it can end; handoff's */
    const char *says;
} unread[] = {
    {1 << 20, 3, 124,
     "handoff: --timeout: the time is up, so the command and all that it has started were ended: '2s'"},
    {73000, 0, 122, "handoff: cannot write 'stdout': Win32 error 121: "},
    {73000, 3, 3, "handoff: cannot write 'stdout': Win32 error 121: "},
};

/* The end comes, and is said, while the output has a reader that does not read. */
START_TEST(the_time_is_up_though_nobody_reads)
{
    struct running running;
    char text[1024];

    free(make_big_file(L"big", unread[_i].size));
    set_variable(L"CODE", "%lu", unread[_i].code);
    write_batch(L"say.bat", "\"%CHILD%\" read %1\nexit %CODE%\n");
    running = start_batch("\"%HANDOFF%\" --relay --timeout 2s --read \"i=%DIR%\\big\" -- \"%DIR%\\say.bat\" {i}\n"
                          "exit %errorlevel%\n",
                          0);
    await_end(running.process.hProcess);
    ck_assert(read_line(running.err, text, sizeof text));
    ck_assert_msg(strncmp(text, unread[_i].says, strlen(unread[_i].says)) == 0, "%s", text);
    ck_assert_uint_eq(finish_running(&running), unread[_i].exit_code);
    assert_nobody_left();
}
END_TEST

/* There is no thread to be had (tests/faulty/faulty_prefix.c), so nobody else could get stuck with a write. */
START_TEST(the_time_is_up_though_there_is_no_thread)
{
    struct running running;
    char text[1024];

    free(make_big_file(L"big", 73000));
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_THREAD", L"none");
    running = start_batch("\"%HANDOFF%\" --relay --timeout 2s --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\n"
                          "exit %errorlevel%\n",
                          0);
    SetEnvironmentVariableW(L"HANDOFF_THREAD", NULL);
    await_end(running.process.hProcess);
    read_all(running.err, text, sizeof text);
    running.err = NULL;
    ck_assert_msg(strstr(text, "handoff: cannot write 'stdout': Win32 error 1450: ") != NULL, "%s", text);
    ck_assert_uint_eq(finish_running(&running), 1);
    assert_nobody_left();
}
END_TEST

/* What handoff has to say is for a reader that does not read, of a pipe that is full. */
START_TEST(the_time_is_up_though_nobody_hears_it)
{
    struct running running;

    free(make_big_file(L"big", 4096));
    write_batch(L"fill.bat", "\"%CHILD%\" read %1 1>&2\n\"%CHILD%\" hold 0\n");
    running = start_batch("\"%HANDOFF%\" --timeout 2s --read \"i=%DIR%\\big\" -- \"%DIR%\\fill.bat\" {i}\n"
                          "exit %errorlevel%\n",
                          0);
    await_end(running.process.hProcess);
    ck_assert_uint_eq(finish_running(&running), 124);
    assert_nobody_left();
}
END_TEST

/* The command's next write fails, and it can end. */
START_TEST(relay_without_a_reader)
{
    struct running running;
    char byte;
    DWORD size;

    free(make_big_file(L"big", 1 << 20));
    running =
        start_batch("\"%HANDOFF%\" --relay --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\nexit %errorlevel%\n", 0);
    ck_assert(ReadFile(running.out, &byte, 1, &size, NULL) && size == 1);
    ck_assert_uint_eq(finish_running(&running), 1);
    assert_nobody_left();
}
END_TEST

/* In the background somebody writes as fast as it can: what it writes after the end of the command, but for
 * what lay in the pipe then, is not passed on. */
START_TEST(relay_ends_though_the_background_is_busy)
{
    const DWORD big = 16 << 20;
    struct running running;
    HANDLE child;
    char text[1024];
    DWORD size, total = 0;

    free(make_big_file(L"big", big));
    running =
        start_batch("\"%HANDOFF%\" --relay --trace=json --read \"i=%DIR%\\big\" --stdin i -- \"%CHILD%\" family\n", 0);
    ck_assert(read_line(running.err, text, sizeof text));
    child = open_process(number_after(text, "\"child\":"));
    /* The pid of the one that writes comes before, or amid what it writes. */
    ck_assert(ReadFile(running.out, text, 64, &(DWORD){0}, NULL));
    while (find_child_process(L"child.exe", GetProcessId(child)) == 0)
        Sleep(1);
    ck_assert(TerminateProcess(child, 5));
    await_end(child);
    /* Slower than what is written, so that there is always something to pass on. */
    while (ReadFile(running.out, text, 512, &size, NULL) && total < 1 << 20)
        total += size;
    ck_assert_msg(total < 1 << 20, "it goes on");
    CloseHandle(child);
    ck_assert_uint_eq(finish_running(&running), 5);
}
END_TEST

/* Of the command's stdout, if that is handoff's. */
static DWORD type_of_stdout(HANDLE out, const wchar_t *option)
{
    HANDLE event = make_named_event(), nul, trace, process, started_with[4], copy;
    PROCESS_INFORMATION handoff;
    wchar_t line[1024], name[64];
    char text[1024];
    DWORD type;

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls --trace=json --event e=%ls -- \"%ls\" hold {e}",
             program(OWN_WIDTH, L"handoff.exe"), option, name, program(OWN_WIDTH, L"child.exe"));
    make_pipe(&trace, &nul);
    ck_assert(start_directly(line, (HANDLE[]){nul, out, nul}, 0, &handoff));
    CloseHandle(nul);
    ck_assert(read_line(trace, text, sizeof text));
    process = open_process(number_after(text, "\"child\":"));
    await_end(event);
    read_start(process, started_with);
    ck_assert(DuplicateHandle(process, started_with[2], GetCurrentProcess(), &copy, 0, FALSE, DUPLICATE_SAME_ACCESS));
    type = GetFileType(copy);
    TerminateProcess(process, 0);
    finish_child(&handoff);
    CloseHandle(copy);
    CloseHandle(process);
    CloseHandle(trace);
    CloseHandle(event);
    return type;
}

START_TEST(relay_leaves_a_console_alone)
{
    HANDLE console = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                 OPEN_EXISTING, 0, NULL);
    HANDLE file = CreateFileW(in_directory(L"out"), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);

    ck_assert(file != INVALID_HANDLE_VALUE);
    ck_assert_uint_eq(type_of_stdout(file, L"--relay"), FILE_TYPE_PIPE);
    if (is_own_console() || console == INVALID_HANDLE_VALUE)
        skip("the terminal's console is what a child can be given here, and there is no terminal");
    else
        ck_assert_uint_eq(type_of_stdout(console, L"--relay"), FILE_TYPE_CHAR);
    if (!is_own_console() && console != INVALID_HANDLE_VALUE)
        ck_assert_uint_eq(type_of_stdout(console, L"--tee NUL"), FILE_TYPE_PIPE);
    CloseHandle(console);
    CloseHandle(file);
}
END_TEST

/* ---- --tee ---- */

static const char *const tees[] = {"", "--relay", "--timeout 1h", "--wait-tree"};

START_TEST(tee_keeps_the_output_and_the_exit_code)
{
    write_batch(L"both.bat", "echo out 1\n>&2 echo err 1\necho out 2\nexit 7\n");
    write_file(in_directory(L"log"), "longer than what comes, all of it, by far, whatever that is");
    set_variable(L"OPTIONS", "%s", tees[_i]);
    run_batch("\"%HANDOFF%\" %OPTIONS% --tee \"%DIR%\\log\" -- \"%DIR%\\both.bat\" >\"%DIR%\\out\" 2>&1\n"
              "echo %errorlevel%\n");
    assert_out("7\r\n");
    assert_content(L"out", "out 1\r\nerr 1\r\nout 2\r\n");
    assert_content(L"log", "out 1\r\nerr 1\r\nout 2\r\n");
}
END_TEST

/* The output and the exit code pass on. The file is a pipe whose other end goes. */
START_TEST(tee_says_when_its_file_takes_no_more)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);
    struct running running = start_batch("\"%HANDOFF%\" --tee \\\\.\\pipe\\%NAME% -- \"%CHILD%\" echo\n"
                                         "exit %errorlevel%\n",
                                         0);
    char text[1024];
    DWORD size;

    ck_assert(ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    CloseHandle(server);
    ck_assert(WriteFile(running.in, "content", 7, &size, NULL));
    CloseHandle(running.in);
    running.in = NULL;
    read_all(running.out, text, sizeof text);
    ck_assert_str_eq(text, "content");
    read_all(running.err, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, "cannot write '\\\\.\\pipe\\") != NULL && strstr(text, "Win32 error 232") != NULL &&
                      strstr(text, "(--tee)") != NULL,
                  "%s", text);
    running.out = running.err = NULL;
    ck_assert_uint_eq(finish_running(&running), 122);
}
END_TEST

/* Nobody reads the stream, and with so many bytes the command can end nevertheless. */
START_TEST(tee_gets_what_nobody_reads)
{
    const DWORD size = 73000;
    char *bytes = make_big_file(L"big", size), *kept = malloc(size + 1024);
    struct running running = start_batch("\"%HANDOFF%\" --tee \"%DIR%\\log\" --timeout 2s --read \"i=%DIR%\\big\" -- "
                                         "\"%CHILD%\" read {i}\nexit %errorlevel%\n",
                                         0);
    HANDLE file;
    DWORD read;

    await_end(running.process.hProcess);
    ck_assert_uint_eq(finish_running(&running), 122);
    file = CreateFileW(in_directory(L"log"), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    read = read_all(file, kept, size + 1024);
    ck_assert_msg(read > size && memcmp(kept, bytes, size) == 0, "%lu bytes of %lu", read, size);
    ck_assert_msg(strstr(kept + size, "handoff: cannot write 'stdout': Win32 error 121: ") == kept + size, "%s",
                  kept + size);
    free(kept);
    free(bytes);
    assert_nobody_left();
}
END_TEST

/* Nobody reads the file, which is a pipe that holds less. */
START_TEST(the_stream_gets_what_the_file_does_not_take)
{
    const DWORD size = 60000;
    char *bytes = make_big_file(L"big", size), *came = malloc(size + 1024), text[1024];
    HANDLE server = make_pipe_server(PIPE_ACCESS_INBOUND);
    struct running running;
    DWORD read;

    running = start_batch("\"%HANDOFF%\" --tee \\\\.\\pipe\\%NAME% --timeout 2s --read \"i=%DIR%\\big\" -- "
                          "\"%CHILD%\" read {i}\nexit %errorlevel%\n",
                          0);
    read = read_all(running.out, came, size + 1024);
    ck_assert_msg(read == size && memcmp(came, bytes, size) == 0, "%lu bytes of %lu", read, size);
    read_all(running.err, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, "handoff: cannot write '\\\\.\\pipe\\") == text &&
                      strstr(text, "': Win32 error 121: ") != NULL && strstr(text, "(--tee)") != NULL,
                  "%s", text);
    running.out = running.err = NULL;
    ck_assert_uint_eq(finish_running(&running), 122);
    CloseHandle(server);
    free(came);
    free(bytes);
    assert_nobody_left();
}
END_TEST

Suite *relaying_suite(void)
{
    const struct listed_test tests[] = {
        {relay_loses_nothing, "relay", 1},
        {relay_keeps_the_order_of_streams_that_are_one, "relay", 1},
        {relay_keeps_the_order_of_two_handles_of_one_stream, "relay", 1},
        {relay_drains_what_the_command_left, "relay", 1},
        {the_time_is_up_though_nobody_reads, "relay", ARRAYSIZE(unread)},
        {the_time_is_up_though_there_is_no_thread, "relay", 1},
        {the_time_is_up_though_nobody_hears_it, "relay", 1},
        {relay_without_a_reader, "relay", 1},
        {relay_ends_though_the_background_is_busy, "relay", 1},
        {relay_leaves_a_console_alone, "relay", 1},
        {tee_keeps_the_output_and_the_exit_code, "tee in batch files", ARRAYSIZE(tees)},
        {tee_says_when_its_file_takes_no_more, "tee in batch files", 1},
        {tee_gets_what_nobody_reads, "tee in batch files", 1},
        {the_stream_gets_what_the_file_does_not_take, "tee in batch files", 1},
    };

    return console_suite("relaying", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
