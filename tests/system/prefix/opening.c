/* What the prefix opens: files, pipes, sockets, objects; how exactly, and what it says if it cannot. */
#include "batch.h"

#include <ws2tcpip.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "handle_table.h"

/* ---- files ---- */

START_TEST(read_gives_a_file)
{
    const wchar_t *path = file_path(L"in");
    wchar_t options[512];

    write_file(path, "content");
    swprintf(options, ARRAYSIZE(options), L"--read \"cfg=%ls\"", path);
    run_prefixed(options, L"read {cfg}");
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
    run_prefixed(options, L"write {o} new");
    ck_assert_uint_eq(result.exit_code, 0);
    assert_file(path, "new");
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(append_adds_to_a_file)
{
    const wchar_t *path = file_path(L"log");
    wchar_t options[512];

    swprintf(options, ARRAYSIZE(options), L"--append \"log=%ls\"", path);
    run_prefixed(options, L"write {log} one");
    run_prefixed(options, L"write {log} two");
    ck_assert_uint_eq(result.exit_code, 0);
    assert_file(path, "onetwo");
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(every_kind_of_file)
{
    write_file(in_directory(L"in"), "content ");
    write_file(in_directory(L"out"), "longer than what comes");
    write_file(in_directory(L"kept"), "precious");
    run_batch("\"%HANDOFF%\" --read \"i=%DIR%\\in\" -- \"%CHILD%\" read {i}\n"
              "\"%HANDOFF%\" --write \"o=%DIR%\\out\" -- \"%CHILD%\" write {o} new\n"
              "\"%HANDOFF%\" --append \"a=%DIR%\\log\" -- \"%CHILD%\" write {a} one\n"
              "\"%HANDOFF%\" --append \"a=%DIR%\\log\" -- \"%CHILD%\" write {a} two\n"
              "\"%HANDOFF%\" --update \"u=%DIR%\\kept\" -- \"%CHILD%\" write {u} P\n"
              "\"%HANDOFF%\" --update \"u=%DIR%\\kept\" -- \"%CHILD%\" read {u}\n"
              "\"%HANDOFF%\" --update \"u=%DIR%\\fresh\" -- \"%CHILD%\" write {u} made\n"
              "\"%HANDOFF%\" --read n=NUL --stdin n -- \"%CHILD%\" read {n}\n"
              "\"%HANDOFF%\" --write n=nul -- \"%CHILD%\" write {n} gone\n");
    assert_out("content Precious");
    ck_assert_uint_eq(result.exit_code, 0);
    assert_content(L"out", "new");
    assert_content(L"log", "onetwo");
    assert_content(L"kept", "Precious");
    assert_content(L"fresh", "made");
}
END_TEST

/* What others can do while the command has the file. */
static const struct {
    const char *option;
    BOOL others_write;
} sharing[] = {{"--read", TRUE}, {"--write", FALSE}, {"--append", TRUE}, {"--update", FALSE}};

static DWORD try_open(DWORD access)
{
    HANDLE file = CreateFileW(in_directory(L"shared"), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    CloseHandle(file);
    return ERROR_SUCCESS;
}

START_TEST(files_are_shared_as_help_says)
{
    struct running running;

    write_file(in_directory(L"shared"), "content");
    set_variable(L"OPTION", "%s", sharing[_i].option);
    running = start_batch_witness("\"%HANDOFF%\" %OPTION% \"f=%DIR%\\shared\" -- \"%CHILD%\" table {f}\n");
    ck_assert_uint_eq(try_open(GENERIC_READ), ERROR_SUCCESS);
    ck_assert_uint_eq(try_open(GENERIC_WRITE), sharing[_i].others_write ? ERROR_SUCCESS : ERROR_SHARING_VIOLATION);
    ck_assert_uint_eq(try_open(DELETE), ERROR_SUCCESS);
    finish_witness(&witness, &running);
    ck_assert_uint_eq(try_open(GENERIC_WRITE), ERROR_SUCCESS);
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
    running = start_batch_witness(
        "\"%HANDOFF%\" --append \"a=%DIR%\\a\" --extend \"e=%DIR%\\e\" -- \"%CHILD%\" table {a} {e}\n");
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
    finish_witness(&witness, &running);
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

/* ---- failures ---- */

static const struct {
    const char *source;
    int code;
} unopenable[] = {
    {"--read x=%DIR%\\missing", ERROR_FILE_NOT_FOUND},
    {"--read x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--write x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--append x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--update x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--read x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--write x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--append x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--update x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--pipe x=\\\\.\\pipe\\%NAME%-none", ERROR_FILE_NOT_FOUND},
    {"--listen x=127.0.0.1:%TAKEN%", WSAEADDRINUSE},
    {"--connect x=127.0.0.1:%TAKEN%", WSAECONNREFUSED},
    {"--connect x=[::1]:%TAKEN6%", WSAECONNREFUSED},
    {"--event x=%NAME%", ERROR_INVALID_HANDLE}, /* that is a mutex */
    {"--mapping x=%NAME%-none", ERROR_FILE_NOT_FOUND},
    {"--process x=0", ERROR_INVALID_PARAMETER},
    {"--process x=4294967292", ERROR_INVALID_PARAMETER},
    {"--handle x=0x7ffffff0", ERROR_INVALID_HANDLE},
    {"--handle x=0xffffffff", ERROR_INVALID_HANDLE},
    {"--extend x=%DIR%\\held", ERROR_SHARING_VIOLATION},
};

/* By somebody else. */
static BOOL is_taken(int code)
{
    return code == ERROR_SHARING_VIOLATION || code == WSAEADDRINUSE;
}

/* Each is one line that names the whole, and code 125, or 123; and in a batch file the next line runs. */
START_TEST(what_cannot_be_opened_is_named)
{
    WORD port, port6;
    SOCKET taken = bound_socket(AF_INET, FALSE, &port), taken6 = bound_socket(AF_INET6, FALSE, &port6);
    HANDLE held, mutex;
    wchar_t name[64];

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    mutex = CreateMutexW(NULL, FALSE, name);
    held = CreateFileW(in_directory(L"held"), GENERIC_READ | GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    ck_assert(mutex != NULL && held != INVALID_HANDLE_VALUE);
    set_variable(L"TAKEN", "%u", port);
    set_variable(L"TAKEN6", "%u", port6);
    for (size_t i = 0; i < ARRAYSIZE(unopenable); i++) {
        const char *source = unopenable[i].source;
        wchar_t unexpanded[256], what[512], *tail = what;
        char says[1024], lines[1024];

        snprintf(lines, sizeof lines,
                 "\"%%HANDOFF%%\" %.*s \"%s\" -- \"%%CHILD%%\" note {x}\n"
                 "echo %%errorlevel%%\n",
                 (int)strcspn(source, " "), source, strchr(source, ' ') + 1);
        run_batch(lines);
        ck_assert_msg(strcmp(result.out, is_taken(unopenable[i].code) ? "123\r\n" : "125\r\n") == 0,
                      "%s: out '%s', err '%s'", source, result.out, result.err);
        assert_one_line(result.err);
        swprintf(unexpanded, ARRAYSIZE(unexpanded), L"%hs", strchr(source, '=') + 1);
        ExpandEnvironmentStringsW(unexpanded, what, ARRAYSIZE(what));
        /* What is beyond ASCII is in the console's code page. */
        for (wchar_t *unit = what; *unit != L'\0'; unit++)
            tail = *unit > 0x7E ? unit + 1 : tail;
        snprintf(says, sizeof says, "%ls%s: Win32 error %d", tail, *what != L'\0' ? "'" : "", unopenable[i].code);
        ck_assert_msg(strstr(result.err, says) != NULL, "%s: nothing of %s: %s", source, says, result.err);
    }
    CloseHandle(held);
    CloseHandle(mutex);
    closesocket(taken);
    closesocket(taken6);
}
END_TEST

/* ---- pipes and sockets ---- */

START_TEST(a_pipe_as_its_client)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);
    char text[16] = "";
    DWORD size;

    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_out("");
    ck_assert(ReadFile(server, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, "hello");
    /* The only instance has a client that nobody has told to go. */
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "Win32 error 231 ") != NULL, "%s", result.err);
    CloseHandle(server);
}
END_TEST

START_TEST(a_pipe_of_one_direction)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_OUTBOUND);
    DWORD size;

    ck_assert(WriteFile(server, "hello", 5, &size, NULL) || GetLastError() == ERROR_PIPE_LISTENING);
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" note {p}\necho %errorlevel%\n");
    ck_assert_msg(result.err[0] == '\0', "%s", result.err);
    CloseHandle(server);
    server = make_pipe_server(PIPE_ACCESS_INBOUND);
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_out("");
    assert_arrives(server, "hello");
    CloseHandle(server);
}
END_TEST

