/* handoff.exe where it belongs: in batch files, read by cmd.exe's own parser. What it opens, how the command
 * runs, what it costs to wait, and what it says. */
#include "batch.h"

#include <ws2tcpip.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

#include "handle_table.h"

struct result result;

/* ---- a batch file and its directory ---- */

/* With a blank and beyond ASCII, and gone after each test. */
static wchar_t directory[MAX_PATH];

const wchar_t *in_directory(const wchar_t *name)
{
    static wchar_t paths[8][MAX_PATH + 64];
    static int next;
    wchar_t *path = paths[next++ % 8];

    swprintf(path, MAX_PATH + 64, L"%ls\\%ls", directory, name);
    return path;
}

void set_variable(const wchar_t *name, const char *format, ...)
{
    wchar_t wide[512];
    char value[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    swprintf(wide, ARRAYSIZE(wide), L"%hs", value);
    ck_assert(SetEnvironmentVariableW(name, wide));
}

/* What the batch files know: where things are, and a name for an object that only this process uses. */
void set_up_batch(void)
{
    swprintf(directory, ARRAYSIZE(directory), L"%ls", file_path(L"batch"));
    CreateDirectoryW(directory, NULL);
    SetEnvironmentVariableW(L"DIR", directory);
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"handoff.exe"));
    SetEnvironmentVariableW(L"CHILD", program(OWN_WIDTH, L"child.exe"));
    set_variable(L"NAME", "handoff-test-%lu", GetCurrentProcessId());
    set_variable(L"PID", "%lu", GetCurrentProcessId());
}

/* Where there is no console, as in a job without a terminal, Wine gives each program one of its own, whose
 * conhost.exe inherits what is inheritable there and lives on for a while: with any program, files stay in
 * use and pipes do not end. */
static BOOL made_console;

void enter_console(void)
{
    HANDLE streams[] = {GetStdHandle(STD_INPUT_HANDLE), GetStdHandle(STD_OUTPUT_HANDLE),
                        GetStdHandle(STD_ERROR_HANDLE)};
    DWORD process_id;

    for (int i = 0; i < 3; i++)
        SetHandleInformation(streams[i], HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    made_console = GetConsoleOutputCP() == 0 && FreeConsole() && AllocConsole();
    /* Wine's is there a moment later. */
    for (int tries = 0; made_console && GetConsoleProcessList(&process_id, 1) == 0 && tries < 10000; tries++)
        Sleep(1);
    SetStdHandle(STD_INPUT_HANDLE, streams[0]);
    SetStdHandle(STD_OUTPUT_HANDLE, streams[1]);
    SetStdHandle(STD_ERROR_HANDLE, streams[2]);
}

void leave_console(void)
{
    if (made_console)
        FreeConsole();
}

Suite *console_suite(const char *name, const struct listed_test *tests, size_t count, SFun set_up_test,
                     SFun tear_down_test)
{
    Suite *suite = suite_create(name);
    TCase *tcase = NULL;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(tests[i].name, tests[i - 1].name) != 0) {
            tcase = tcase_create(tests[i].name);
            tcase_add_unchecked_fixture(tcase, enter_console, leave_console);
            tcase_add_checked_fixture(tcase, set_up_test, tear_down_test);
            suite_add_tcase(suite, tcase);
        }
        tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].rows);
    }
    return suite;
}

void tear_down_batch(void)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(in_directory(L"*"), &found);
    BOOL more = search != INVALID_HANDLE_VALUE;

    for (; more; more = FindNextFileW(search, &found))
        if (!DeleteFileW(in_directory(found.cFileName)))
            RemoveDirectoryW(in_directory(found.cFileName));
    FindClose(search);
    RemoveDirectoryW(directory);
}

/* As a file, each line as cmd.exe wants it. */
const wchar_t *write_batch(const wchar_t *name, const char *text)
{
    static char lines[16384];
    char *to = lines + sprintf(lines, "@echo off\r\n");

    for (; *text != '\0'; text++) {
        if (*text == '\n')
            *to++ = '\r';
        *to++ = *text;
    }
    *to = '\0';
    write_file(in_directory(name), lines);
    return in_directory(name);
}

static const wchar_t *shell(void)
{
    static wchar_t path[MAX_PATH];

    ck_assert_uint_gt(GetEnvironmentVariableW(L"ComSpec", path, MAX_PATH), 0);
    return path;
}

void run_batch(const char *text)
{
    run(&result, shell(), L"/d /c \"%ls\"", write_batch(L"run.bat", text));
}

struct running start_batch(const char *text, DWORD creation_flags)
{
    wchar_t line[MAX_PATH + 64];

    swprintf(line, ARRAYSIZE(line), L"/d /c \"%ls\"", write_batch(L"run.bat", text));
    return start_running(shell(), line, NULL, creation_flags, NULL, NULL);
}

void assert_content(const wchar_t *name, const char *content)
{
    HANDLE file = CreateFileW(in_directory(name), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    char text[1024];

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "%ls: error %lu", name, GetLastError());
    read_all(file, text, sizeof text);
    ck_assert_str_eq(text, content);
}

void assert_out(const char *expected)
{
    ck_assert_msg(strcmp(result.out, expected) == 0 && result.err[0] == '\0', "out '%s', err '%s'", result.out,
                  result.err);
}

/* One line, of handoff's. */
void assert_one_line(const char *text)
{
    const char *end = strstr(text, "\r\n");

    ck_assert_msg(strncmp(text, "handoff: ", 9) == 0 && end != NULL && end[2] == '\0', "not one line: %s", text);
}

