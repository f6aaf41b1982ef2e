/* What a prefix costs while it waits: handles, memory, its directory. */
#include "batch.h"

#include <stdio.h>
#include <wchar.h>

#include "handle_table.h"

/* ---- handles and memory ---- */

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
             {L"--kill-on-exit", TRUE, 1},
             {L"--quiet --kill-on-exit --timeout 1h", FALSE, 0},
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

/* One says the trace; with a time limit one connects. */
static BOOL has_had_thread(const wchar_t *options)
{
    return wcsstr(options, L"--trace") != NULL || wcsstr(options, L"--timeout 1h") != NULL;
}

START_TEST(waiting_costs_nothing)
{
    HANDLE server = make_pipe_server(PIPE_ACCESS_DUPLEX), event = make_done_event();
    DWORD handles, idle_handles, child_id = 0, children, jobs;
    SIZE_T memory, idle_memory;
    struct running idle = start_idle(has_had_thread(waits[_i].options)), waiting;
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

/* ---- what is passed, and the directory ---- */

/* One that the child's `retire` waits for. */
static HANDLE make_own_event(wchar_t name[64])
{
    HANDLE event;

    swprintf(name, 64, L"handoff-test-%lu", GetCurrentProcessId());
    event = CreateEventW(NULL, TRUE, FALSE, name);
    ck_assert_ptr_nonnull(event);
    return event;
}

/* Nobody has its other end open: writing fails at the latest when the pipe is full. */
static void assert_nobody_reads(HANDLE pipe)
{
    char bytes[512] = "";
    DWORD size;

    while (WriteFile(pipe, bytes, sizeof bytes, &size, NULL))
        ;
}

/* The child gives up all it has and stays. Then nobody has it, although the prefix waits. */
START_TEST(a_prefix_that_waits_holds_nothing)
{
    const wchar_t *file = file_path(L"passed");
    HANDLE event, passed = NULL, is_passed = NULL, again;
    struct running running;
    wchar_t options[512], name[64], line[2048];

    event = make_own_event(name);
    if (opens(_i)) {
        swprintf(options, ARRAYSIZE(options), L"--write \"h=%ls\"", file);
    } else {
        make_pipe(&is_passed, &passed);
        swprintf(options, ARRAYSIZE(options), L"--parent %lu --steal h=%u", GetCurrentProcessId(), number_of(passed));
    }
    swprintf(line, ARRAYSIZE(line), L"%ls -- \"%ls\" retire %ls {h}", options, child(_i), name);
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    assert_ended(running.err);
    assert_ended(running.out);
    assert_nobody_reads(running.in);
    if (opens(_i)) {
        again = CreateFileW(file, GENERIC_WRITE | DELETE, 0, NULL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE, NULL);
        ck_assert_msg(again != INVALID_HANDLE_VALUE, "somebody has the file open");
        CloseHandle(again);
    } else {
        assert_ended(is_passed);
        CloseHandle(is_passed);
    }
    ck_assert_msg(lives(running.process.hProcess), "it did not wait");
    SetEvent(event);
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(event);
}
END_TEST

/* Wine has two sides of a 32-bit process, and when it leaves the directory that it was started in, the
 * other side stays: whatever that process does, and without any prefix. */
static BOOL can_leave_its_directory(int width, HANDLE event, const wchar_t *event_name)
{
    const wchar_t *directory = file_path(L"probe");
    struct running running;
    wchar_t line[256];
    BOOL can;

    ck_assert(CreateDirectoryW(directory, NULL));
    swprintf(line, ARRAYSIZE(line), L"retire %ls", event_name);
    running = start_running(program(width, L"child.exe"), line, NULL, 0, NULL, directory);
    assert_ended(running.out); /* it has left before it closes its streams */
    can = RemoveDirectoryW(directory);
    SetEvent(event);
    ck_assert_uint_eq(finish_running(&running), 0);
    ResetEvent(event);
    ck_assert(can || RemoveDirectoryW(directory));
    return can;
}

START_TEST(a_prefix_that_waits_leaves_its_directory)
{
    const wchar_t *directory = file_path(L"start");
    wchar_t name[64], line[1024];
    HANDLE event = make_own_event(name);
    struct running running;

    if (!can_leave_its_directory(_i, event, name)) {
        skip("a 32-bit process never leaves its start directory here, with or without handoff");
        CloseHandle(event);
        return;
    }
    ck_assert(CreateDirectoryW(directory, NULL));
    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" retire %ls", program(X64, L"child.exe"), name);
    running = start_running(prefix(_i), line, NULL, 0, NULL, directory);
    assert_ended(running.out);
    assert_can_be_removed(directory);
    ck_assert_msg(lives(running.process.hProcess), "it did not wait");
    SetEvent(event);
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(event);
}
END_TEST

Suite *idling_suite(void)
{
    const struct listed_test in_a_line[] = {
        {a_prefix_that_waits_holds_nothing, "idling in a line", COMBINATIONS_OF_BOTH},
        {a_prefix_that_waits_leaves_its_directory, "idling in a line", WIDTH_COUNT},
    };
    const struct listed_test in_batch_files[] = {
        {waiting_costs_nothing, "idling in batch files", ARRAYSIZE(waits)},
    };
    Suite *suite = console_suite("idling", in_batch_files, ARRAYSIZE(in_batch_files), set_up_batch, tear_down_batch);

    add_tests(suite, in_a_line, ARRAYSIZE(in_a_line));
    return suite;
}