START_TEST(to_append_to_a_pipe_is_refused)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);

    run_batch("\"%HANDOFF%\" --append p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\necho %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "--pipe") != NULL, "%s", result.err);
    CloseHandle(server);
}
END_TEST

static const struct {
    int family;
    const char *host;
} hosts[] = {{AF_INET, "127.0.0.1"}, {AF_INET6, "[::1]"}};

static SOCKET connect_to(int family, WORD port)
{
    SOCKADDR_IN v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    SOCKADDR_IN6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    SOCKET s = socket(family, SOCK_STREAM, 0);

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr.s6_addr[15] = 1;
    ck_assert(SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0));
    ck_assert_msg(
        (family == AF_INET ? connect(s, (SOCKADDR *)&v4, sizeof v4) : connect(s, (SOCKADDR *)&v6, sizeof v6)) == 0,
        "port %u: error %d", port, WSAGetLastError());
    return s;
}

/* The port is the same in the command line and in a variable, and the command accepts on the socket. */
START_TEST(a_listening_socket)
{
    struct running running;
    unsigned port, of_variable;
    char text[128];
    SOCKET s;

    set_variable(L"HOST", "%s", hosts[_i].host);
    write_batch(L"server.bat", "echo %1 %PORT%\n\"%CHILD%\" accept %2\n");
    running = start_batch("\"%HANDOFF%\" --listen s=%HOST%:0 --env PORT={s.port} -- \"%DIR%\\server.bat\" {s.port} "
                          "{s} {{s.port}}\n",
                          0);
    ck_assert(read_line(running.out, text, sizeof text));
    ck_assert_msg(sscanf(text, "%u %u", &port, &of_variable) == 2, "%s", text);
    ck_assert_uint_eq(port, of_variable);
    s = connect_to(hosts[_i].family, (WORD)port);
    ck_assert(recv(s, text, sizeof text, 0) == 8 && memcmp(text, "accepted", 8) == 0);
    closesocket(s);
    ck_assert_uint_eq(finish_running(&running), 0);
}
END_TEST