static void assert_ended(HANDLE pipe)
{
    char byte;
    DWORD size;

    ck_assert_msg(!ReadFile(pipe, &byte, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
                  "the pipe goes on with '%c'", byte);
}

HANDLE open_process(DWORD process_id)
{
    HANDLE process =
        OpenProcess(SYNCHRONIZE | PROCESS_DUP_HANDLE | PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | PROCESS_VM_READ,
                    FALSE, process_id);

    ck_assert_msg(process != NULL, "no process %lu: error %lu", process_id, GetLastError());
    return process;
}

/* A command that lists its handles and waits: what a batch file has opened for it, while it is open. */
struct witness witness;

struct running start_witness(const char *text)
{
    struct running running = start_batch(text, 0);

    memset(&witness, 0, sizeof witness);
    witness.stdout_read = running.out;
    read_table(&witness);
    witness.child.hProcess = open_process(witness.process_id);
    return running;
}

void finish_witness(struct running *running)
{
    CloseHandle(witness.child.hProcess);
    ck_assert_uint_eq(finish_running(running), 0);
}

/* ---- sources: files ---- */

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
    running = start_witness("\"%HANDOFF%\" %OPTION% \"f=%DIR%\\shared\" -- \"%CHILD%\" table {f}\n");
    ck_assert_uint_eq(try_open(GENERIC_READ), ERROR_SUCCESS);
    ck_assert_uint_eq(try_open(GENERIC_WRITE), sharing[_i].others_write ? ERROR_SUCCESS : ERROR_SHARING_VIOLATION);
    ck_assert_uint_eq(try_open(DELETE), ERROR_SUCCESS);
    finish_witness(&running);
    ck_assert_uint_eq(try_open(GENERIC_WRITE), ERROR_SUCCESS);
}
END_TEST

/* ---- sources: failures ---- */

static const struct {
    const char *source;
    int code;
} unopenable[] = {
    {"--read x=%DIR%\\missing", ERROR_FILE_NOT_FOUND},    {"--read x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--write x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},  {"--append x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND},
    {"--update x=%DIR%\\no\\such", ERROR_PATH_NOT_FOUND}, {"--read x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--write x=%DIR%\\held", ERROR_SHARING_VIOLATION},   {"--append x=%DIR%\\held", ERROR_SHARING_VIOLATION},
    {"--update x=%DIR%\\held", ERROR_SHARING_VIOLATION},  {"--pipe x=\\\\.\\pipe\\%NAME%-none", ERROR_FILE_NOT_FOUND},
    {"--listen x=127.0.0.1:%TAKEN%", WSAEADDRINUSE},      {"--connect x=127.0.0.1:%TAKEN%", WSAECONNREFUSED},
    {"--connect x=[::1]:%TAKEN6%", WSAECONNREFUSED},      {"--semaphore x=%NAME%,0", ERROR_INVALID_PARAMETER},
    {"--event x=%NAME%", ERROR_INVALID_HANDLE}, /* that is a mutex */
    {"--mapping x=%NAME%-none", ERROR_FILE_NOT_FOUND},    {"--process x=0", ERROR_INVALID_PARAMETER},
    {"--process x=4294967292", ERROR_INVALID_PARAMETER},  {"--handle x=0x7ffffff0", ERROR_INVALID_HANDLE},
    {"--handle x=0xffffffff", ERROR_INVALID_HANDLE},      {"--extend x=%DIR%\\held", ERROR_SHARING_VIOLATION},
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

/* ---- sources: pipes and sockets ---- */

static HANDLE pipe_server(void)
{
    wchar_t name[128];
    HANDLE server;

    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    server = CreateNamedPipeW(name, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);
    ck_assert(server != INVALID_HANDLE_VALUE);
    return server;
}

START_TEST(a_pipe_as_its_client)
{
    HANDLE server = pipe_server();
    char text[16] = "";
    DWORD size;

    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_out("");
    ck_assert(ReadFile(server, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, "hello");
    /* The only instance has a client that nobody has told to go. */
    run_batch("\"%HANDOFF%\" --pipe p=\\\\.\\pipe\\%NAME% -- \"%CHILD%\" write {p} hello\n");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "Win32 error 231: ") != NULL, "%s", result.err);
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

/* ---- sources: objects ---- */

HANDLE of_witness(int which)
{
    HANDLE handle;

    ck_assert_int_lt(which, (int)witness.told_count);
    handle = copy_from_child(&witness, witness.told[which]);
    ck_assert_msg(handle != NULL, "the command has no handle %lu", witness.told[which]);
    return handle;
}

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
    running = start_witness(objects);
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
    finish_witness(&running);
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
    running = start_witness(objects);
    for (int i = 0; i < 4; i++) {
        handles[i] = of_witness(i);
        ck_assert_msg(is_same(there[i], handles[i]), "%ls", names[i]);
    }
    ck_assert(is_set(there[0]) && !is_set(there[0])); /* it was, and is one that resets itself */
    close_all(handles, 4);
    close_all(there, 4);
    finish_witness(&running);
}
END_TEST

START_TEST(nameless_objects_are_nobody_elses)
{
    HANDLE handles[4];
    struct running running;

    name_objects(NULL);
    running = start_witness(objects);
    for (int i = 0; i < 4; i++)
        handles[i] = of_witness(i);
    assert_created(handles[0], handles[1], handles[2], handles[3]);
    close_all(handles, 4);
    finish_witness(&running);
}
END_TEST

START_TEST(a_process_to_wait_for)
{
    struct running running = start_witness("\"%HANDOFF%\" --process p=%PID% -- \"%CHILD%\" table {p}\n");
    HANDLE process = of_witness(0);

    ck_assert_uint_eq(GetProcessId(process), GetCurrentProcessId());
    ck_assert(lives(process));
    ck_assert_msg(!TerminateProcess(process, 1), "the command can end it");
    CloseHandle(process);
    finish_witness(&running);
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

/* ---- G1 ---- */

DWORD find_child_process(const wchar_t *name, DWORD parent_id)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD found = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == parent_id && wcscmp(entry.szExeFile, name) == 0)
            found = entry.th32ProcessID;
    }
    CloseHandle(snapshot);
    return found;
}

static const wchar_t every_source[] =
    L"--read \"r=%ls\\in\" --write \"w=%ls\\out\" --append \"a=%ls\\log\" --update \"u=%ls\\kept\" "
    L"--pipe p=\\\\.\\pipe\\handoff-test-%lu --listen l=127.0.0.1:0 --listen l6=[::1]:0 --connect c=127.0.0.1:%u "
    L"--event e= --mutex m= --semaphore s= --mapping f=,4096 --process x=%lu";
static const wchar_t every_name[] = L"{r} {w} {a} {u} {p} {l} {l6} {c} {e} {m} {s} {f} {x}";

static void put_every_source(wchar_t *to, WORD port)
{
    swprintf(to, 2048, every_source, directory, directory, directory, directory, GetCurrentProcessId(), port,
             GetCurrentProcessId());
}

/* A prefix that looks at itself when it creates the command (tests/faulty/strict.h), where everything is open: nothing is
 * inheritable but what the command gets. It was given more. */
