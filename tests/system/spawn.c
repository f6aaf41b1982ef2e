/* A spawn that succeeds: what the child has, what the parent keeps. Each test runs for all widths of
 * launcher and child, and the whole program for both widths of the parent: eight combinations. */
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { COMBINATIONS = WIDTH_COUNT * WIDTH_COUNT };

static int launcher_width(int i)
{
    return i % WIDTH_COUNT;
}

static int child_width(int i)
{
    return i / WIDTH_COUNT % WIDTH_COUNT;
}

/* ---- looking into a child's handle table ---- */

static void list_names(wchar_t *arguments, DWORD count)
{
    wcscpy(arguments, L"table");
    arguments += wcslen(arguments);
    for (DWORD i = 0; i < count; i++)
        arguments += swprintf(arguments, 16, L" {h%lu}", i);
}

/* ---- G2: exactly the selected handles ---- */

/* The child started directly, with a pipe for stdin and one for stdout and stderr: what any fresh
 * process has, and these two. */
static DWORD count_without_handoff(int width)
{
    struct witness witness = {0};
    HANDLE stdin_read, stdout_write;
    wchar_t line[512];

    make_pipe(&stdin_read, &witness.stdin_write);
    make_pipe(&witness.stdout_read, &stdout_write);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" table", program(width, L"child.exe"));
    ck_assert(
        start_directly(line, (HANDLE[]){stdin_read, stdout_write, stdout_write}, DETACHED_PROCESS, &witness.child));
    CloseHandle(stdin_read);
    CloseHandle(stdout_write);
    read_table(&witness);
    end_witness(&witness);
    return witness.has_count;
}

static void check_handles(int combination, const wchar_t *launcher, DWORD count)
{
    static struct handoff_pass passes[MOST_HANDLES + 2];
    static wchar_t names[MOST_HANDLES][8];
    static wchar_t arguments[MOST_HANDLES * 8 + 16];
    static struct witness witness;
    static DWORD numbers[MOST_HANDLES + 2];
    DWORD fresh = count_without_handoff(child_width(combination));
    struct handoff_request request;

    for (DWORD i = 0; i < count; i++) {
        swprintf(names[i], 8, L"h%lu", i);
        passes[i] = (struct handoff_pass){.name = names[i], .handle = make_event()};
    }
    list_names(arguments, count);
    request = request_child(launcher_width(combination), child_width(combination), arguments);
    request.launcher = program(launcher_width(combination), launcher);
    request.numbers = numbers;
    start_witness(&witness, &request, passes, count);
    ck_assert_uint_eq(witness.has_count, fresh + count);
    ck_assert_uint_eq(witness.told_count, count);
    for (DWORD i = 0; i < count; i++) {
        ck_assert_uint_eq(witness.told[i], numbers[i]);
        ck_assert_msg(child_number_is(&witness, witness.told[i], passes[i].handle), "handle %lu of %lu", i, count);
        ck_assert_msg(CloseHandle(passes[i].handle), "the caller's handle %lu is not open any more", i);
    }
    end_witness(&witness);
}

START_WIDTH_TEST(g2_exactly_the_selected_handles)
{
    static const DWORD counts[] = {0, 1, 2, 64, 1024};

    for (size_t i = 0; i < ARRAYSIZE(counts); i++)
        check_handles(_i, L"handoff-launcher.exe", counts[i]);
    assert_nobody_left();
}
END_TEST

/* Plain inheritance, although the launcher was itself given inheritable handles. */
START_WIDTH_TEST(g8_without_a_handle_list)
{
    SetEnvironmentVariableA("HANDOFF_FAULT", "old");
    check_handles(_i, L"faulty-launcher.exe", 3);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
}
END_TEST

START_TEST(g8_with_a_handle_list_that_is_refused)
{
    SetEnvironmentVariableA("HANDOFF_FAULT", "refuse");
    check_handles(_i, L"faulty-launcher.exe", 3);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
}
END_TEST

