/* What only a script needs of handoff.exe: its own streams by name, a lock, waiting for what somebody else has; and
 * how exactly each thing is opened. */
#include "batch.h"

#include <ws2tcpip.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "handle_table.h"

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

static void wait_for(HANDLE process)
{
    ck_assert(comes(process));
    CloseHandle(process);
}

/* A line of handoff's, with these streams and no other handle. */
static PROCESS_INFORMATION start_handoff(const wchar_t *rest, HANDLE in, HANDLE out, HANDLE err)
{
    PROCESS_INFORMATION process;
    wchar_t line[2048], expanded[2048];

    swprintf(line, ARRAYSIZE(line), L"\"%%HANDOFF%%\" %ls", rest);
    ExpandEnvironmentStringsW(line, expanded, ARRAYSIZE(expanded));
    ck_assert(start_directly(expanded, (HANDLE[]){in, out, err}, 0, &process));
    return process;
}

/* ---- own streams ---- */

START_TEST(own_streams_have_names)
{
    write_file(in_directory(L"in"), "from stdin");
    run_batch("\"%HANDOFF%\" --fd 3=stdout -- \"%CHILD%\" tell 3 \"one \"\n"
              "\"%HANDOFF%\" -- \"%CHILD%\" write {stdout} \"two \"\n"
              "\"%HANDOFF%\" --stderr stdout -- cmd /c \">&2 echo three\"\n"
              "\"%HANDOFF%\" --fd 7=stdin --stdin \"\" -- \"%CHILD%\" descriptor 7 <\"%DIR%\\in\"\n");
    assert_out("one two three\r\nfrom stdin");
    run_batch("\"%HANDOFF%\" --stdout stderr --stderr stdout -- cmd /c \"echo out& >&2 echo err\"\n");
    ck_assert_str_eq(result.out, "err\r\n");
    ck_assert_str_eq(result.err, "out\r\n");
}
END_TEST

/* A's descriptor 3 and B's 4 are the ends of one pipe, of a real one: Wine's cmd.exe takes a file. */
START_TEST(two_commands_are_joined_by_their_descriptors)
{
    PROCESS_INFORMATION a, b;
    HANDLE read, write, out_read, out_write;
    char text[64];

    make_pipe(&read, &write);
    make_pipe(&out_read, &out_write);
    a = start_handoff(L"--fd 3=stdout --stdout stderr -- \"%CHILD%\" tell 3 \"from 3 to 4\"", NULL, write, out_write);
    b = start_handoff(L"--fd 4=stdin --stdin \"\" -- \"%CHILD%\" descriptor 4", read, out_write, out_write);
    CloseHandle(read);
    CloseHandle(write);
    CloseHandle(out_write);
    read_all(out_read, text, sizeof text);
    ck_assert_str_eq(text, "from 3 to 4");
    ck_assert_uint_eq(finish_child(&a), 0);
    ck_assert_uint_eq(finish_child(&b), 0);
}
END_TEST