START_TEST(g1_nothing_else_is_inheritable)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION prefix;
    wchar_t line[4096], sources[2048];
    HANDLE server = pipe_server(), rubbish = CreateEventW(&inheritable, TRUE, FALSE, NULL);
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

/* ---- running ---- */

/* A command that has started another, which copies stdin to stdout for as long as there is stdin; both hang
 * on, and a batch file around them that ends with handoff's exit code. */
struct family {
    struct running running;
    DWORD handoff_id;
    HANDLE child, grandchild;
};

static DWORD number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    ck_assert_msg(at != NULL, "no %s in %s", key, text);
    return (DWORD)strtoul(at + strlen(key), NULL, 10);
}

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

static void wait_for(HANDLE process)
{
    ck_assert(WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0);
}

static void finish_family(struct family *family, DWORD code)
{
    ck_assert_uint_eq(finish_running(&family->running), code);
    wait_for(family->child);
    wait_for(family->grandchild);
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
    wait_for(family.running.process.hProcess);
    if (endings[_i].relays)
        assert_ended(family.running.out);
    if (!endings[_i].spares) {
        wait_for(family.grandchild);
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

/* On a system that is slow with it (tests/faulty/faulty_prefix.c). Who ends a process says its code; and the program's file can
 * be deleted at once. */
START_TEST(what_was_ended_is_gone)
{
    static const struct {
        const char *options;
        BOOL child_ends;
        DWORD of_tree, exit_code;
    } rows[] = {
        {"--timeout 2s", FALSE, 124, 124},
        {"--timeout 2s --relay", FALSE, 124, 124},
        {"--kill-on-exit", TRUE, ERROR_PROCESS_ABORTED, 5},
        {"--kill-on-exit --relay", TRUE, ERROR_PROCESS_ABORTED, 5},
    };
    wchar_t copy[MAX_PATH];
    struct family family;
    DWORD code;

    /* It starts itself by a name in the ANSI code page. */
    GetTempPathW(MAX_PATH, copy);
    swprintf(copy + wcslen(copy), 64, L"handoff-test-%lu.exe", GetCurrentProcessId());
    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), copy, FALSE));
    SetEnvironmentVariableW(L"CHILD", copy);
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"faulty-prefix.exe"));
    SetEnvironmentVariableW(L"HANDOFF_JOB", L"slow");
    family = start_family(rows[_i].options);
    SetEnvironmentVariableW(L"HANDOFF_JOB", NULL);
    ck_assert(!rows[_i].child_ends || TerminateProcess(family.child, 5));
    wait_for(family.running.process.hProcess);
    ck_assert_msg(!lives(family.child) && !lives(family.grandchild), "somebody is still there");
    ck_assert_msg(DeleteFileW(copy), "the program's file: error %lu", GetLastError());
    ck_assert(GetExitCodeProcess(family.grandchild, &code));
    ck_assert_uint_eq(code, rows[_i].of_tree);
    finish_family(&family, rows[_i].exit_code);
}
END_TEST

START_TEST(handoff_is_killed)
{
    static const char *const options[] = {"--kill-on-exit", "--kill-on-exit --relay", "--timeout 1h"};
    struct family family = start_family(options[_i]);
    HANDLE handoff = open_process(family.handoff_id);

    ck_assert(TerminateProcess(handoff, 77));
    wait_for(family.child);
    wait_for(family.grandchild);
    wait_for(family.running.process.hProcess);
    CloseHandle(handoff);
    finish_family(&family, 77);
}
END_TEST

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

/* ---- --detach ---- */

/* What a process was started with, from its own memory: the console, then the streams. Returns whether it ignores
 * Ctrl-C, as the first of a process group does. */
static BOOL read_start(HANDLE process, HANDLE console_and_streams[4])
{
    enum {
        PARAMETERS = sizeof(void *) == 8 ? 0x20 : 0x10, /* of the process environment block */
        STREAMS = sizeof(void *) == 8 ? 0x20 : 0x18,    /* of the parameters */
        CONSOLE = 0x10
    };
    struct {
        LONG_PTR status;
        BYTE *block;
        ULONG_PTR others[4];
    } basic;
    LONG(WINAPI * query)
    (HANDLE, int, void *, ULONG, ULONG *) = (LONG(WINAPI *)(HANDLE, int, void *, ULONG, ULONG *))(void *)GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationProcess");
    BYTE *parameters;
    DWORD console_flags;

    ck_assert(query(process, 0, &basic, sizeof basic, NULL) >= 0);
    ck_assert(ReadProcessMemory(process, basic.block + PARAMETERS, &parameters, sizeof parameters, NULL));
    ck_assert(ReadProcessMemory(process, parameters + CONSOLE, console_and_streams, sizeof(HANDLE), NULL));
    ck_assert(ReadProcessMemory(process, parameters + STREAMS, console_and_streams + 1, 3 * sizeof(HANDLE), NULL));
    ck_assert(
        ReadProcessMemory(process, parameters + CONSOLE + sizeof(HANDLE), &console_flags, sizeof console_flags, NULL));
    return (console_flags & 1) != 0;
}

/* Wine's conhost.exe, which it starts for each console, inherits what its program has, and ends a little later. */
static HANDLE make_named_event(void)
{
    wchar_t name[64];
    HANDLE event;

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    for (DWORD tries = 0;; tries++) {
        event = CreateEventW(NULL, TRUE, FALSE, name);
        if (GetLastError() != ERROR_ALREADY_EXISTS)
            break;
        ck_assert_msg(tries < 10000, "somebody still has the event");
        CloseHandle(event);
        Sleep(1);
    }
    ck_assert_ptr_nonnull(event);
    return event;
}

/* The batch file has the pid and is done, and its pipes have ended, while the process lives, on a console of its own.
 * The program is found from where the batch file is. */