START_TEST(g2_inheritable_rubbish_of_the_parent_stays)
{
    struct handoff_pass passes[4];
    struct witness witness;
    HANDLE rubbish[8], event = make_event();
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"table {h0}");

    for (size_t i = 0; i < ARRAYSIZE(rubbish); i++) {
        rubbish[i] = make_event();
        ck_assert(SetHandleInformation(rubbish[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    }
    passes[0] = (struct handoff_pass){.name = L"h0", .handle = event};
    start_witness(&witness, &request, passes, 1);
    for (size_t i = 0; i < ARRAYSIZE(rubbish); i++) {
        for (DWORD entry = 0; entry < witness.has_count; entry++)
            ck_assert(!child_number_is(&witness, witness.has[entry], rubbish[i]));
        CloseHandle(rubbish[i]);
    }
    end_witness(&witness);
    CloseHandle(event);
}
END_TEST

static BOOL is_older(HANDLE process, HANDLE than)
{
    FILETIME created, other, exited, kernel, user;

    ck_assert(GetProcessTimes(process, &created, &exited, &kernel, &user));
    ck_assert(GetProcessTimes(than, &other, &exited, &kernel, &user));
    return CompareFileTime(&created, &other) < 0;
}

/* A handle to the parent that can duplicate amounts to the parent. What is younger than the child,
 * such as a console host, it has started itself. */
START_TEST(g9_no_handle_to_the_parent_or_the_launcher)
{
    struct handoff_pass passes[2];
    struct witness witness;
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"table");

    start_witness(&witness, &request, passes, 0);
    for (DWORD i = 0; i < witness.has_count; i++) {
        HANDLE handle = copy_from_child(&witness, witness.has[i]);
        DWORD process_id = handle != NULL ? GetProcessId(handle) : 0;

        ck_assert_msg(process_id == 0 || !is_older(handle, witness.child.hProcess),
                      "the child has a handle to process %lu", process_id);
        if (handle != NULL)
            CloseHandle(handle);
    }
    end_witness(&witness);
}
END_TEST

/* ---- kinds of objects ---- */

static HANDLE make_file(const char *content)
{
    wchar_t directory[MAX_PATH], path[MAX_PATH];
    DWORD written;
    HANDLE file;

    GetTempPathW(MAX_PATH, directory);
    GetTempFileNameW(directory, L"hof", 0, path);
    file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, CREATE_ALWAYS,
                       FILE_FLAG_DELETE_ON_CLOSE, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    WriteFile(file, content, (DWORD)strlen(content), &written, NULL);
    SetFilePointer(file, 0, NULL, FILE_BEGIN);
    return file;
}

static SOCKET make_listener(struct sockaddr_in *address)
{
    SOCKET listener = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_OVERLAPPED);
    int size = sizeof *address;

    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(listener != INVALID_SOCKET);
    ck_assert(bind(listener, (struct sockaddr *)address, size) == 0 && listen(listener, 1) == 0);
    ck_assert(getsockname(listener, (struct sockaddr *)address, &size) == 0);
    return listener;
}

