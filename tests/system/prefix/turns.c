/* What somebody else has: --lock, and --wait until it is free. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static HANDLE hold(const wchar_t *name)
{
    HANDLE file = CreateFileW(in_directory(name), GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS, 0, NULL);

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "%ls: error %lu", name, GetLastError());
    return file;
}

static DWORD try_to_write(const wchar_t *name)
{
    HANDLE file = CreateFileW(in_directory(name), GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    CloseHandle(file);
    return ERROR_SUCCESS;
}

/* ---- --lock ---- */

/* What the command has started inherits all that the command has, and the lock is not among it. */
START_TEST(the_lock_is_the_commands_alone)
{
    struct running running;
    unsigned long child_id, grandchild_id;
    HANDLE child, grandchild;
    char text[64];

    running = start_batch("\"%HANDOFF%\" --lock \"%DIR%\\lock\" -- \"%CHILD%\" family\nexit %errorlevel%\n", 0);
    ck_assert(read_line(running.out, text, sizeof text));
    ck_assert_int_eq(sscanf(text, "%lu %lu", &child_id, &grandchild_id), 2);
    child = open_process(child_id);
    grandchild = open_process(grandchild_id);
    ck_assert_uint_eq(try_to_write(L"lock"), ERROR_SHARING_VIOLATION);
    ck_assert_msg(!DeleteFileW(in_directory(L"lock")), "who deletes it can make another");
    ck_assert(TerminateProcess(child, 5));
    ck_assert(comes(running.process.hProcess));
    ck_assert_msg(lives(grandchild), "the background has ended too");
    ck_assert_uint_eq(try_to_write(L"lock"), ERROR_SUCCESS);
    ck_assert_uint_eq(finish_running(&running), 5);
    await_end(child);
    CloseHandle(child);
    await_end(grandchild);
    CloseHandle(grandchild);
}
END_TEST

START_TEST(the_lock_of_a_killed_handoff_is_free)
{
    HANDLE read, write, out_read, out_write;
    PROCESS_INFORMATION handoff;
    char byte;
    DWORD size;

    make_pipe(&read, &write);
    make_pipe(&out_read, &out_write);
    handoff = start_prefixed(L"--lock \"%DIR%\\lock\" -- \"%CHILD%\" echo", read, out_write, out_write);
    CloseHandle(read);
    CloseHandle(out_write);
    ck_assert(WriteFile(write, "!", 1, &size, NULL) && ReadFile(out_read, &byte, 1, &size, NULL));
    ck_assert_uint_eq(try_to_write(L"lock"), ERROR_SHARING_VIOLATION);
    ck_assert(TerminateProcess(handoff.hProcess, 7));
    ck_assert_uint_eq(finish_child(&handoff), 7);
    ck_assert_uint_eq(try_to_write(L"lock"), ERROR_SUCCESS);
    CloseHandle(write);
    CloseHandle(out_read);
    assert_nobody_left();
}
END_TEST

/* With so many bytes the command can end though nobody reads, and handoff cannot (batch.c). */
START_TEST(the_lock_is_free_before_all_is_relayed)
{
    struct running running;

    free(make_big_file(L"big", 73000));
    running =
        start_batch("\"%HANDOFF%\" --lock \"%DIR%\\lock\" --relay --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\n"
                    "exit %errorlevel%\n",
                    0);
    while (GetFileAttributesW(in_directory(L"lock")) == INVALID_FILE_ATTRIBUTES ||
           try_to_write(L"lock") != ERROR_SUCCESS)
        Sleep(1);
    ck_assert_msg(lives(running.process.hProcess), "it has ended");
    ck_assert_uint_eq(finish_running(&running), 0);
}
END_TEST