START_TEST(detached_with_nothing_of_ours)
{
    HANDLE event = make_named_event(), process, started_with[4];

    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), in_directory(L"prog.exe"), FALSE));
    run_batch("cd /d \"%DIR%\"\n"
              "for /f %%p in ('\"\"%HANDOFF%\" --detach --event e=%NAME% -- .\\prog.exe hold {e}\"') do set pid=%%p\n"
              "echo %errorlevel% %pid%\n");
    ck_assert_msg(strncmp(result.out, "0 ", 2) == 0 && result.err[0] == '\0', "out '%s', err '%s'", result.out,
                  result.err);
    process = open_process((DWORD)strtoul(result.out + 2, NULL, 10));
    ck_assert(comes(event));
    ck_assert_msg(read_start(process, started_with), "it is in our process group");
    ck_assert_msg(started_with[0] != NULL, "it has no console, so each program that it starts would get a window");
    for (int i = 1; i < 4; i++) {
        HANDLE stream = NULL; /* that console's, if it is any */

        ck_assert_msg(started_with[i] == NULL || (DuplicateHandle(process, started_with[i], GetCurrentProcess(),
                                                                  &stream, 0, FALSE, DUPLICATE_SAME_ACCESS) &&
                                                  GetFileType(stream) == FILE_TYPE_CHAR),
                      "it has a stream of ours: %p", started_with[i]);
        CloseHandle(stream);
    }
    ck_assert(lives(process));
    TerminateProcess(process, 0);
    wait_for(process);
    CloseHandle(process);
    CloseHandle(event);
}
END_TEST

/* In the directory of whoever starts it, or in another. */
static const struct {
    const char *start, *options;
} detached_from[] = {{"cd /d \"%DIR%\"\n", ""}, {"", "--dir \"%DIR%\""}};

START_TEST(detached_with_the_streams_and_the_directory_that_were_asked_for)
{
    HANDLE event = make_named_event(), process;
    char lines[1024];

    snprintf(lines, sizeof lines,
             "%s\"%%HANDOFF%%\" --detach %s --write \"o=%%DIR%%\\out\" --stdout o --event e=%%NAME%% -- cmd /c "
             "\"%%CHILD%% place & %%CHILD%% signal {e}\" >\"%%DIR%%\\pid\"\n"
             "type \"%%DIR%%\\pid\"\n",
             detached_from[_i].start, detached_from[_i].options);
    run_batch(lines);
    process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)strtoul(result.out, NULL, 10));
    ck_assert(comes(event));
    if (process != NULL)
        wait_for(process);
    CloseHandle(process);
    CloseHandle(event);
    run_batch("cd /d \"%DIR%\"\n"
              "%CHILD% place >expected\n"
              "fc out expected >NUL && echo same\n");
    ck_assert_uint_gt(strlen(result.out), 0);
}
END_TEST

/* ---- --relay ---- */

char *make_big_file(const wchar_t *name, DWORD size)
{
    char *bytes = malloc(size);
    HANDLE file = CreateFileW(in_directory(name), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD written;

    for (DWORD i = 0; i < size; i++)
        bytes[i] = (char)('0' + random_below(64));
    ck_assert(WriteFile(file, bytes, size, &written, NULL) && written == size);
    CloseHandle(file);
    return bytes;
}

static void assert_big_file(const wchar_t *name, const char *bytes, DWORD size)
{
    HANDLE file = CreateFileW(in_directory(name), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    char *content = malloc(size + 3);
    DWORD read;

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    read = read_all(file, content, size + 3);
    ck_assert_msg(read == size && memcmp(content, bytes, size) == 0, "%lu bytes of %lu", read, size);
    free(content);
}

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
        wait_for(child);
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
    DWORD size;
    const char *says;
} unread[] = {
    {1 << 20, "handoff: --timeout: the time is up, so the command and all that it has started were ended: '2s'"},
    {73000, "handoff: --timeout: the time is up, and nobody reads the output: '2s'"},
};

/* The end comes, and is said, while the output has a reader that does not read. */
START_TEST(the_time_is_up_though_nobody_reads)
{
    struct running running;
    char text[1024];

    free(make_big_file(L"big", unread[_i].size));
    running = start_batch("\"%HANDOFF%\" --relay --timeout 2s --read \"i=%DIR%\\big\" -- \"%CHILD%\" read {i}\n"
                          "exit %errorlevel%\n",
                          0);
    wait_for(running.process.hProcess);
    ck_assert(read_line(running.err, text, sizeof text));
    text[strcspn(text, "\r")] = '\0';
    ck_assert_str_eq(text, unread[_i].says);
    ck_assert_uint_eq(finish_running(&running), 124);
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
    wait_for(running.process.hProcess);
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
    wait_for(child);
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
    wait_for(event);
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
    if (made_console || console == INVALID_HANDLE_VALUE)
        skip("the terminal's console is what a child can be given here, and there is no terminal");
    else
        ck_assert_uint_eq(type_of_stdout(console, L"--relay"), FILE_TYPE_CHAR);
    if (!made_console && console != INVALID_HANDLE_VALUE)
        ck_assert_uint_eq(type_of_stdout(console, L"--tee NUL"), FILE_TYPE_PIPE);
    CloseHandle(console);
    CloseHandle(file);
}
END_TEST

/* ---- --detach in a job ---- */

static const struct {
    DWORD limits;
    BOOL stays;
} outer_jobs[] = {{JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, TRUE},
                  {JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK, FALSE},
                  {JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, FALSE}};

/* As a CI agent or a terminal has it around each step. */
START_TEST(detached_out_of_a_job_that_lets_go)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation = {.LimitFlags = outer_jobs[_i].limits}};
    HANDLE job = CreateJobObjectW(NULL, NULL), read, write, nul, process;
    PROCESS_INFORMATION handoff;
    wchar_t line[1024];
    char text[64];
    BOOL in_job;

    ck_assert(SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits));
    make_pipe(&read, &write);
    make_pipe(&nul, &process);
    CloseHandle(process);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" --detach -- \"%ls\" hold 0", program(OWN_WIDTH, L"handoff.exe"),
             program(OWN_WIDTH, L"child.exe"));
    ck_assert(start_directly(line, (HANDLE[]){nul, write, write}, CREATE_SUSPENDED, &handoff));
    ck_assert(AssignProcessToJobObject(job, handoff.hProcess) && ResumeThread(handoff.hThread) == 1);
    CloseHandle(write);
    CloseHandle(nul);
    read_all(read, text, sizeof text);
    ck_assert_msg(finish_child(&handoff) == 0, "%s", text);
    process = open_process((DWORD)strtoul(text, NULL, 10));
    ck_assert(IsProcessInJob(process, job, &in_job));
    ck_assert_int_eq(in_job, outer_jobs[_i].stays);
    CloseHandle(job);
    if (!outer_jobs[_i].stays)
        ck_assert(lives(process) && TerminateProcess(process, 0));
    wait_for(process);
    CloseHandle(process);
}
END_TEST