START_TEST(every_kind_arrives_as_the_same_object)
{
    struct sockaddr_in address;
    HANDLE pipe_read, pipe_write, process, thread;
    struct handoff_pass passes[16];
    wchar_t arguments[256], names[16][8];
    struct witness witness;
    struct handoff_request request;
    DWORD count = 0;

    make_pipe(&pipe_read, &pipe_write);
    DuplicateHandle(GetCurrentProcess(), GetCurrentProcess(), GetCurrentProcess(), &process, PROCESS_QUERY_INFORMATION,
                    FALSE, 0);
    DuplicateHandle(GetCurrentProcess(), GetCurrentThread(), GetCurrentProcess(), &thread, 0, FALSE,
                    DUPLICATE_SAME_ACCESS);
    HANDLE objects[] = {make_file("x"),
                        pipe_read,
                        pipe_write,
                        make_event(),
                        CreateMutexW(NULL, FALSE, NULL),
                        CreateSemaphoreW(NULL, 0, 1, NULL),
                        CreateWaitableTimerW(NULL, TRUE, NULL),
                        CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, NULL),
                        CreateJobObjectW(NULL, NULL),
                        process,
                        thread,
                        (HANDLE)make_listener(&address)};

    for (; count < ARRAYSIZE(objects); count++) {
        ck_assert_ptr_nonnull(objects[count]);
        swprintf(names[count], 8, L"h%lu", count);
        passes[count] = (struct handoff_pass){.name = names[count], .handle = objects[count]};
    }
    list_names(arguments, count);
    request = request_child(launcher_width(_i), child_width(_i), arguments);
    start_witness(&witness, &request, passes, count);
    for (DWORD i = 0; i < count; i++)
        ck_assert_msg(child_number_is(&witness, witness.told[i], objects[i]), "object %lu", i);
    end_witness(&witness);
    for (DWORD i = 0; i + 1 < count; i++)
        ck_assert(CloseHandle(objects[i]));
    closesocket((SOCKET)objects[count - 1]);
}
END_TEST

static DWORD run_with(int combination, const wchar_t *arguments, HANDLE handle)
{
    struct handoff_pass pass = {.name = L"h", .handle = handle};
    struct handoff_request request = request_child(launcher_width(combination), child_width(combination), arguments);
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    return finish_child(&child);
}

START_TEST(an_event_can_be_set)
{
    HANDLE event = make_event();

    ck_assert_uint_eq(run_with(_i, L"signal {h}", event), 0);
    ck_assert(is_set(event));
    CloseHandle(event);
}
END_TEST

START_TEST(a_pipe_can_be_written_and_then_ends)
{
    HANDLE read, write;
    char text[32] = "";
    DWORD size;

    make_pipe(&read, &write);
    ck_assert_uint_eq(run_with(_i, L"write {h} through-the-pipe", write), 0);
    CloseHandle(write);
    ck_assert(ReadFile(read, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, "through-the-pipe");
    /* No other process kept the writing end, not for a moment after the child's end. */
    ck_assert(!ReadFile(read, text, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE);
    CloseHandle(read);
}
END_TEST

START_TEST(a_file_can_be_read)
{
    HANDLE file = make_file("the secret");
    struct handoff_pass pass = {.name = L"h", .handle = file};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"read {h}");
    DWORD size, code;
    char *text;

    request.passes = &pass;
    request.pass_count = 1;
    text = spawn_reading(&request, &size, &code);
    ck_assert_str_eq(text, "the secret");
    ck_assert_uint_eq(code, 0);
    free(text);
    CloseHandle(file);
}
END_TEST

START_TEST(a_listening_socket_can_accept)
{
    struct sockaddr_in address;
    SOCKET listener = make_listener(&address), peer = socket(AF_INET, SOCK_STREAM, 0);
    struct handoff_pass pass = {.name = L"h", .handle = (HANDLE)listener};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"accept {h}");
    PROCESS_INFORMATION child;
    char text[16] = "";

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert(connect(peer, (struct sockaddr *)&address, sizeof address) == 0);
    ck_assert_int_eq(recv(peer, text, 8, MSG_WAITALL), 8);
    ck_assert_str_eq(text, "accepted");
    ck_assert_uint_eq(finish_child(&child), 0);
    closesocket(peer);
    closesocket(listener);
}
END_TEST

START_TEST(a_console_can_be_written)
{
    HANDLE console = CreateFileW(L"CONOUT$", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                                 OPEN_EXISTING, 0, NULL);

    if (console == INVALID_HANDLE_VALUE) {
        skip("there is no console");
        return;
    }
    ck_assert_uint_eq(run_with(_i, L"write {h} .", console), 0);
    CloseHandle(console);
}
END_TEST

/* ---- what goes with the handles ---- */