/* Nor does a handoff that nobody hears hold it: its stderr takes nothing until it is read. */
START_TEST(the_lock_is_free_before_a_failure_is_heard)
{
    DWORD began = GetTickCount();
    HANDLE nul = CreateFileW(L"NUL", GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL), read, write;
    PROCESS_INFORMATION handoff;

    ck_assert(CreatePipe(&read, &write, NULL, 1));
    handoff = start_prefixed(L"--lock \"%DIR%\\lock\" -- no-such-program", nul, write, write);
    CloseHandle(write);
    while (try_to_write(L"lock") != ERROR_SUCCESS) {
        ck_assert_msg(GetTickCount() - began < patience_ms(20000), "somebody has the lock");
        Sleep(1);
    }
    ck_assert_msg(lives(handoff.hProcess), "it has ended");
    read_all(read, result.err, sizeof result.err);
    assert_one_line(result.err);
    ck_assert_uint_eq(finish_child(&handoff), EXIT_NOT_FOUND);
    CloseHandle(nul);
}
END_TEST

/* Of the one and of the other kind: both want to be alone. */
START_TEST(whose_turn_it_is_not_touches_nothing)
{
    HANDLE held = hold(L"lock");

    write_file(in_directory(L"kept"), "precious");
    run_batch("\"%HANDOFF%\" --write \"o=%DIR%\\kept\" --lock \"%DIR%\\lock\" -- \"%CHILD%\" write {o} x\n"
              "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "123\r\n");
    assert_one_line(result.err);
    ck_assert_int_eq(strncmp(result.err, "handoff: somebody else has '", 28), 0);
    ck_assert_msg(strstr(result.err, "lock': Win32 error 32 (--lock); --wait TIME waits for it") != NULL, "%s",
                  result.err);
    assert_content(L"kept", "precious");
    CloseHandle(held);
    run_batch(
        "\"%HANDOFF%\" --lock \"%DIR%\\lock\" -- \"%HANDOFF%\" --update \"u=%DIR%\\lock\" -- \"%CHILD%\" note {u}\n"
        "echo %errorlevel%\n"
        "\"%HANDOFF%\" --update \"u=%DIR%\\lock\" --env U={u} -- \"%HANDOFF%\" --lock \"%DIR%\\lock\" -- cmd /c echo "
        "x\n"
        "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "123\r\n123\r\n");
}
END_TEST

START_TEST(what_locks_nothing_is_no_lock)
{
    run_batch("\"%HANDOFF%\" --lock NUL -- \"%CHILD%\" exit 7\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "'NUL'") != NULL && strstr(result.err, "a lock is a file") != NULL, "%s",
                  result.err);
}
END_TEST

/* ---- --wait ---- */

static const char *const wants[] = {
    "--lock \"%DIR%\\file\" -- \"%CHILD%\" exit 7",
    "--update \"f=%DIR%\\file\" -- \"%CHILD%\" exit 7 {f}",
    "--write \"f=%DIR%\\file\" -- \"%CHILD%\" exit 7 {f}",
};

/* It has not given up in a time in which it would have had to. */
static void assert_waits(const struct running *running)
{
    ck_assert_msg(WaitForSingleObject(running->process.hProcess, 500) == WAIT_TIMEOUT, "it does not wait");
}

START_TEST(a_file_is_waited_for)
{
    HANDLE held = hold(L"file");
    struct running running;
    char text[512];

    set_variable(L"REST", "%s", wants[_i]);
    snprintf(text, sizeof text, "\"%%HANDOFF%%\" --wait 60s %s\nexit %%errorlevel%%\n", wants[_i]);
    running = start_batch(text, 0);
    assert_waits(&running);
    CloseHandle(held);
    ck_assert_uint_eq(finish_running(&running), 7);
}
END_TEST

START_TEST(what_is_still_taken_is_123)
{
    HANDLE held = hold(L"file");
    char text[512];

    snprintf(text, sizeof text, "\"%%HANDOFF%%\" --wait 200ms %s\necho %%errorlevel%%\n", wants[_i]);
    run_batch(text);
    ck_assert_str_eq(result.out, "123\r\n");
    assert_one_line(result.err);
    ck_assert_int_eq(strncmp(result.err, "handoff: somebody else still has '", 34), 0);
    ck_assert_msg(strstr(result.err, "file' after --wait 200ms: Win32 error 32 (--") != NULL, "%s", result.err);
    ck_assert_ptr_null(strstr(result.err, "waits for it"));
    CloseHandle(held);
}
END_TEST

/* Else nobody could tell a lock that is taken from a command that ends with 123. */
START_TEST(what_is_taken_can_have_a_code_of_its_own)
{
    static const char *const codes[][2] = {{"0", "0\r\n"}, {"7", "7\r\n"}, {"0xC0000043", "-1073741757\r\n"}};
    HANDLE held = hold(L"file");

    for (size_t i = 0; i < ARRAYSIZE(codes); i++) {
        char text[512];

        snprintf(text, sizeof text, "\"%%HANDOFF%%\" --code %s %s\necho %%errorlevel%%\n", codes[i][0], wants[_i]);
        run_batch(text);
        ck_assert_str_eq(result.out, codes[i][1]);
        assert_one_line(result.err);
    }
    CloseHandle(held);
    run_batch("\"%HANDOFF%\" --code 9 --lock \"%DIR%\\file\" -- \"%CHILD%\" exit 123\n"
              "echo %errorlevel%\n"
              "\"%HANDOFF%\" --code 9 --read \"x=%DIR%\\missing\" -- \"%CHILD%\" exit 1 {x}\n"
              "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "123\r\n125\r\n");
}
END_TEST

static const char to_pipe[] =
    "\"%HANDOFF%\" --wait %TIME% --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n"
    "echo %errorlevel%\n"
    "exit %errorlevel%\n";

/* Another client has the only instance, and leaves. */
START_TEST(a_busy_pipe_is_waited_for)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX), client;
    struct running running;
    wchar_t name[128];

    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    client = CreateFileW(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(client != INVALID_HANDLE_VALUE);
    set_variable(L"TIME", "200ms");
    run_batch(to_pipe);
    ck_assert_str_eq(result.out, "123\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, "Win32 error 231 "));
    set_variable(L"TIME", "60s");
    running = start_batch(to_pipe, 0);
    assert_waits(&running);
    CloseHandle(client);
    ck_assert(DisconnectNamedPipe(server));
    ck_assert(ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    assert_arrives(server, "hello");
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(server);
}
END_TEST

/* Not there at all is not taken. */
START_TEST(a_pipe_that_is_not_there_yet_is_waited_for)
{
    struct running running;
    HANDLE server;

    set_variable(L"TIME", "200ms");
    run_batch(to_pipe);
    ck_assert_str_eq(result.out, "125\r\n");
    set_variable(L"TIME", "60s");
    running = start_batch(to_pipe, 0);
    assert_waits(&running);
    server = make_pipe_server(PIPE_ACCESS_DUPLEX);
    ck_assert(ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED);
    assert_arrives(server, "hello");
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(server);
}
END_TEST

START_TEST(a_server_that_does_not_listen_yet_is_waited_for)
{
    static const char lines[] =
        "\"%HANDOFF%\" --wait %TIME% --connect s=127.0.0.1:%PORT% -- \"%CHILD%\" write {s} hello\n"
        "echo %errorlevel%\n";
    struct running running;
    SOCKET server, client;
    char text[16] = "";
    WORD port;

    server = bound_socket(AF_INET, FALSE, &port);
    set_variable(L"PORT", "%u", port);
    set_variable(L"TIME", "200ms");
    run_batch(lines);
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, "Win32 error 10061: "));
    set_variable(L"TIME", "60s");
    running = start_batch(lines, 0);
    assert_waits(&running);
    ck_assert_int_eq(listen(server, 1), 0);
    client = accept(server, NULL, NULL);
    ck_assert(client != INVALID_SOCKET && recv(client, text, sizeof text - 1, 0) == 5);
    ck_assert_str_eq(text, "hello");
    closesocket(client);
    closesocket(server);
    ck_assert_uint_eq(finish_running(&running), 0);
}
END_TEST

/* What is free while somebody has the file `second`, which the prefix wants too. */
static const char *const firsts[] = {
    "--update \"a=%DIR%\\first\"",       "--write \"a=%DIR%\\first\"",  "--lock \"%DIR%\\first\" --event a=",
    "--tee \"%DIR%\\first\" --event a=", "--listen a=127.0.0.1:%PORT%",
};

/* Once it is there and nobody else has it. */
static HANDLE take(const wchar_t *name)
{
    DWORD began = GetTickCount();
    HANDLE file;

    while ((file = CreateFileW(in_directory(name), GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL)) ==
           INVALID_HANDLE_VALUE) {
        ck_assert_msg(GetTickCount() - began < patience_ms(20000), "%ls: error %lu", name, GetLastError());
        Sleep(1);
    }
    return file;
}

static HANDLE take_first(BOOL is_port, WORD port)
{
    DWORD began = GetTickCount();
    SOCKET s;

    if (!is_port)
        return take(L"first");
    while ((s = bind_socket(AF_INET, port)) == INVALID_SOCKET) {
        ck_assert_msg(GetTickCount() - began < patience_ms(20000), "somebody has the port");
        Sleep(1);
    }
    return (HANDLE)s;
}

/* Two prefixes that open the same two things in opposite order would else wait for each other. Once `mark` is there,
 * the prefix has had the first; then each is let go for the other. */
START_TEST(who_waits_for_one_holds_no_other)
{
    BOOL is_port = strncmp(firsts[_i], "--listen", 8) == 0;
    HANDLE second = hold(L"second"), first;
    struct running running;
    char text[512];
    WORD port;

    closesocket(bound_socket(AF_INET, FALSE, &port));
    set_variable(L"PORT", "%u", port);
    snprintf(text, sizeof text,
             "\"%%HANDOFF%%\" --wait 1h %s --append \"m=%%DIR%%\\mark\" --update \"b=%%DIR%%\\second\" -- "
             "\"%%CHILD%%\" exit 7 {a} {b} {m}\nexit %%errorlevel%%\n",
             firsts[_i]);
    running = start_batch(text, 0);
    while (GetFileAttributesW(in_directory(L"mark")) == INVALID_FILE_ATTRIBUTES)
        Sleep(1);
    first = take_first(is_port, port);
    CloseHandle(second);
    second = take(L"second");
    if (is_port)
        closesocket((SOCKET)first);
    else
        CloseHandle(first);
    CloseHandle(second);
    ck_assert_uint_eq(finish_running(&running), 7);
}
END_TEST

/* Counts the clients that come and go, and ends with the one that says so. */
static DWORD WINAPI count_clients(void *argument)
{
    HANDLE server = argument;
    DWORD count = 0, size;
    char byte;

    for (; ConnectNamedPipe(server, NULL) || GetLastError() == ERROR_PIPE_CONNECTED; count++) {
        if (ReadFile(server, &byte, 1, &size, NULL) && size == 1)
            return count;
        DisconnectNamedPipe(server);
    }
    return MAXDWORD;
}

/* Two files that cannot be had together, and no other that is in the way of both: each round begins at once. */
START_TEST(a_round_that_fails_is_followed_by_a_pause)
{
    enum { WAIT_MS = 1000, LEAST_PAUSE_MS = 25 };
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX),
           thread = CreateThread(NULL, 0, count_clients, server, 0, NULL);
    HANDLE client;
    DWORD count;

    run_batch(
        "\"%HANDOFF%\" --wait 1s --pipe p=\\\\.\\pipe\\%NAME% --write \"a=%DIR%\\file\" --write \"b=%DIR%\\file\" "
        "-- \"%CHILD%\" exit 7 {p} {a} {b}\n"
        "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "123\r\n");
    do
        client = CreateFileW(pipe_name(), GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    while (client == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY);
    ck_assert(client != INVALID_HANDLE_VALUE && WriteFile(client, "x", 1, &(DWORD){0}, NULL));
    ck_assert(comes(thread) && GetExitCodeThread(thread, &count));
    ck_assert_msg(count <= WAIT_MS / LEAST_PAUSE_MS + 1, "%lu rounds", count);
    CloseHandle(client);
    CloseHandle(server);
    CloseHandle(thread);
}
END_TEST

/* Nothing is emptied before all is there; then it is. */
START_TEST(whose_turn_it_is_not_empties_nothing)
{
    static const char *const options[] = {
        "--write \"a=%DIR%\\first\" --env A={a}",
        "--wait 200ms --write \"a=%DIR%\\first\" --env A={a}",
        "--tee \"%DIR%\\first\"",
    };
    HANDLE second = hold(L"second");
    char text[512];

    write_file(in_directory(L"first"), "precious");
    snprintf(text, sizeof text,
             "\"%%HANDOFF%%\" %s --update \"b=%%DIR%%\\second\" -- \"%%CHILD%%\" exit 7 {b}\necho %%errorlevel%%\n",
             options[_i]);
    run_batch(text);
    ck_assert_str_eq(result.out, "123\r\n");
    assert_content(L"first", "precious");
    CloseHandle(second);
    run_batch(text);
    ck_assert_str_eq(result.out, "7\r\n");
    assert_content(L"first", "");
}
END_TEST

/* Nothing has been started that the key could be for. It is pressed once handoff is there, until it hears it. The file
 * has a name that every code page has: the child's is ANSI. */
START_TEST(ctrl_c_ends_the_waiting)
{
    struct running session;
    wchar_t line[1024], path[MAX_PATH];
    DWORD size, code, handoff = 0, seen = 0;
    HANDLE held;

    GetTempPathW(MAX_PATH, path);
    swprintf(path + wcslen(path), 64, L"handoff-test-%lu.lock", GetCurrentProcessId());
    held = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_DELETE_ON_CLOSE, NULL);
    ck_assert(held != INVALID_HANDLE_VALUE);

    swprintf(line, ARRAYSIZE(line), L"session 0 \"%ls\" --wait 1h --lock \"%ls\" -- cmd /c exit 7",
             program(OWN_WIDTH, L"handoff.exe"), path);
    session = start_running(program(OWN_WIDTH, L"child.exe"), line, NULL, CREATE_NO_WINDOW, NULL, NULL);
    for (; seen == 0 || handoff != 0; Sleep(20)) {
        handoff = find_child_process(L"handoff.exe", session.process.dwProcessId);
        seen |= handoff;
        ck_assert(seen == 0 || WriteFile(session.in, "!", 1, &size, NULL));
    }
    CloseHandle(held);
    code = finish_running(&session);
    ck_assert_msg(code == STATUS_CONTROL_C_EXIT || code == 0 /* Wine */, "%lu", code);
}
END_TEST

Suite *turns_suite(void)
{
    const struct listed_test tests[] = {
        {the_lock_is_the_commands_alone, "lock", 1},
        {the_lock_of_a_killed_handoff_is_free, "lock", 1},
        {the_lock_is_free_before_all_is_relayed, "lock", 1},
        {the_lock_is_free_before_a_failure_is_heard, "lock", 1},
        {whose_turn_it_is_not_touches_nothing, "lock", 1},
        {what_locks_nothing_is_no_lock, "lock", 1},
        {a_file_is_waited_for, "wait", ARRAYSIZE(wants)},
        {what_is_still_taken_is_123, "wait", ARRAYSIZE(wants)},
        {what_is_taken_can_have_a_code_of_its_own, "wait", ARRAYSIZE(wants)},
        {who_waits_for_one_holds_no_other, "wait", ARRAYSIZE(firsts)},
        {a_round_that_fails_is_followed_by_a_pause, "wait", 1},
        {a_busy_pipe_is_waited_for, "wait", 1},
        {a_pipe_that_is_not_there_yet_is_waited_for, "wait", 1},
        {a_server_that_does_not_listen_yet_is_waited_for, "wait", 1},
        {whose_turn_it_is_not_empties_nothing, "wait", 3},
        {ctrl_c_ends_the_waiting, "wait", 1},
    };

    return console_suite("turns", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