/* ---- --wait-tree ---- */

static const char *const waits_for_tree[] = {"--wait-tree", "--wait-tree --relay", "--wait-tree --timeout 1h"};

/* The command has ended and what it has started works on; the exit code is the command's all the same. */
START_TEST(all_that_the_command_started_is_waited_for)
{
    struct family family = start_family(waits_for_tree[_i]);
    char text[16];
    DWORD size;

    ck_assert(TerminateProcess(family.child, 5));
    wait_for(family.child);
    ck_assert(WriteFile(family.running.in, "alive", 5, &size, NULL));
    ck_assert(ReadFile(family.running.out, text, sizeof text, &size, NULL) && size == 5);
    ck_assert_msg(WaitForSingleObject(family.running.process.hProcess, 200) == WAIT_TIMEOUT, "it does not wait");
    ck_assert(lives(family.grandchild));
    finish_family(&family, 5);
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
    HANDLE server = pipe_server();
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

/* ---- other ways ---- */

START_TEST(the_directory_of_the_command)
{
    ck_assert(CreateDirectoryW(in_directory(L"a b"), NULL));
    run_batch("cd /d \"%DIR%\\a b\"\n"
              "cd\n"
              "cd ..\n"
              "\"%HANDOFF%\" --dir \"%DIR%\\a b\" -- cmd /c cd\n"
              "\"%HANDOFF%\" --dir \"a b\" -- cmd /c cd\n");
    RemoveDirectoryW(in_directory(L"a b"));
    {
        size_t length = strcspn(result.out, "\n") + 1;

        ck_assert_msg(length > 5 && strlen(result.out) == 3 * length &&
                          memcmp(result.out, result.out + length, 2 * length) == 0,
                      "%s %s", result.out, result.err);
    }
    run_batch("\"%HANDOFF%\" --dir \"%DIR%\\none\" -- cmd /c cd\necho %errorlevel%\n");
    assert_one_line(result.err);
    ck_assert_msg(strcmp(result.out, "125\r\n") == 0, "%s", result.out);
}
END_TEST

/* Puts the path of a directory into `path` that is too long to start in. */
static void make_long_directory(wchar_t *path)
{
    swprintf(path, 600, L"\\\\?\\%ls", directory);
    for (int level = 0; level < 2; level++) {
        wcscat(path, L"\\");
        wmemset(path + wcslen(path), L'd', 150 + 1)[150] = L'\0';
        ck_assert_msg(CreateDirectoryW(path, NULL), "%lu", GetLastError());
    }
}

static void remove_long_directory(wchar_t *path)
{
    for (int level = 0; level < 2; level++) {
        RemoveDirectoryW(path);
        *wcsrchr(path, L'\\') = L'\0';
    }
}

START_TEST(long_paths)
{
    wchar_t path[600], file[640];

    make_long_directory(path);
    swprintf(file, ARRAYSIZE(file), L"%ls\\app.ini", path);
    SetEnvironmentVariableW(L"LONG", path);
    write_file(file, "key=value\n");
    run_batch("\"%HANDOFF%\" --read \"in=%LONG%\\app.ini\" -- \"%CHILD%\" read {in}\n"
              "\"%HANDOFF%\" --dir \"%LONG:~4%\" -- cmd /c cd\n"
              "echo %errorlevel%\n");
    ck_assert(DeleteFileW(file));
    remove_long_directory(path);
    ck_assert_msg(strncmp(result.out, "key=value", 9) == 0, "%s %s", result.out, result.err);
    ck_assert_msg(strstr(result.out, "\n125\r\n") != NULL, "%s", result.out);
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "--dir is longer than the 258 characters") != NULL, "%s", result.err);
}
END_TEST

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

START_TEST(help_about_something_else)
{
    run_batch("\"%HANDOFF%\" --help nonsense\n"
              "echo %errorlevel%\n");
    ck_assert_str_eq(result.out, "125\r\n");
    ck_assert_str_eq(result.err, "handoff: help is about sources, sinks, running and codes, not 'nonsense'\r\n");
}
END_TEST

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
    {"--timeout 41d", "1d: '41d'"},
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

/* ---- citizens ---- */

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

/* ---- waiting ---- */

/* A command that gives up all that it has and waits: handoff has done so too when nobody has the streams. */
static struct running start_retired(const wchar_t *path, const wchar_t *line, BOOL speaks)
{
    struct running running = start_running(path, line, NULL, 0, NULL, NULL);
    static char text[8192];

    while (read_line(running.out, text, sizeof text))
        ;
    while (!speaks && read_line(running.err, text, sizeof text))
        ;
    return running;
}

/* With every source there is; `options` before them. */
static struct running start_waiting(const wchar_t *options, WORD port, BOOL speaks)
{
    wchar_t line[6144], sources[2048], name[64];

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    write_file(in_directory(L"in"), "content");
    put_every_source(sources, port);
    swprintf(line, ARRAYSIZE(line), L"%ls %ls -- \"%ls\" retire %ls-done %ls", options, sources,
             program(OWN_WIDTH, L"child.exe"), name, every_name);
    return start_retired(program(OWN_WIDTH, L"handoff.exe"), line, speaks);
}

/* The same program that the command is, without a command: it waits too, and has one handle, its event's. Where handoff
 * has had a thread, it has had one: Wine keeps the stack of the last one that has ended. */
static struct running start_idle(BOOL has_had_thread)
{
    wchar_t line[128], name[64];

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    swprintf(line, ARRAYSIZE(line), L"%ls %ls-done", has_had_thread ? L"rest" : L"retire", name);
    return start_retired(program(OWN_WIDTH, L"child.exe"), line, FALSE);
}

static HANDLE make_done_event(void)
{
    wchar_t name[64], done[80];
    HANDLE event;

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    swprintf(done, ARRAYSIZE(done), L"%ls-done", name);
    event = CreateEventW(NULL, TRUE, FALSE, done);
    ck_assert_ptr_nonnull(event);
    return event;
}

typedef BOOL handle_test(HANDLE copy, DWORD process_id, DWORD *child_id);