START_TEST(g6_the_line_is_verbatim)
{
    static const wchar_t arguments[] = L"line  \"a b\\\" {nobody} {{h}} {h:y} \x263a\xd800 \\\\\"\t\x7f ";
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event, .streams = HANDOFF_STDIN};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), arguments);
    wchar_t expected[1024];
    DWORD size, code;
    char *text;

    wcscpy(expected, request.command_line);
    *wcsstr(expected, L"{{h}}") = L'\0';
    wcscat(expected, L"{h}");
    wcscat(expected, wcsstr(request.command_line, L"{{h}}") + 5);
    request.passes = &pass;
    request.pass_count = 1;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(size, wcslen(expected) * sizeof(wchar_t));
    ck_assert_mem_eq(text, expected, size);
    free(text);
    CloseHandle(event);
}
END_TEST

START_TEST(g7_all_32_bits_of_the_exit_code)
{
    static const DWORD codes[] = {0, 1, 125, 126, 127, 259, 0x7fffffff, 0x80000000, 0xc0000005, 0xffffffff};
    struct handoff_launcher *launcher =
        handoff_launcher_open(program(launcher_width(_i), L"handoff-launcher.exe"), NULL);

    ck_assert_ptr_nonnull(launcher);
    /* With a resident launcher and without in turns; then the other way round. */
    for (size_t i = 0; i < ARRAYSIZE(codes) * (size_t)how_often(2, 1); i++) {
        DWORD expected = codes[i % ARRAYSIZE(codes)];
        wchar_t arguments[32];
        struct handoff_request request;
        PROCESS_INFORMATION child;

        swprintf(arguments, 32, L"exit 0x%lx", expected);
        request = request_child(launcher_width(_i), child_width(_i), arguments);
        request.resident = (i + i / ARRAYSIZE(codes)) % 2 == 0 ? launcher : NULL;
        child = spawn_or_fail(&request);
        ck_assert_uint_eq(finish_child(&child), expected);
    }
    handoff_launcher_close(launcher);
}
END_TEST

START_WIDTH_TEST(environment_and_directory_and_title)
{
    static const wchar_t environment[] = L"HANDOFF_A=one\0HANDOFF_B=two words\0SystemRoot=C:\\windows\0";
    STARTUPINFOW startup = {.cb = sizeof startup, .lpTitle = (wchar_t[]){L"a title"}};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"variable HANDOFF_B");
    DWORD size, code;
    char *text;

    request.environment = environment;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_int_eq(wcscmp((wchar_t *)(void *)text, L"two words"), 0);
    free(text);
    request = request_child(launcher_width(_i), child_width(_i), L"place");
    request.directory = L"C:\\windows";
    request.startup = &startup;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(_wcsicmp((wchar_t *)(void *)text, L"C:\\windows|a title") == 0, "%ls", (wchar_t *)(void *)text);
    free(text);
}
END_TEST

START_TEST(application_without_a_line)
{
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"");
    PROCESS_INFORMATION child;

    request.application = program(child_width(_i), L"child.exe");
    request.command_line = NULL;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 2); /* "no action" */
}
END_TEST

/* ---- what the parent has of it ---- */

START_TEST(g5_suspended_until_the_caller_resumes)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"signal {h}");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    request.creation_flags = CREATE_SUSPENDED;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(ResumeThread(child.hThread), 1); /* it was suspended, once */
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    CloseHandle(event);
}
END_TEST