START_TEST(a_connected_socket)
{
    WORD port;
    SOCKET listener = bound_socket(hosts[_i].family, TRUE, &port), s;
    char text[16] = "";

    set_variable(L"HOST", "%s:%u", hosts[_i].host, port);
    run_batch("\"%HANDOFF%\" --connect \"s=%HOST%\" -- \"%CHILD%\" write {s} hello\n");
    assert_out("");
    s = accept(listener, NULL, NULL);
    ck_assert(s != INVALID_SOCKET && recv(s, text, sizeof text - 1, 0) == 5);
    ck_assert_str_eq(text, "hello");
    closesocket(s);
    closesocket(listener);
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
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);
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

/* ---- objects ---- */

static BOOL is_same(HANDLE a, HANDLE b)
{
    BOOL known, same = a != NULL && same_object(a, b, &known);

    ck_assert_msg(a == NULL || known, "this Windows cannot compare objects");
    return same;
}

static const char objects[] = "\"%HANDOFF%\" --event \"e=%E%\" --mutex \"m=%M%\" --semaphore \"s=%S%\" "
                              "--mapping \"f=%F%\" -- \"%CHILD%\" table {e} {m} {s} {f}\n";

static void name_objects(const char *format_of_name)
{
    static const wchar_t *const variables[] = {L"E", L"M", L"S", L"F"};

    for (size_t i = 0; i < ARRAYSIZE(variables); i++) {
        const char *end = i == 2 ? ",3" : i == 3 ? ",8192" : "";
        char name[128] = "";

        if (format_of_name != NULL)
            snprintf(name, sizeof name, format_of_name, GetCurrentProcessId(), (char)*variables[i]);
        set_variable(variables[i], "%s%s", name, end);
    }
}