static BOOL is_child(HANDLE copy, DWORD process_id, DWORD *child_id)
{
    DWORD id = GetProcessId(copy);

    if (id == 0 || id == process_id || id == GetCurrentProcessId())
        return FALSE;
    *child_id = id;
    return TRUE;
}

static BOOL is_job(HANDLE copy, DWORD process_id, DWORD *child_id)
{
    HANDLE child = open_process(*child_id);
    BOOL in_job = FALSE;

    (void)process_id;
    IsProcessInJob(child, copy, &in_job);
    CloseHandle(child);
    return in_job;
}

static DWORD count_such(DWORD process_id, handle_test *test, DWORD *child_id)
{
    struct table *table = query_table();
    HANDLE process = open_process(process_id), copy;
    DWORD count = 0;

    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id != process_id ||
            !DuplicateHandle(process, (HANDLE)table->entries[i].handle, GetCurrentProcess(), &copy, 0, FALSE,
                             DUPLICATE_SAME_ACCESS))
            continue;
        count += (DWORD)test(copy, process_id, child_id);
        CloseHandle(copy);
    }
    CloseHandle(process);
    free_table(table);
    return count;
}

/* What may have something to say at the end keeps stderr; a file is one handle, a relay the two ends that it has for
 * each stream. */
static const struct {
    const wchar_t *options;
    BOOL speaks;
    DWORD more;
} waits[] = {{L"", FALSE, 0},
             {L"--kill-on-exit", FALSE, 0},
             {L"--wait-tree", FALSE, 0},
             {L"--timeout 0", FALSE, 0},
             {L"--timeout 1h", TRUE, 1},
             {L"--trace --seal --env A={r}", TRUE, 1},
             {L"--trace=json --fd 3=r", TRUE, 1},
             {L"--fd 3=a --fd 4=a --sealed a --overlapped p", FALSE, 0},
             {L"--trace=json:NUL", TRUE, 2},
             {L"--relay", TRUE, 3},
             {L"--tee NUL", TRUE, 4},
             {L"--tee-append NUL", TRUE, 4}};

/* What passes output on may still be at it, with a thread of Windows' pool. */
static DWORD count_handles_at_rest(DWORD process_id, DWORD most)
{
    enum { PAUSE_MS = 50, PAUSES_MOST = 200 };
    DWORD count = count_handles(process_id);

    for (int pauses = 0; pauses < PAUSES_MOST && count > most; pauses++) {
        Sleep(PAUSE_MS);
        count = count_handles(process_id);
    }
    return count;
}

START_TEST(waiting_costs_nothing)
{
    HANDLE server = pipe_server(), event = make_done_event();
    DWORD handles, idle_handles, child_id = 0, children, jobs;
    SIZE_T memory, idle_memory;
    struct running idle = start_idle(wcsstr(waits[_i].options, L"--trace") != NULL), waiting;
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    waiting = start_waiting(waits[_i].options, port, waits[_i].speaks);
    idle_handles = count_handles(idle.process.dwProcessId) - 1;
    handles = count_handles_at_rest(waiting.process.dwProcessId, idle_handles + 2 + waits[_i].more);
    memory = private_memory(waiting.process.hProcess);
    idle_memory = private_memory(idle.process.hProcess);
    children = count_such(waiting.process.dwProcessId, is_child, &child_id);
    jobs = count_such(waiting.process.dwProcessId, is_job, &child_id);
    ck_assert_uint_eq(children, 1);
    ck_assert_uint_eq(jobs, 1);
    ck_assert_msg(handles <= idle_handles + 2 + waits[_i].more, "%lu handles, one that does nothing has %lu", handles,
                  idle_handles);
    ck_assert_uint_gt(idle_memory, 0);
    ck_assert_msg(memory <= idle_memory + (256 << 10), "%lu KiB, one that does nothing has %lu",
                  (unsigned long)(memory >> 10), (unsigned long)(idle_memory >> 10));
    SetEvent(event);
    ck_assert_uint_eq(finish_running(&waiting), 0);
    ck_assert_uint_eq(finish_running(&idle), 0);
    CloseHandle(event);
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

/* ---- help ---- */

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
    "--read",  "--write",     "--append",  "--update",    "--pipe",    "--listen",       "--connect", "--event",
    "--mutex", "--mapping",   "--handle",  "--semaphore", "--process", "--stdin",        "--stdout",  "--stderr",
    "--fd",    "--env",       "--unset",   "--seal",      "--dir",     "--detach",       "--timeout", "--relay",
    "--tee",   "--wait-tree", "--dry-run", "--trace",     "=json",     "--kill-on-exit", "--parent",  "--copy",
    "--steal", "--report",    "--lock",    "--wait",      "--sealed",  "--overlapped",   "--extend",  "--tee-append",
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
    {"--q", NULL},
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

/* ---- trace ---- */

static const char *skip_json(const char *at);

static const char *skip_string(const char *at)
{
    for (at++; *at != '"'; at++) {
        ck_assert_msg(*at >= ' ' && *at < 0x7F, "not in a string: %s", at);
        if (*at == '\\') {
            at++;
            ck_assert_msg(*at != '\0' && strchr("\"\\/bfnrtu", *at) != NULL, "no escape: %s", at);
            if (*at == 'u') {
                ck_assert_msg(strspn(at + 1, "0123456789abcdefABCDEF") >= 4, "no escape: %s", at);
                at += 4;
            }
        }
    }
    return at + 1;
}

static const char *skip_members(const char *at, char end, BOOL named)
{
    if (*at == end)
        return at + 1;
    for (;; at++) {
        if (named) {
            ck_assert_msg(*at == '"', "no name: %s", at);
            at = skip_string(at);
            ck_assert_msg(*at++ == ':', "no colon: %s", at);
        }
        at = skip_json(at);
        if (*at == end)
            return at + 1;
        ck_assert_msg(*at == ',', "neither , nor %c: %s", end, at);
    }
}

/* One value without blanks, as ours are; returns what follows. */
static const char *skip_json(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};

    if (*at == '{' || *at == '[')
        return skip_members(at + 1, *at == '{' ? '}' : ']', *at == '{');
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < ARRAYSIZE(words); i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    }
    ck_assert_msg(*at >= '0' && *at <= '9' && (*at != '0' || strspn(at, "0123456789") == 1), "no value: %s", at);
    return at + strspn(at, "0123456789");
}