START_TEST(names_of_own_streams_are_escaped)
{
    run_batch("\"%HANDOFF%\" --env A={{stderr}} -- cmd /c \"echo {{stdout}} {{stdin:x}} %%A%%\"\n"
              "\"%HANDOFF%\" -- \"%HANDOFF%\" --fd 3={{stdout}} -- cmd /c echo {{nobody}}\n");
    ck_assert_str_eq(result.out, "{stdout} {stdin:x} {stderr}\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, "'{stdout}'"));
}
END_TEST

START_TEST(an_own_stream_that_is_not_there)
{
    PROCESS_INFORMATION handoff;
    HANDLE read, write;
    char text[512];

    make_pipe(&read, &write);
    handoff = start_handoff(L"--fd 3=stdin -- \"%CHILD%\" descriptor 3", NULL, write, write);
    CloseHandle(write);
    read_all(read, text, sizeof text);
    assert_one_line(text);
    ck_assert_msg(strstr(text, "'stdin': Win32 error 6: ") != NULL && strstr(text, "handoff itself has none") != NULL,
                  "%s", text);
    ck_assert_uint_eq(finish_child(&handoff), EXIT_HANDOFF);
}
END_TEST

/* Somebody in the background has the stream that has been named, and the pipeline ends all the same. */
START_TEST(own_streams_are_relayed)
{
    static const char *const options[] = {"--fd 3=stdout", "--stderr stdout", "--stdout stderr", "--env N={stderr}",
                                          "--fd 3=stdout --fd 4=stderr --fd 5=stdout"};
    struct running running;
    unsigned long child_id, grandchild_id;
    HANDLE child, grandchild, told;
    char text[64];

    set_variable(L"OPTIONS", "%s", options[_i]);
    running = start_batch("\"%HANDOFF%\" --relay %OPTIONS% -- \"%CHILD%\" family\n", 0);
    told = _i == 2 ? running.err : running.out;
    ck_assert(read_line(told, text, sizeof text));
    ck_assert_int_eq(sscanf(text, "%lu %lu", &child_id, &grandchild_id), 2);
    child = open_process(child_id);
    grandchild = open_process(grandchild_id);
    ck_assert(TerminateProcess(child, 5));
    ck_assert(!read_line(running.out, text, sizeof text));
    ck_assert(!read_line(running.err, text, sizeof text));
    ck_assert_msg(lives(grandchild), "the background has ended too");
    finish_running(&running);
    wait_for(child);
    wait_for(grandchild);
}
END_TEST

/* ---- sinks ---- */

/* Each can be closed by itself. */
START_TEST(one_file_as_two_descriptors)
{
    run_batch("\"%HANDOFF%\" --append \"log=%DIR%\\log\" --fd 3=log --fd 4=log -- \"%CHILD%\" tell 3 one, 4 two\n"
              "type \"%DIR%\\log\"\n");
    assert_out("one,two");
}
END_TEST

START_TEST(the_traces_and_the_plan_know_a_copy)
{
    run_batch("\"%HANDOFF%\" --dry-run --read n=NUL --fd 3=n --fd 4=n --fd 5=stdin --sealed n --overlapped n -- cmd\n");
    ck_assert_msg(strncmp(result.out,
                          "handoff: n: --read 'NUL', descriptor 3\r\n"
                          "handoff: stdin: handoff's own, descriptor 5\r\n"
                          "handoff: n: again, descriptor 4\r\n"
                          "handoff: --sealed 'n'\r\n"
                          "handoff: --overlapped 'n'\r\n",
                          160) == 0,
                  "%s", result.out);
    run_batch("\"%HANDOFF%\" --trace --read n=NUL --fd 3=n --fd 4=n -- cmd /c exit\n");
    ck_assert_msg(strstr(result.err, "handoff: n>fd3: 0x") != NULL && strstr(result.err, "handoff: n>fd4: 0x") != NULL,
                  "%s", result.err);
    run_batch("\"%HANDOFF%\" --trace=json --read n=NUL --fd 3=n --fd 4=n -- cmd /c exit\n");
    ck_assert_msg(strstr(result.err, ",{\"name\":\"n\",\"parent\":null,") != NULL, "%s", result.err);
}
END_TEST

/* What cmd.exe starts has its streams, and not the file. */
START_TEST(one_pass_is_sealed_and_cmd_works)
{
    write_batch(L"inner.bat", "\"%CHILD%\" write %1 stolen\necho %errorlevel%\n\"%CHILD%\" write %2 given\n");
    run_batch("\"%HANDOFF%\" --write \"a=%DIR%\\a\" --write \"b=%DIR%\\b\" --sealed a -- cmd /c "
              "\"\"%DIR%\\inner.bat\" {a} {b}\"\n");
    assert_out("1\r\n");
    assert_content(L"a", "");
    assert_content(L"b", "given");
}
END_TEST

START_TEST(an_own_stream_is_sealed)
{
    run_batch("\"%HANDOFF%\" --sealed stdout -- cmd /c \"echo mine& \"%CHILD%\" note lost\"\n");
    ck_assert_str_eq(result.out, "mine\r\n");
    run_batch("\"%HANDOFF%\" --sealed stdout --relay -- cmd /c \"echo mine& \"%CHILD%\" note lost\"\n");
    ck_assert_str_eq(result.out, "mine\r\n");
}
END_TEST

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
    wait_for(child);
    wait_for(grandchild);
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
    handoff = start_handoff(L"--lock \"%DIR%\\lock\" -- \"%CHILD%\" echo", read, out_write, out_write);
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
    handoff = start_handoff(L"--lock \"%DIR%\\lock\" -- no-such-program", nul, write, write);
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
    ck_assert_msg(strstr(result.err, "lock': Win32 error 32: ") != NULL &&
                      strstr(result.err, " (--lock); --wait waits for it") != NULL,
                  "%s", result.err);
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
    ck_assert_ptr_null(strstr(result.err, "waits for it"));
    CloseHandle(held);
}
END_TEST