/* What the help says of new ones. */
static void assert_created(HANDLE event, HANDLE mutex, HANDLE semaphore, HANDLE mapping)
{
    MEMORY_BASIC_INFORMATION memory = {0};
    void *view = MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0);

    ck_assert(!is_set(event) && SetEvent(event) && is_set(event) && is_set(event));
    ck_assert(WaitForSingleObject(mutex, 0) == WAIT_OBJECT_0 && ReleaseMutex(mutex));
    for (int i = 0; i < 3; i++)
        ck_assert(WaitForSingleObject(semaphore, 0) == WAIT_OBJECT_0);
    ck_assert(WaitForSingleObject(semaphore, 0) == WAIT_TIMEOUT && ReleaseSemaphore(semaphore, 3, NULL) &&
              !ReleaseSemaphore(semaphore, 1, NULL));
    ck_assert(view != NULL && VirtualQuery(view, &memory, sizeof memory) != 0);
    ck_assert_uint_eq(memory.RegionSize, 8192);
    UnmapViewOfFile(view);
}

static void close_all(const HANDLE *handles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        CloseHandle(handles[i]);
}

START_TEST(named_objects_are_created)
{
    HANDLE handles[4], named[4];
    struct running running;
    wchar_t names[4][64];

    for (int i = 0; i < 4; i++)
        swprintf(names[i], 64, L"handoff-test-%lu-%c", GetCurrentProcessId(), "EMSF"[i]);
    name_objects("handoff-test-%lu-%c");
    running = start_batch_witness(objects);
    named[0] = OpenEventW(SYNCHRONIZE, FALSE, names[0]);
    named[1] = OpenMutexW(SYNCHRONIZE, FALSE, names[1]);
    named[2] = OpenSemaphoreW(SYNCHRONIZE, FALSE, names[2]);
    named[3] = OpenFileMappingW(FILE_MAP_READ, FALSE, names[3]);
    for (int i = 0; i < 4; i++) {
        handles[i] = of_witness(i);
        ck_assert_msg(is_same(named[i], handles[i]), "%ls", names[i]);
    }
    assert_created(handles[0], handles[1], handles[2], handles[3]);
    close_all(handles, 4);
    close_all(named, 4);
    finish_witness(&witness, &running);
}
END_TEST

START_TEST(named_objects_are_opened)
{
    wchar_t names[4][64];
    HANDLE there[4], handles[4];
    struct running running;

    for (int i = 0; i < 4; i++)
        swprintf(names[i], 64, L"handoff-test-%lu-%c", GetCurrentProcessId(), "EMSF"[i]);
    there[0] = CreateEventW(NULL, FALSE, TRUE, names[0]);
    there[1] = CreateMutexW(NULL, TRUE, names[1]);
    there[2] = CreateSemaphoreW(NULL, 7, 9, names[2]);
    there[3] = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 65536, names[3]);
    name_objects("handoff-test-%lu-%c");
    if (_i == 1)
        set_variable(L"F", "%ls", names[3]); /* without a size */
    running = start_batch_witness(objects);
    for (int i = 0; i < 4; i++) {
        handles[i] = of_witness(i);
        ck_assert_msg(is_same(there[i], handles[i]), "%ls", names[i]);
    }
    ck_assert(is_set(there[0]) && !is_set(there[0])); /* it was, and is one that resets itself */
    close_all(handles, 4);
    close_all(there, 4);
    finish_witness(&witness, &running);
}
END_TEST