START_TEST(g1_nothing_of_the_parent_is_inheritable)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(launcher_width(_i), child_width(_i), L"signal {h}");
    PROCESS_INFORMATION child;
    DWORD flags;

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert(GetHandleInformation(child.hProcess, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    ck_assert(GetHandleInformation(child.hThread, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    ck_assert(GetHandleInformation(event, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    ck_assert_uint_eq(GetProcessId(child.hProcess), child.dwProcessId);
    ck_assert_uint_eq(finish_child(&child), 0);
    CloseHandle(event);
}
END_TEST

START_TEST(the_handle_table_is_what_it_was)
{
    HANDLE event = make_event();
    DWORD before;

    run_with(_i, L"signal {h}", event); /* what the first time loads and opens for good */
    before = count_own_handles();
    for (int i = how_often(10, 3); i > 0; i--)
        run_with(_i, L"signal {h}", event);
    ck_assert_uint_eq(count_own_handles(), before);
    CloseHandle(event);
}
END_TEST

/* One of the threads; `trouble` is empty if it had none. */
struct spawner {
    HANDLE thread;
    int spawns, combinations; /* of the widths */
    char trouble[512];
};

static void spawn_and_wait(struct spawner *spawner, int combination)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request =
        request_child(launcher_width(combination), child_width(combination), L"signal {h}");
    PROCESS_INFORMATION child;
    struct handoff_error error;
    wchar_t text[400];

    request.passes = &pass;
    request.pass_count = 1;
    if (!spawn_patiently(&request, &child, &error)) {
        handoff_error_text(&error, text, ARRAYSIZE(text));
        snprintf(spawner->trouble, sizeof spawner->trouble, "%ls", text);
    } else if (!comes(child.hProcess)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu does not end", child.dwProcessId);
    } else if (!is_set(event) || !CloseHandle(child.hProcess) || !CloseHandle(child.hThread)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu is not as it should be", child.dwProcessId);
    }
    CloseHandle(event);
}

static DWORD WINAPI spawn_many(void *argument)
{
    struct spawner *spawner = argument;

    for (int i = 0; i < spawner->spawns && spawner->trouble[0] == '\0'; i++)
        spawn_and_wait(spawner, i % spawner->combinations);
    return 0;
}

START_TEST(any_number_of_threads)
{
    struct spawner spawners[8] = {{.thread = NULL}};

    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        spawners[i].spawns = how_often(4, 1) * COMBINATIONS;
        spawners[i].combinations = has_x86() ? COMBINATIONS : 1;
        spawners[i].thread = CreateThread(NULL, 0, spawn_many, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        ck_assert(WaitForSingleObject(spawners[i].thread, INFINITE) == WAIT_OBJECT_0);
        CloseHandle(spawners[i].thread);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++)
        ck_assert_str_eq(spawners[i].trouble, "");
    assert_nobody_left();
}
END_TEST

Suite *spawn_suite(void)
{
    const TTest *const tests[] = {
        g2_exactly_the_selected_handles,
        g8_without_a_handle_list,
        g8_with_a_handle_list_that_is_refused,
        g2_inheritable_rubbish_of_the_parent_stays,
        g9_no_handle_to_the_parent_or_the_launcher,
        every_kind_arrives_as_the_same_object,
        an_event_can_be_set,
        a_pipe_can_be_written_and_then_ends,
        a_file_can_be_read,
        a_listening_socket_can_accept,
        g6_the_line_is_verbatim,
        g7_all_32_bits_of_the_exit_code,
        environment_and_directory_and_title,
        application_without_a_line,
        g5_suspended_until_the_caller_resumes,
        g1_nothing_of_the_parent_is_inheritable,
        the_handle_table_is_what_it_was,
    };
    Suite *suite = suite_create("spawn");
    TCase *tcase = tcase_create("all widths");
    TCase *threads = tcase_create("threads");
    TCase *console = tcase_create("console"); /* tests/run.sh runs it once more, on a terminal */

    for (size_t i = 0; i < ARRAYSIZE(tests); i++)
        tcase_add_loop_test(tcase, tests[i], 0, COMBINATIONS);
    suite_add_tcase(suite, tcase);
    tcase_add_unchecked_fixture(threads, use_all_processors, use_own_processors);
    tcase_add_test(threads, any_number_of_threads);
    suite_add_tcase(suite, threads);
    tcase_add_loop_test(console, a_console_can_be_written, 0, COMBINATIONS);
    suite_add_tcase(suite, console);
    return suite;
}