static void assert_json_lines(const char *text, unsigned count)
{
    for (const char *line = text; count > 0; count--) {
        const char *end = *line == '{' ? skip_json(line) : line;

        ck_assert_msg(strncmp(end, "\r\n", 2) == 0 && (count > 1 || end[2] == '\0'), "not so many lines of JSON: %s",
                      text);
        line = end + 2;
    }
}

/* The object that says it of the handle. */
static const char *of_handle(const char *json, const wchar_t *name)
{
    static char object[512];
    char begins[64];
    const char *at;

    snprintf(begins, sizeof begins, "{\"name\":\"%ls\",", name);
    at = strstr(json, begins);
    ck_assert_msg(at != NULL, "nothing of %ls in %s", name, json);
    snprintf(object, sizeof object, "%.*s", (int)(skip_json(at) - at), at);
    return object;
}

/* Starts the child with every source and sink, and lets it list what it has been told. */
static void trace_everything(const wchar_t *option, WORD port, char *trace, DWORD capacity)
{
    static wchar_t line[6144], sources[2048];
    struct running running;

    put_every_source(sources, port);
    swprintf(
        line, ARRAYSIZE(line),
        L"%ls %ls --handle n={n} --fd 7=a --fd 3=r --stderr w --stdin r --env \"X=a{e:x}\" --seal -- \"%ls\" table "
        L"%ls {n} {l.port} {l6.port}",
        option, sources, program(OWN_WIDTH, L"child.exe"), every_name);
    /* The outer one gives the inner one a handle. Its own placeholders are those of {{ }} here. */
    {
        static wchar_t both[8192];
        wchar_t *to = both + swprintf(both, 256, L"--event n= -- \"%ls\" ", program(OWN_WIDTH, L"handoff.exe"));

        for (const wchar_t *from = line; *from != L'\0'; from++) {
            *to++ = *from;
            if (wcsncmp(from, L"{n} {", 5) == 0)
                to += swprintf(to - 1, 16, L"{{n}}") - 1, from += 2;
        }
        *to = L'\0';
        running = start_running(program(OWN_WIDTH, L"handoff.exe"), both, NULL, 0, NULL, NULL);
    }
    memset(&witness, 0, sizeof witness);
    witness.stdout_read = running.out;
    read_table(&witness);
    *trace = '\0';
    while (strstr(trace, "created") == NULL) { /* the last that is said before the end */
        char *end = trace + strlen(trace);

        ck_assert(read_line(running.err, end, capacity - (DWORD)(end - trace) - 2));
        strcat(end, "\n");
    }
    ck_assert_uint_eq(finish_running(&running), 0);
}

static const wchar_t *const traced[] = {L"r", L"w", L"a", L"u", L"p", L"l", L"l6",
                                        L"c", L"e", L"m", L"s", L"f", L"x", L"n"};

START_TEST(the_json_trace_is_true)
{
    HANDLE server = pipe_server();
    static char trace[16384];
    const char *object;
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    write_file(in_directory(L"in"), "");
    trace_everything(L"--trace=json", port, trace, sizeof trace);
    assert_json_lines(trace, 1);
    ck_assert_uint_eq(number_after(trace, "\"child\":"), witness.process_id);
    ck_assert_uint_eq(witness.told_count, ARRAYSIZE(traced) + 2);
    for (size_t i = 0; i < ARRAYSIZE(traced); i++) {
        object = of_handle(trace, traced[i]);
        ck_assert_uint_eq(number_after(object, "\"child\":"), witness.told[i]);
        ck_assert_uint_eq(number_after(object, "\"launcher\":"), witness.told[i]);
        ck_assert_ptr_nonnull(strstr(object, "\"parent\":null,")); /* it was never another's */
        ck_assert_ptr_nonnull(strstr(object, "\"sealed\":true"));
        ck_assert_int_eq(strstr(object, "\"descriptor\":") != NULL, *traced[i] == L'r' || *traced[i] == L'a');
    }
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"r"), "\"streams\":[\"stdin\"],\"descriptor\":3,"));
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"w"), "\"streams\":[\"stderr\"],"));
    ck_assert_ptr_nonnull(strstr(of_handle(trace, L"a"), "\"streams\":[],\"descriptor\":7,"));
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

START_TEST(the_trace_is_true)
{
    HANDLE server = pipe_server();
    static char trace[16384];
    SOCKET listener;
    WORD port;

    listener = bound_socket(AF_INET, TRUE, &port);
    write_file(in_directory(L"in"), "");
    trace_everything(L"--trace", port, trace, sizeof trace);
    for (size_t i = 0; i < ARRAYSIZE(traced); i++) {
        static const char *const sinks[] = {">stdin>fd3", ">stderr", ">fd7"};
        char says[128], *line;

        snprintf(says, sizeof says, "handoff: %ls%s (sealed): 0x", traced[i], i < 3 ? sinks[i] : "");
        line = strstr(trace, says);
        ck_assert_msg(line != NULL, "no '%s' in %s", says, trace);
        snprintf(says, sizeof says, " -> 0x%lx in child %lu\r\n", witness.told[i], witness.process_id);
        ck_assert_msg(strncmp(strchr(line, '\r') + 2 - strlen(says), says, strlen(says)) == 0, "%s: %.200s", says,
                      line);
    }
    ck_assert_ptr_nonnull(strstr(trace, " us: child created\r\n"));
    CloseHandle(server);
    closesocket(listener);
}
END_TEST

/* What the command sees is what the trace says that it sees. */
START_TEST(the_json_trace_has_the_command_line)
{
    const wchar_t *seen = (wchar_t *)(void *)result.out;
    char encoded[1024], *to = encoded;

    write_file(in_directory(L"in"), "");
    run_batch("\"%HANDOFF%\" --trace=json --read \"x=%DIR%\\in\" -- \"%CHILD%\" line {x} {{x}} \"a\\b\\\" \"\"c\"\" "
              "%DIR% {y}\n");
    assert_json_lines(result.err, 2);
    for (; *seen != L'\0'; seen++)
        to += sprintf(to,
                      *seen < L' ' || *seen > 0x7E      ? "\\u%04x"
                      : *seen == L'"' || *seen == L'\\' ? "\\%c"
                                                        : "%c",
                      *seen);
    ck_assert_msg(strstr(encoded, "{x}") != NULL && strstr(result.err, encoded) != NULL, "%s: %s", encoded, result.err);
}
END_TEST