START_TEST(nameless_objects_are_nobody_elses)
{
    HANDLE handles[4];
    struct running running;

    name_objects(NULL);
    running = start_batch_witness(objects);
    for (int i = 0; i < 4; i++)
        handles[i] = of_witness(i);
    assert_created(handles[0], handles[1], handles[2], handles[3]);
    close_all(handles, 4);
    finish_witness(&witness, &running);
}
END_TEST

/* Its size needs more than 32 bits. */
START_TEST(a_big_mapping)
{
    struct running running = start_batch_witness("\"%HANDOFF%\" --mapping m=,4295032832 -- \"%CHILD%\" table {m}\n");
    HANDLE mapping = of_witness(0);
    char *last = MapViewOfFile(mapping, FILE_MAP_READ, 1, 0, 0x10000);

    ck_assert_msg(last != NULL && last[0xFFFF] == 0, "error %lu", GetLastError());
    ck_assert_ptr_null(MapViewOfFile(mapping, FILE_MAP_READ, 1, 0x10000, 0x10000));
    UnmapViewOfFile(last);
    CloseHandle(mapping);
    finish_witness(&witness, &running);
}
END_TEST

START_TEST(a_process_to_wait_for)
{
    struct running running = start_batch_witness("\"%HANDOFF%\" --process p=%PID% -- \"%CHILD%\" table {p}\n");
    HANDLE process = of_witness(0);

    ck_assert_uint_eq(GetProcessId(process), GetCurrentProcessId());
    ck_assert(lives(process));
    ck_assert_msg(!TerminateProcess(process, 1), "the command can end it");
    CloseHandle(process);
    finish_witness(&witness, &running);
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

START_TEST(a_process_that_is_none)
{
    run_batch("\"%HANDOFF%\" --process p=4294967292 -- \"%CHILD%\" note {p}\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "no process has that id") != NULL, "%s", result.err);
}
END_TEST

/* As another handoff gives it; one of them its stream as well. */
START_TEST(a_handle_that_handoff_was_given)
{
    write_file(in_directory(L"in"), "content");
    write_batch(L"write.bat", "\"%CHILD%\" write %1 one\n\"%CHILD%\" write %2 two\necho three\n");
    run_batch("\"%HANDOFF%\" --read \"a=%DIR%\\in\" -- \"%HANDOFF%\" --handle b={a} -- \"%CHILD%\" read {b}\n"
              "\"%HANDOFF%\" --write \"o=%DIR%\\out\" --stdout o -- \"%HANDOFF%\" --handle x={o} --handle y=0x{o:x} "
              "-- \"%DIR%\\write.bat\" {x} {y}\n");
    assert_out("content");
    assert_content(L"out", "onetwothree\r\n");
}
END_TEST

/* A program's name is whatever its file says. Here somebody has named his so that its name would be a line of the
 * report and change the colour of a terminal (tests/faulty/faulty_prefix.c). */
START_TEST(who_has_a_file_open_writes_no_line)
{
    HANDLE held = CreateFileW(in_directory(L"held"), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL), read, write;
    const char *const says = "; in use by 'a?process=4?b?[31m' (4711), 'a?process=4?b?[31m' (4712); nothing was stolen";
    char report[4096];

    ck_assert(held != INVALID_HANDLE_VALUE);
    make_pipe(&read, &write);
    SetEnvironmentVariableW(L"HANDOFF_USER", L"a\nprocess=4\rb\x1B[31m");
    run(&result, program(OWN_WIDTH, L"faulty-prefix.exe"), L"--parent %lu --report %u --write \"w=%ls\" -- cmd {w}",
        GetCurrentProcessId(), number_of(write), in_directory(L"held"));
    SetEnvironmentVariableW(L"HANDOFF_USER", NULL);
    CloseHandle(held);
    CloseHandle(write);
    read_all(read, report, sizeof report);
    ck_assert_uint_eq(result.exit_code, 123);
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, says) != NULL, "%s", result.err);
    ck_assert_msg(strstr(report, says) != NULL && strstr(report, "\nprocess=") == NULL, "%s", report);
}
END_TEST