static const wchar_t *pipe_name(void)
{
    static wchar_t name[128];

    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    return name;
}

static HANDLE make_server(DWORD direction)
{
    HANDLE server = CreateNamedPipeW(pipe_name(), direction, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);

    ck_assert_msg(server != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    return server;
}

static void assert_arrives(HANDLE server, const char *expected)
{
    char text[16] = "";
    DWORD size;

    ck_assert(ReadFile(server, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, expected);
}

static const char to_pipe[] =
    "\"%HANDOFF%\" --wait %TIME% --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n"
    "echo %errorlevel%\n"
    "exit %errorlevel%\n";

/* Another client has the only instance, and leaves. */
START_TEST(a_busy_pipe_is_waited_for)
{
    HANDLE server = make_server(PIPE_ACCESS_DUPLEX), client;
    struct running running;
    wchar_t name[128];

    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    client = CreateFileW(name, GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(client != INVALID_HANDLE_VALUE);
    set_variable(L"TIME", "200ms");
    run_batch(to_pipe);
    ck_assert_str_eq(result.out, "123\r\n");
    ck_assert_ptr_nonnull(strstr(result.err, "Win32 error 231: "));
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
    server = make_server(PIPE_ACCESS_DUPLEX);
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
    HANDLE server = make_server(PIPE_ACCESS_DUPLEX), thread = CreateThread(NULL, 0, count_clients, server, 0, NULL);
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

/* ---- how pipes, files and sockets are opened ---- */

START_TEST(a_pipe_of_one_direction)
{
    HANDLE server = make_server(PIPE_ACCESS_OUTBOUND);
    DWORD size;

    ck_assert(WriteFile(server, "hello", 5, &size, NULL) || GetLastError() == ERROR_PIPE_LISTENING);
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" note {p}\necho %errorlevel%\n");
    ck_assert_msg(result.err[0] == '\0', "%s", result.err);
    CloseHandle(server);
    server = make_server(PIPE_ACCESS_INBOUND);
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_out("");
    assert_arrives(server, "hello");
    CloseHandle(server);
}
END_TEST

START_TEST(to_append_to_a_pipe_is_refused)
{
    HANDLE server = make_server(PIPE_ACCESS_DUPLEX);

    run_batch("\"%HANDOFF%\" --append p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "--pipe") != NULL, "%s", result.err);
    CloseHandle(server);
}
END_TEST

/* Who reads a socket as a file has no use for one that is overlapped, and who has its number for no other. */
static const struct {
    const char *source, *command, *mode;
} modes[] = {
    {"--listen s=127.0.0.1:0", "mode {s}", "overlapped"},
    {"--listen s=127.0.0.1:0 --fd 3=s", "mode {s}", "synchronous"},
    {"--listen s=127.0.0.1:0 --stdin s", "mode {s}", "synchronous"},
    {"--listen s=127.0.0.1:0 --stdin s --overlapped s", "mode {s}", "overlapped"},
    {"--connect s=127.0.0.1:%PORT%", "mode {s}", "overlapped"},
    {"--connect s=127.0.0.1:%PORT% --fd 3=s", "mode {s}", "synchronous"},
    {"--connect s=127.0.0.1:%PORT% --stdin s --stderr s", "mode {s}", "synchronous"},
    {"--pipe s=\\\\.\\pipe\\%NAME%", "mode {s}", "synchronous"},
    {"--pipe s=\\\\.\\pipe\\%NAME% --fd 3=s --overlapped s", "mode {s}", "overlapped"},
    {"--read s=NUL", "mode {s}", "synchronous"},
    {"--append \"s=%DIR%\\log\" --overlapped s", "mode {s}", "overlapped"},
};

START_TEST(overlapped_or_not)
{
    HANDLE server = make_server(PIPE_ACCESS_DUPLEX);
    SOCKET listener;
    char text[512];
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    set_variable(L"PORT", "%u", port);
    snprintf(text, sizeof text, "\"%%HANDOFF%%\" %s -- \"%%CHILD%%\" %s\n", modes[_i].source, modes[_i].command);
    run_batch(text);
    snprintf(text, sizeof text, "%s\r\n", modes[_i].mode);
    assert_out(text);
    closesocket(listener);
    CloseHandle(server);
}
END_TEST

/* As node, perl and any C runtime do it: with ReadFile, and without OVERLAPPED. */
START_TEST(a_socket_is_read_and_written_as_a_stream)
{
    SOCKET listener, client;
    struct running running;
    char text[16] = "";
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    set_variable(L"PORT", "%u", port);
    running = start_batch("\"%HANDOFF%\" --connect s=127.0.0.1:%PORT% --stdin s --stdout s -- \"%CHILD%\" echo\n", 0);
    client = accept(listener, NULL, NULL);
    ck_assert(client != INVALID_SOCKET && send(client, "there", 5, 0) == 5);
    ck_assert_int_eq(recv(client, text, sizeof text - 1, 0), 5);
    ck_assert_str_eq(text, "there");
    closesocket(client);
    closesocket(listener);
    ck_assert_uint_eq(finish_running(&running), 0);
}
END_TEST

/* A prefix whose Windows is strict about what it opens (tests/faulty/faulty_prefix.c): each file is opened so that a pipe's
 * server does not get its identity to act with, an address is taken for itself, and DLLs are the system's. */
START_TEST(nothing_is_opened_for_others_to_use)
{
    HANDLE server = make_server(PIPE_ACCESS_DUPLEX);

    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    run_batch(
        "\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% --read r=NUL --write w=NUL --append a=NUL --extend e=NUL "
        "--update u=NUL --lock \"%DIR%\\lock\" -- \"%CHILD%\" mode {p} {r} {w} {a} {e} {u}\n"
        "\"%HANDOFF%\" --listen l=127.0.0.1:0 --listen m=[::1]:0 --listen n=:0 -- \"%CHILD%\" mode {l} {m} {n}\n");
    ck_assert_msg(result.err[0] == '\0' && result.exit_code == 0, "%s", result.err);
    CloseHandle(server);
}
END_TEST

/* One on a Windows before Vista, which does not know so small a right. */
START_TEST(a_process_before_vista)
{
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_RIGHTS", L"old");
    run_batch("\"%HANDOFF%\" --process p=%PID% -- \"%CHILD%\" exit 7 {p}\necho %errorlevel%\n");
    SetEnvironmentVariableW(L"HANDOFF_RIGHTS", NULL);
    assert_out("7\r\n");
}
END_TEST

/* ---- two ways to the end of a file ---- */

static ACCESS_MASK access_of(HANDLE own)
{
    struct table *table = query_table();
    ACCESS_MASK access = 0;

    ck_assert_ptr_nonnull(table);
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && table->entries[i].handle == (ULONG_PTR)own)
            access = table->entries[i].access;
    }
    free_table(table);
    return access;
}

/* A program that asks for FILE_WRITE_DATA before it writes, as Cygwin's do, finds it with --extend; what others write
 * meanwhile is safe with --append. */
START_TEST(append_and_extend)
{
    struct running running;
    HANDLE handles[2];
    DWORD size;

    write_file(in_directory(L"a"), "old ");
    write_file(in_directory(L"e"), "old ");
    running =
        start_witness("\"%HANDOFF%\" --append \"a=%DIR%\\a\" --extend \"e=%DIR%\\e\" -- \"%CHILD%\" table {a} {e}\n");
    for (int i = 0; i < 2; i++) {
        const wchar_t *path = in_directory(i == 0 ? L"a" : L"e");
        HANDLE other =
            CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);

        handles[i] = of_witness(i);
        ck_assert(other != INVALID_HANDLE_VALUE && WriteFile(other, "others", 6, &size, NULL));
        ck_assert(WriteFile(handles[i], "ours", 4, &size, NULL) && WriteFile(handles[i], "!", 1, &size, NULL));
        CloseHandle(other);
    }
    ck_assert_uint_eq(access_of(handles[0]) & FILE_WRITE_DATA, 0);
    ck_assert_uint_ne(access_of(handles[1]) & FILE_WRITE_DATA, 0);
    CloseHandle(handles[0]);
    CloseHandle(handles[1]);
    finish_witness(&running);
    assert_content(L"a", "old othersours!");
    assert_content(L"e", "old ours!s");
}
END_TEST

START_TEST(to_extend_one_after_another)
{
    run_batch("\"%HANDOFF%\" --extend \"e=%DIR%\\log\" -- \"%CHILD%\" write {e} one,\n"
              "\"%HANDOFF%\" --extend \"e=%DIR%\\log\" --stdout e --stderr e -- cmd /c \"echo two& >&2 echo three\"\n"
              "\"%HANDOFF%\" --extend e=NUL -- \"%CHILD%\" write {e} gone\n"
              "type \"%DIR%\\log\"\n");
    assert_out("one,two\r\nthree\r\n");
}
END_TEST

/* ---- objects ---- */

START_TEST(a_process_that_is_none)
{
    run_batch("\"%HANDOFF%\" --process p=4294967292 -- \"%CHILD%\" note {p}\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "no process has that id") != NULL, "%s", result.err);
}
END_TEST

/* Its size needs more than 32 bits. */
START_TEST(a_big_mapping)
{
    struct running running = start_witness("\"%HANDOFF%\" --mapping m=,4295032832 -- \"%CHILD%\" table {m}\n");
    HANDLE mapping = of_witness(0);
    char *last = MapViewOfFile(mapping, FILE_MAP_READ, 1, 0, 0x10000);

    ck_assert_msg(last != NULL && last[0xFFFF] == 0, "error %lu", GetLastError());
    ck_assert_ptr_null(MapViewOfFile(mapping, FILE_MAP_READ, 1, 0x10000, 0x10000));
    UnmapViewOfFile(last);
    CloseHandle(mapping);
    finish_witness(&running);
}
END_TEST

Suite *sources_suite(void)
{
    const struct listed_test tests[] = {
        {own_streams_have_names, "own streams", 1},
        {two_commands_are_joined_by_their_descriptors, "own streams", 1},
        {names_of_own_streams_are_escaped, "own streams", 1},
        {an_own_stream_that_is_not_there, "own streams", 1},
        {own_streams_are_relayed, "own streams", 5},
        {one_file_as_two_descriptors, "more sinks", 1},
        {the_traces_and_the_plan_know_a_copy, "more sinks", 1},
        {one_pass_is_sealed_and_cmd_works, "more sinks", 1},
        {an_own_stream_is_sealed, "more sinks", 1},
        {the_lock_is_the_commands_alone, "lock", 1},
        {the_lock_of_a_killed_handoff_is_free, "lock", 1},
        {the_lock_is_free_before_all_is_relayed, "lock", 1},
        {the_lock_is_free_before_a_failure_is_heard, "lock", 1},
        {whose_turn_it_is_not_touches_nothing, "lock", 1},
        {what_locks_nothing_is_no_lock, "lock", 1},
        {a_file_is_waited_for, "wait", ARRAYSIZE(wants)},
        {what_is_still_taken_is_123, "wait", ARRAYSIZE(wants)},
        {who_waits_for_one_holds_no_other, "wait", ARRAYSIZE(firsts)},
        {a_round_that_fails_is_followed_by_a_pause, "wait", 1},
        {a_busy_pipe_is_waited_for, "wait", 1},
        {a_pipe_that_is_not_there_yet_is_waited_for, "wait", 1},
        {a_server_that_does_not_listen_yet_is_waited_for, "wait", 1},
        {ctrl_c_ends_the_waiting, "wait", 1},
        {whose_turn_it_is_not_empties_nothing, "opening", 3},
        {a_pipe_of_one_direction, "opening", 1},
        {to_append_to_a_pipe_is_refused, "opening", 1},
        {overlapped_or_not, "opening", ARRAYSIZE(modes)},
        {a_socket_is_read_and_written_as_a_stream, "opening", 1},
        {nothing_is_opened_for_others_to_use, "opening", 1},
        {a_process_before_vista, "opening", 1},
        {append_and_extend, "opening", 1},
        {to_extend_one_after_another, "opening", 1},
        {a_process_that_is_none, "opening", 1},
        {a_big_mapping, "opening", 1},
    };

    return console_suite("sources", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