static const struct {
    const char *options, *command, *says;
} traced_ends[] = {
    {"", "exit 5", "exit code 5 (exited): '"},
    {"", "exit 0xc0000005", "exit code 0xc0000005 (access violation): '"},
    {"", "exit 0x80000001", "exit code 0x80000001 (exited): '"},
    {"--timeout 100ms", "hold 0", "exit code 124 (timeout): '"},
};

static const char *last_line(const char *text)
{
    const char *end = text + strlen(text);

    ck_assert_msg(end - text > 2, "'%s'", text);
    for (end -= 2; end > text && end[-1] != '\n'; end--)
        ;
    return end;
}

/* The program is the one that ran, whichever name it was found by. */
START_TEST(the_trace_tells_the_end)
{
    char says[256];

    set_variable(L"OPTIONS", "%s", traced_ends[_i].options);
    set_variable(L"ACTION", "%s", traced_ends[_i].command);
    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), in_directory(L"prog.exe"), FALSE));
    run_batch("cd /d \"%DIR%\"\n\"%HANDOFF%\" --trace %OPTIONS% -- prog %ACTION%\n");
    snprintf(says, sizeof says, "handoff: %s", traced_ends[_i].says);
    ck_assert_msg(strncmp(last_line(result.err), says, strlen(says)) == 0 &&
                      strstr(last_line(result.err), "\\prog.exe'\r\n") != NULL,
                  "%s", result.err);
}
END_TEST

/* Of each command, and with nothing of it among what the commands say. */
START_TEST(the_json_trace_goes_to_a_file)
{
    HANDLE file;
    char text[4096];

    run_batch("\"%HANDOFF%\" --trace=json:\"%DIR%\\trace\" -- \"%CHILD%\" exit 5\n"
              "\"%HANDOFF%\" \"--trace=json:%DIR%\\trace\" -- \"%CHILD%\" exit 6\n");
    assert_out("");
    ck_assert_uint_eq(result.exit_code, 6);
    file = CreateFileW(in_directory(L"trace"), GENERIC_READ, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    read_all(file, text, sizeof text);
    assert_json_lines(text, 4);
    ck_assert_ptr_nonnull(strstr(text, "child.exe\",\"exit_code\":5,\"ended\":\"exited\"}\r\n{\"parent\""));
    ck_assert_ptr_nonnull(strstr(text, "child.exe\",\"exit_code\":6,\"ended\":\"exited\"}\r\n"));
}
END_TEST

/* ---- being understood ---- */

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

Suite *batch_suite(void)
{
    const struct listed_test tests[] = {
        {every_kind_of_file, "batch sources", 1},
        {files_are_shared_as_help_says, "batch sources", ARRAYSIZE(sharing)},
        {what_cannot_be_opened_is_named, "batch sources", 1},
        {a_pipe_as_its_client, "batch sources", 1},
        {a_listening_socket, "batch sources", ARRAYSIZE(hosts)},
        {a_connected_socket, "batch sources", ARRAYSIZE(hosts)},
        {named_objects_are_created, "batch sources", 1},
        {named_objects_are_opened, "batch sources", 2},
        {nameless_objects_are_nobody_elses, "batch sources", 1},
        {a_process_to_wait_for, "batch sources", 1},
        {a_handle_that_handoff_was_given, "batch sources", 1},
        {g1_nothing_else_is_inheritable, "batch sources", 1},
        {the_command_ends, "batch running", ARRAYSIZE(endings)},
        {what_was_ended_is_gone, "batch running", 4},
        {handoff_is_killed, "batch running", 3},
        {the_time_is_up, "batch running", 5},
        {the_time_is_not_up, "batch running", 1},
        {detached_with_nothing_of_ours, "batch running", 1},
        {detached_with_the_streams_and_the_directory_that_were_asked_for, "batch running", ARRAYSIZE(detached_from)},
        {detached_out_of_a_job_that_lets_go, "batch running", ARRAYSIZE(outer_jobs)},
        {all_that_the_command_started_is_waited_for, "batch running", ARRAYSIZE(waits_for_tree)},
        {tee_keeps_the_output_and_the_exit_code, "batch running", ARRAYSIZE(tees)},
        {tee_says_when_its_file_takes_no_more, "batch running", 1},
        {the_time_is_up_though_nobody_reads, "batch running", ARRAYSIZE(unread)},
        {the_time_is_up_though_nobody_hears_it, "batch running", 1},
        {relay_loses_nothing, "batch running", 1},
        {relay_keeps_the_order_of_streams_that_are_one, "batch running", 1},
        {relay_keeps_the_order_of_two_handles_of_one_stream, "batch running", 1},
        {relay_drains_what_the_command_left, "batch running", 1},
        {relay_without_a_reader, "batch running", 1},
        {relay_ends_though_the_background_is_busy, "batch running", 1},
        {relay_leaves_a_console_alone, "batch running", 1},
        {the_directory_of_the_command, "batch running", 1},
        {long_paths, "batch running", 1},
        {a_dry_run_touches_nothing, "batch running", 1},
        {a_dry_run_of_a_program_that_is_not_there, "batch running", 1},
        {what_makes_no_sense_is_one_line, "batch running", 1},
        {a_batch_file_sees_no_difference, "batch manners", ARRAYSIZE(manners)},
        {a_wrapper_forwards_options, "batch manners", 1},
        {waiting_costs_nothing, "batch waiting", ARRAYSIZE(waits)},
        {help_fits_a_screen_and_leaves_nothing_out, "batch help", 1},
        {help_about_something_else, "batch help", 1},
        {a_misspelt_option_is_told_the_nearest, "batch help", 1},
        {the_json_trace_is_true, "batch help", 1},
        {the_trace_is_true, "batch help", 1},
        {the_json_trace_has_the_command_line, "batch help", 1},
        {the_trace_tells_the_end, "batch help", ARRAYSIZE(traced_ends)},
        {the_json_trace_goes_to_a_file, "batch help", 1},
        {help_is_where_people_look_for_it, "batch help", ARRAYSIZE(asking)},
        {a_path_ends_where_it_seems_to, "batch help", 1},
        {a_program_that_is_not_there_is_told_what_it_is, "batch help", 1},
    };

    return console_suite("batch", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