/* ---- G1 ---- */

/* A prefix whose Windows is strict about what it opens (tests/faulty/faulty_prefix.c): each file is opened so that a
 * pipe's server does not get its identity to act with, an address is taken for itself, and DLLs are the system's. */
START_TEST(nothing_is_opened_for_others_to_use)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX);

    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    run_batch(
        "\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% --read r=NUL --write w=NUL --append a=NUL --extend e=NUL "
        "--update u=NUL --lock \"%DIR%\\lock\" -- \"%CHILD%\" mode {p} {r} {w} {a} {e} {u}\n"
        "\"%HANDOFF%\" --listen l=127.0.0.1:0 --listen m=[::1]:0 --listen n=:0 -- \"%CHILD%\" mode {l} {m} {n}\n");
    ck_assert_msg(result.err[0] == '\0' && result.exit_code == 0, "%s", result.err);
    CloseHandle(server);
}
END_TEST

/* A prefix that looks at itself when it creates the command (tests/faulty/strict.h), where everything is open: nothing
 * is inheritable but what the command gets. It was given more. */
START_TEST(g1_nothing_else_is_inheritable)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION prefix;
    wchar_t line[4096], sources[2048];
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX), rubbish = CreateEventW(&inheritable, TRUE, FALSE, NULL);
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    write_file(in_directory(L"in"), "content");
    put_every_source(sources, port);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls --relay -- cmd /c exit 7 %ls",
             program(OWN_WIDTH, L"faulty-prefix.exe"), sources, every_name);
    ck_assert(CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &prefix));
    ck_assert_uint_eq(finish_child(&prefix), 7);
    CloseHandle(rubbish);
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

Suite *opening_suite(void)
{
    const struct listed_test in_a_line[] = {
        {read_gives_a_file, "opening in a line", 1},
        {write_empties_a_file, "opening in a line", 1},
        {append_adds_to_a_file, "opening in a line", 1},
    };
    const struct listed_test in_batch_files[] = {
        {every_kind_of_file, "opening in batch files", 1},
        {files_are_shared_as_help_says, "opening in batch files", ARRAYSIZE(sharing)},
        {append_and_extend, "opening in batch files", 1},
        {to_extend_one_after_another, "opening in batch files", 1},
        {what_cannot_be_opened_is_named, "opening in batch files", 1},
        {a_pipe_as_its_client, "opening in batch files", 1},
        {a_pipe_of_one_direction, "opening in batch files", 1},
        {to_append_to_a_pipe_is_refused, "opening in batch files", 1},
        {a_listening_socket, "opening in batch files", ARRAYSIZE(hosts)},
        {a_connected_socket, "opening in batch files", ARRAYSIZE(hosts)},
        {overlapped_or_not, "opening in batch files", ARRAYSIZE(modes)},
        {a_socket_is_read_and_written_as_a_stream, "opening in batch files", 1},
        {named_objects_are_created, "opening in batch files", 1},
        {named_objects_are_opened, "opening in batch files", 2},
        {nameless_objects_are_nobody_elses, "opening in batch files", 1},
        {a_big_mapping, "opening in batch files", 1},
        {a_process_to_wait_for, "opening in batch files", 1},
        {a_process_before_vista, "opening in batch files", 1},
        {a_process_that_is_none, "opening in batch files", 1},
        {a_handle_that_handoff_was_given, "opening in batch files", 1},
        {who_has_a_file_open_writes_no_line, "opening in batch files", 1},
        {nothing_is_opened_for_others_to_use, "opening in batch files", 1},
        {g1_nothing_else_is_inheritable, "opening in batch files", 1},
    };
    Suite *suite = console_suite("opening", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
