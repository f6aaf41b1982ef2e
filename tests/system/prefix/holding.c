/* G12: a prefix that waits holds nothing of what it was given. For each way to wait, with both widths of the
 * prefix and both of the command. */
#include "prefix.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

#include "handle_table.h"

enum { PIPE_FLAGS = 0x09 /* a C runtime's: open, pipe */, LINE = 2048 };

/* The ways to wait, and what each has to hold: the relay its pipes, the prefix' own streams and its events; a file, the
 * lock among them; and stderr, where something may be said at the end. */
static const struct {
    const wchar_t *options; /* a format for this process' pid and the number of an event of it, with variables */
    DWORD files, events;
} ways[] = {
    {L"", 0, 0},
    {L"--relay", 5, 4},
    {L"--timeout 60s", 1, 0},
    {L"--kill-on-exit", 1, 0},
    {L"--parent %lu --copy x=%u --env X={x}", 0, 0},
    {L"--tee NUL", 6, 6},
    {L"--trace=json:NUL", 2, 0},
    {L"--lock \"%%TEMP%%\\handoff-test-%lu.lock\"", 1, 0},
};

/* The last three are looked at where what is held is counted; the last one only one prefix at a time can have. */
enum { TABLE_ROWS = ARRAYSIZE(ways) * WIDTH_COUNT, WAYS = ARRAYSIZE(ways) - 3, ROWS = WAYS * WIDTH_COUNT };

/* What --parent passes; and what tells this process that the command runs, without a word to the prefix. */
static HANDLE event, begun;
static wchar_t begun_name[64];

static void set_up(void)
{
    static unsigned number;

    event = make_event();
    swprintf(begun_name, ARRAYSIZE(begun_name), L"handoff-test-%lu-begun-%u", GetCurrentProcessId(), number++);
    begun = CreateEventW(NULL, TRUE, FALSE, begun_name);
    ck_assert_ptr_nonnull(begun);
}

static void tear_down(void)
{
    wchar_t lock[MAX_PATH];

    CloseHandle(event);
    CloseHandle(begun);
    ExpandEnvironmentStringsW(L"%TEMP%\\handoff-test-", lock, MAX_PATH);
    swprintf(lock + wcslen(lock), 32, L"%lu.lock", GetCurrentProcessId());
    DeleteFileW(lock);
}

/* Of the prefix' width and of the other one in turn. */
static const wchar_t *child_in_turn(int row)
{
    return program((row + row / WIDTH_COUNT) % WIDTH_COUNT, L"child.exe");
}

/* What follows the prefix' name. Valid until the next call. */
static const wchar_t *behind_prefix(int row, const wchar_t *arguments)
{
    static wchar_t line[LINE];
    wchar_t options[LINE];
    int length;

    swprintf(options, LINE, ways[row / WIDTH_COUNT].options, GetCurrentProcessId(), number_of(event));
    length = (int)ExpandEnvironmentStringsW(options, line, LINE) - 1;
    swprintf(line + length, (size_t)(LINE - length), L" -- \"%ls\" %ls", child_in_turn(row), arguments);
    return line;
}

/* The command says by the event that it runs. */
static const wchar_t *naming_begun(const wchar_t *action)
{
    static wchar_t arguments[128];

    swprintf(arguments, ARRAYSIZE(arguments), L"%ls %ls", action, begun_name);
    return arguments;
}

static void assert_begins(void)
{
    ck_assert(comes(begun));
}

/* The command answers: so it runs, and whatever was to be done before has been done. */
static void assert_answers(const struct running *running)
{
    char byte = 0;
    DWORD size;

    ck_assert(WriteFile(running->in, "!", 1, &size, NULL) && ReadFile(running->out, &byte, 1, &size, NULL));
    ck_assert_int_eq(byte, '!');
}

/* Nobody has the other end open any more, and nobody will close it only now. */
static void assert_over(HANDLE pipe)
{
    DWORD available = 0;

    ck_assert_msg(!PeekNamedPipe(pipe, NULL, 0, NULL, &available, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
                  "somebody holds the pipe, with %lu bytes in it", available);
}

static void assert_goes_on(struct running *running)
{
    assert_answers(running);
    ck_assert_msg(lives(running->process.hProcess), "it did not wait");
    ck_assert_uint_eq(finish_running(running), 0);
}

/* ---- what it inherited ---- */

START_TEST(g12_a_pipe_and_a_port_are_free_while_the_command_runs)
{
    HANDLE read, write;
    SOCKET listener, again;
    struct running running;
    WORD port;

    make_pipe(&read, &write);
    listener = bound_socket(AF_INET, TRUE, &port);
    make_inheritable(write);
    make_inheritable((HANDLE)listener);
    running = start_with_rubbish(prefix(_i), behind_prefix(_i, L"echo"), 0);
    CloseHandle(write);
    closesocket(listener);
    assert_answers(&running);
    assert_over(read);
    again = bind_socket(AF_INET, port);
    ck_assert_msg(again != INVALID_SOCKET, "somebody holds port %u: error %d", port, WSAGetLastError());
    assert_goes_on(&running);
    closesocket(again);
    CloseHandle(read);
}
END_TEST

/* There a system that has no list of the process' handles says so with an empty one (tests/faulty/faulty_prefix.c). */
START_TEST(g12_an_empty_list_is_none)
{
    HANDLE read, write;
    struct running running;

    make_pipe(&read, &write);
    make_inheritable(write);
    running = start_with_rubbish(program(_i, L"faulty-prefix.exe"), behind_prefix(_i, L"echo"), 0);
    CloseHandle(write);
    assert_answers(&running);
    assert_over(read);
    assert_goes_on(&running);
    CloseHandle(read);
}
END_TEST

/* Whoever started the prefix may have protected it against a mistake of its own, and the protection is inherited. */
START_TEST(g12_a_protected_handle_is_let_go)
{
    static const DWORD protection = HANDLE_FLAG_PROTECT_FROM_CLOSE;
    struct running running;
    HANDLE read, write;

    make_pipe(&read, &write);
    make_inheritable(write);
    ck_assert(SetHandleInformation(write, protection, protection));
    running = start_with_rubbish(prefix(_i), behind_prefix(_i, L"echo"), 0);
    ck_assert(SetHandleInformation(write, protection, 0) && CloseHandle(write));
    assert_answers(&running);
    assert_over(read);
    assert_goes_on(&running);
    CloseHandle(read);
}
END_TEST

/* Each of two commands that are started together inherits the other's streams. */
START_TEST(g12_a_quick_command_does_not_wait_for_its_neighbour)
{
    STARTUPINFOW of_quick, of_slow;
    struct running quick = make_streams(&of_quick), slow = make_streams(&of_slow);

    start_with_all(&slow, prefix(_i), behind_prefix(_i, L"echo"), &of_slow, 0);
    start_with_all(&quick, prefix(_i), behind_prefix(_i, L"echo"), &of_quick, 0);
    close_streams(&of_quick);
    close_streams(&of_slow);
    assert_answers(&slow);
    assert_answers(&quick);
    CloseHandle(quick.in);
    ck_assert_uint_eq(finish_child(&quick.process), 0);
    assert_over(quick.out);
    assert_over(quick.err);
    assert_goes_on(&slow);
    CloseHandle(quick.out);
    CloseHandle(quick.err);
}
END_TEST

START_TEST(g12_a_descriptor_ends_when_the_command_closes_it)
{
    static const uint8_t flags[] = {PIPE_FLAGS, PIPE_FLAGS, PIPE_FLAGS, PIPE_FLAGS};
    STARTUPINFOW startup;
    struct running running = make_streams(&startup);
    HANDLE read, handles[4] = {startup.hStdInput, startup.hStdOutput, startup.hStdError};
    const void *block;
    wchar_t line[LINE];
    char text[16];
    WORD size;

    make_pipe(&read, &handles[3]);
    block = make_block(sizeof(void *), ARRAYSIZE(flags), flags, handles, &size);
    swprintf(line, LINE, L"\"%ls\" %ls", prefix(_i), behind_prefix(_i, L"close 3"));
    ck_assert(start_inheriting(line, handles, &handles[3], 1, block, size, NULL, &running.process));
    close_streams(&startup);
    CloseHandle(handles[3]);
    ck_assert(read_line(running.out, text, sizeof text));
    ck_assert_str_eq(text, "closed");
    assert_over(read);
    assert_goes_on(&running);
    CloseHandle(read);
}
END_TEST

static DWORD WINAPI read_byte(void *pipe)
{
    char byte;
    DWORD size;

    return !ReadFile(pipe, &byte, 1, &size, NULL);
}

/* Every question about a pipe without overlapped I/O waits for the reading that goes on there. */
START_TEST(g12_a_handle_that_answers_nothing_is_no_delay)
{
    HANDLE read, write, reader;
    struct running running;
    DWORD size;

    make_pipe(&read, &write);
    make_inheritable(read);
    reader = CreateThread(NULL, 0, read_byte, read, 0, NULL);
    ck_assert_ptr_nonnull(reader);
    running = start_with_rubbish(prefix(_i), behind_prefix(_i, L"exit 7"), 0);
    ck_assert_uint_eq(finish_running(&running), 7);
    ck_assert_msg(lives(reader), "nobody reads any more");
    ck_assert(WriteFile(write, "!", 1, &size, NULL));
    ck_assert(comes(reader));
    CloseHandle(reader);
    CloseHandle(read);
    CloseHandle(write);
}
END_TEST

/* ---- what it has ---- */

enum { TYPES = 256, PROCESS_TYPE = 0, THREAD_TYPE, JOB_TYPE, FILE_TYPE, EVENT_TYPE, KNOWN_TYPES };

/* How many handles a process has of each type, by the numbers that the types have in this Windows. */
struct holdings {
    DWORD count[TYPES];
};

static struct holdings holdings_of(DWORD process_id)
{
    struct table *table = query_table();
    struct holdings has = {{0}};

    ck_assert_ptr_nonnull(table);
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id == process_id)
            has.count[table->entries[i].type % TYPES]++;
    }
    free_table(table);
    return has;
}

static DWORD type_of(HANDLE own)
{
    struct table *table = query_table();
    DWORD type = TYPES;

    ck_assert_ptr_nonnull(table);
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && table->entries[i].handle == (ULONG_PTR)own)
            type = table->entries[i].type;
    }
    free_table(table);
    ck_assert_uint_lt(type, TYPES);
    return type;
}

/* A pipe is of the type of a file. */
static const DWORD *known_types(void)
{
    static DWORD types[KNOWN_TYPES];
    HANDLE samples[KNOWN_TYPES] = {duplicate(GetCurrentProcess()), duplicate(GetCurrentThread()),
                                   CreateJobObjectW(NULL, NULL)};

    make_pipe(&samples[FILE_TYPE], &samples[EVENT_TYPE]);
    CloseHandle(samples[EVENT_TYPE]);
    samples[EVENT_TYPE] = make_event();
    for (int i = 0; i < KNOWN_TYPES; i++) {
        types[i] = type_of(samples[i]);
        CloseHandle(samples[i]);
    }
    return types;
}

/* A program without a C runtime that does nothing but wait, and was given nothing: what every process has. */
static struct holdings holdings_of_nothing(int row)
{
    const HANDLE none[3] = {NULL, NULL, NULL};
    HANDLE started = make_event();
    PROCESS_INFORMATION process;
    struct holdings has;
    wchar_t line[LINE];

    swprintf(line, LINE, L"\"%ls\" =%u!", program(row % WIDTH_COUNT, L"bench-nothing.exe"), number_of(started));
    ck_assert(start_inheriting_with(DETACHED_PROCESS, line, none, &started, 1, NULL, 0, NULL, &process));
    ck_assert(comes(started));
    has = holdings_of(process.dwProcessId);
    has.count[type_of(started)]--;
    ck_assert(TerminateProcess(process.hProcess, 0));
    finish_child(&process);
    CloseHandle(started);
    return has;
}

static struct holdings holdings_of_way(int row, const DWORD types[KNOWN_TYPES])
{
    struct holdings has = holdings_of_nothing(row);

    has.count[types[PROCESS_TYPE]]++;
    has.count[types[JOB_TYPE]]++;
    has.count[types[FILE_TYPE]] += ways[row / WIDTH_COUNT].files;
    has.count[types[EVENT_TYPE]] += ways[row / WIDTH_COUNT].events;
    return has;
}

static const char *differences(const struct holdings *has, const struct holdings *expected,
                               const DWORD types[KNOWN_TYPES])
{
    static const char *const names[KNOWN_TYPES] = {"processes", "threads", "jobs", "files", "events"};
    static char text[512];
    char *to = text;

    *to = '\0';
    for (DWORD type = 0; type < TYPES; type++) {
        const char *name = "of type";

        for (int i = 0; i < KNOWN_TYPES; i++)
            name = types[i] == type ? names[i] : name;
        if (has->count[type] != expected->count[type] && to < text + sizeof text - 64)
            to += sprintf(to, " %lu %s (%lu), not %lu;", has->count[type], name, type, expected->count[type]);
    }
    return text;
}

/* Only the handle of the command's first thread may be there still: without it the command would not run. */
static void assert_has(DWORD process_id, const struct holdings *expected, const DWORD types[KNOWN_TYPES])
{
    struct holdings has = holdings_of(process_id), has_now = has;

    if (has.count[types[THREAD_TYPE]] == expected->count[types[THREAD_TYPE]] + 1)
        has.count[types[THREAD_TYPE]]--;
    ck_assert_msg(memcmp(&has, expected, sizeof has) == 0, "it has%s", differences(&has, expected, types));
    for (DWORD tries = 0; memcmp(&has_now, expected, sizeof has) != 0; tries++) {
        ck_assert_msg(tries < 10000, "it has%s", differences(&has_now, expected, types));
        Sleep(1);
        has_now = holdings_of(process_id);
    }
}

static BOOL is_on_console(DWORD process_id)
{
    DWORD there[64], count = GetConsoleProcessList(there, ARRAYSIZE(there)), i = 0;

    ck_assert_uint_le(count, ARRAYSIZE(there));
    while (i < count && there[i] != process_id)
        i++;
    return i < count;
}

/* Without a console, as the process is that it is compared with: Wine's has handles that come and go. */
static struct running start_detached(int row)
{
    struct running running =
        start_with_rubbish(prefix(row), behind_prefix(row, naming_begun(L"echo")), DETACHED_PROCESS);

    assert_begins();
    return running;
}

START_TEST(g12_a_prefix_that_waits_has_the_command_and_its_job)
{
    const DWORD *types = known_types();
    struct holdings expected = holdings_of_way(_i, types);
    struct running running = start_detached(_i);

    assert_has(running.process.dwProcessId, &expected, types);
    assert_goes_on(&running);
}
END_TEST

/* So many that letting go of them takes longer than a command takes to start. */
START_TEST(g12_it_lets_go_before_the_command_begins)
{
    enum { MANY = 2000 };
    static HANDLE rubbish[MANY];
    const DWORD *types = known_types();
    struct holdings expected = holdings_of_way(_i, types);
    struct running running;

    for (int i = 0; i < MANY; i++) {
        rubbish[i] = make_event();
        make_inheritable(rubbish[i]);
    }
    running = start_detached(_i);
    assert_has(running.process.dwProcessId, &expected, types);
    assert_goes_on(&running);
    for (int i = 0; i < MANY; i++)
        CloseHandle(rubbish[i]);
}
END_TEST

/* ---- G10: the console stays ---- */

static void assert_key_arrives(int row, const wchar_t *arguments)
{
    wchar_t command[LINE];

    swprintf(command, LINE, L"\"%ls\" %ls", prefix(row), behind_prefix(row, arguments));
    ck_assert_uint_eq(press(CTRL_C_EVENT, command), 1000 + CTRL_C_EVENT);
}

START_TEST(g10_ctrl_c_arrives_though_all_else_is_let_go)
{
    HANDLE read, write, other = make_event();
    SOCKET listener;
    WORD port;

    make_pipe(&read, &write);
    listener = bound_socket(AF_INET, TRUE, &port);
    make_inheritable(read);
    make_inheritable(write);
    make_inheritable(other);
    make_inheritable((HANDLE)listener);
    assert_key_arrives(_i, L"console");
    closesocket(listener);
    CloseHandle(other);
    CloseHandle(read);
    CloseHandle(write);
}
END_TEST

/* It has a handler and so goes on when the key comes; only the console can tell that it comes there too. */
START_TEST(g10_a_prefix_that_waits_is_on_the_console)
{
    struct running running = start_with_rubbish(prefix(_i), behind_prefix(_i, naming_begun(L"echo")), 0);

    assert_begins();
    ck_assert_msg(is_on_console(running.process.dwProcessId), "it is none of its processes");
    assert_goes_on(&running);
}
END_TEST

/* As at a prompt: what the prefix lets go of are the console's own handles. */
START_TEST(g10_ctrl_c_arrives_at_a_terminal)
{
    wchar_t line[LINE];
    struct running running;
    DWORD size;

    swprintf(line, LINE, L"terminal %d \"%ls\" %ls", CTRL_C_EVENT, prefix(_i),
             behind_prefix(_i, naming_begun(L"console")));
    running = start_with_rubbish(program(OWN_WIDTH, L"child.exe"), line, CREATE_NO_WINDOW);
    assert_begins();
    ck_assert(WriteFile(running.in, "!", 1, &size, NULL));
    ck_assert_uint_eq(finish_running(&running), 1000 + CTRL_C_EVENT);
}
END_TEST

/* ---- G10: the console closes ---- */

static HANDLE open_child_of(DWORD process_id)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0), found;
    BOOL more = Process32FirstW(snapshot, &entry);

    while (more && (entry.th32ParentProcessID != process_id || wcscmp(entry.szExeFile, L"child.exe") != 0))
        more = Process32NextW(snapshot, &entry);
    CloseHandle(snapshot);
    ck_assert_msg(more, "process %lu has no child", process_id);
    found = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, entry.th32ProcessID);
    ck_assert_ptr_nonnull(found);
    return found;
}

/* FALSE if there is no way to do it. */
static BOOL deliver(const PROCESS_INFORMATION *process, DWORD console_event)
{
    HANDLE thread = send_console_event(process, console_event);

    if (thread == NULL)
        return FALSE;
    ck_assert(comes(thread)); /* or the process has ended */
    CloseHandle(thread);
    return TRUE;
}

/* It answers, or if nobody is there any more who would relay that, it notices just this. */
static void assert_outlives(int row, struct running *running, HANDLE process)
{
    DWORD size, code;

    if (ways[row / WIDTH_COUNT].events == 0) {
        assert_answers(running);
        CloseHandle(running->in);
        ck_assert(comes(process));
        return;
    }
    ck_assert(WriteFile(running->in, "!", 1, &size, NULL));
    ck_assert(comes(process));
    ck_assert(GetExitCodeProcess(process, &code));
    ck_assert_uint_eq(code, 1);
    CloseHandle(running->in);
}

/* Whose it is, is not said: so the prefix goes on too. */
START_TEST(g10_a_logoff_is_no_end)
{
    int row = _i * WIDTH_COUNT + OWN_WIDTH;
    struct running running = start_with_rubbish(prefix(row), behind_prefix(row, L"echo"), 0);

    assert_answers(&running);
    if (!deliver(&running.process, CTRL_LOGOFF_EVENT))
        skip("there is no CtrlRoutine, where Windows has it, in kernelbase.dll or kernel32.dll");
    assert_goes_on(&running);
}
END_TEST

/* To the prefix alone: for a command that is not on the console the closing is no event. */
START_TEST(g10_a_command_outlives_the_console)
{
    static const DWORD events[] = {CTRL_CLOSE_EVENT, CTRL_SHUTDOWN_EVENT};
    int row = _i * WIDTH_COUNT + OWN_WIDTH;

    for (size_t i = 0; i < ARRAYSIZE(events); i++) {
        struct running running = start_with_rubbish(prefix(row), behind_prefix(row, L"echo"), 0);
        HANDLE process;
        DWORD code;

        assert_answers(&running);
        process = open_child_of(running.process.dwProcessId);
        if (!deliver(&running.process, events[i])) {
            skip("there is no CtrlRoutine, where Windows has it, in kernelbase.dll or kernel32.dll");
            ck_assert_uint_eq(finish_running(&running), 0);
            return;
        }
        finish_child(&running.process);
        if (wcscmp(ways[row / WIDTH_COUNT].options, L"--kill-on-exit") == 0)
            ck_assert_msg(!lives(process) && GetExitCodeProcess(process, &code) && code == ERROR_PROCESS_ABORTED,
                          "it is not gone, or not ended by handoff");
        else
            assert_outlives(row, &running, process);
        CloseHandle(process);
        CloseHandle(running.out);
        CloseHandle(running.err);
    }
}
END_TEST

/* ---- one after another ---- */

/* With a console and without one. */
static const DWORD consoles[] = {0, DETACHED_PROCESS};

/* Without a console for both widths of the prefix, and with one for one of them. */
enum { LOOP_ROWS = WIDTH_COUNT + 1, ROUNDS = 60, FEW_ROUNDS = 20 };

/* Back to back: what one of them, or anybody it has started, still holds at its end makes the next one fail. */
static void assert_repeats(int row, const wchar_t *options)
{
    DWORD flags = row < WIDTH_COUNT ? DETACHED_PROCESS : 0;
    int count = how_often(ROUNDS, FEW_ROUNDS);
    static char said[1 << 16];
    wchar_t line[LINE];
    struct running running;
    DWORD code;

    swprintf(line, LINE, L"repeat %d %lu \"%ls\" %ls -- \"%ls\" exit 0", count, flags, prefix(row), options,
             child_in_turn(row));
    running = start_running(program(OWN_WIDTH, L"child.exe"), line, NULL, 0, NULL, NULL);
    read_all(running.err, said, sizeof said);
    running.err = NULL;
    code = finish_running(&running);
    ck_assert_msg(code == 0 && said[0] == '\0', "%lu of %d failed: %s", code, count, said);
}

START_TEST(g12_a_lock_is_free_when_the_prefix_has_ended)
{
    wchar_t path[MAX_PATH], options[MAX_PATH + 64];

    GetTempPathW(MAX_PATH, path);
    GetTempFileNameW(path, L"hof", 0, path);
    swprintf(options, ARRAYSIZE(options), L"--update \"lock=%ls\" --env L={lock}", path);
    assert_repeats(_i, options);
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(g12_a_port_is_free_when_the_prefix_has_ended)
{
    wchar_t options[64];
    WORD port;

    closesocket(bound_socket(AF_INET, TRUE, &port));
    swprintf(options, ARRAYSIZE(options), L"--listen web=127.0.0.1:%u --env W={web}", port);
    assert_repeats(_i, options);
}
END_TEST

/* ---- what a prefixed command is made of ---- */

/* How many processes there have been in all until the end of this one. */
static DWORD count_starts(wchar_t *line, DWORD creation_flags)
{
    const HANDLE job = CreateJobObjectW(NULL, NULL), none[3] = {NULL, NULL, NULL};
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounting;
    PROCESS_INFORMATION process;

    ck_assert(start_directly(line, none, creation_flags | CREATE_SUSPENDED, &process));
    ck_assert(AssignProcessToJobObject(job, process.hProcess));
    ck_assert_uint_eq(ResumeThread(process.hThread), 1);
    ck_assert_uint_eq(finish_child(&process), 0);
    ck_assert(
        QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &accounting, sizeof accounting, NULL));
    CloseHandle(job);
    return accounting.TotalProcesses;
}

/* Where each console program gets a console of its own, there may be a process more for it, either way. */
START_TEST(a_prefix_is_one_process_more)
{
    DWORD flags = consoles[_i / ROWS], without, with;
    wchar_t line[LINE];

    swprintf(line, LINE, L"\"%ls\" exit 0", child_in_turn(_i % ROWS));
    without = count_starts(line, flags);
    swprintf(line, LINE, L"\"%ls\" %ls", prefix(_i % ROWS), behind_prefix(_i % ROWS, L"exit 0"));
    with = count_starts(line, flags);
    ck_assert_uint_eq(with, without + 1);
}
END_TEST

/* ---- the files ---- */

static void assert_works(const wchar_t *path)
{
    run(&result, path, L"--parent %lu --copy x=%u -- \"%ls\" signal {x}", GetCurrentProcessId(), number_of(event),
        program(OWN_WIDTH, L"child.exe"));
    ck_assert_msg(result.exit_code == 0 && is_set(event), "%ls: %lu, %s", path, result.exit_code, result.err);
    ResetEvent(event);
    run(&result, path, L"--relay -- \"%ls\" exit 0x12345678", program(OWN_WIDTH, L"child.exe"));
    ck_assert_msg(result.exit_code == 0x12345678, "%ls: %lu, %s", path, result.exit_code, result.err);
    ck_assert_str_eq(result.err, "");
}

static const wchar_t *const programs[] = {L"handoff.exe", L"handoffw.exe"};

enum { PROGRAM_ROWS = ARRAYSIZE(programs) * WIDTH_COUNT };

static const wchar_t *program_of(int row)
{
    return program(row % WIDTH_COUNT, programs[row / WIDTH_COUNT]);
}

START_WIDTH_TEST(it_needs_no_other_file_and_no_name)
{
    wchar_t directory[MAX_PATH], path[MAX_PATH + 32];

    swprintf(directory, MAX_PATH, L"%ls %d", file_path(L"alone"), _i);
    ck_assert(CreateDirectoryW(directory, NULL));
    swprintf(path, ARRAYSIZE(path), L"%ls\\any name.exe", directory);
    ck_assert(CopyFileW(program_of(_i), path, FALSE));
    assert_works(path);
    ck_assert(DeleteFileW(path) && RemoveDirectoryW(directory));
}
END_TEST

START_TEST(it_works_through_a_link)
{
    wchar_t path[MAX_PATH];

    wcscpy(path, file_path(L"link.exe"));
    for (int row = 0; row < PROGRAM_ROWS; row++) {
        /* Wine 8 says that it has made one and has not. */
        if (!CreateSymbolicLinkW(path, program_of(row), 0) || GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES) {
            skip("this user, or this Windows, cannot make symbolic links");
            return;
        }
        assert_works(path);
        ck_assert(DeleteFileW(path));
    }
}
END_TEST

static WORD subsystem_of(const wchar_t *path)
{
    HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    IMAGE_DOS_HEADER dos;
    IMAGE_NT_HEADERS headers; /* Subsystem is at the same place in both widths */
    DWORD size;

    ck_assert(file != INVALID_HANDLE_VALUE && ReadFile(file, &dos, sizeof dos, &size, NULL));
    SetFilePointer(file, dos.e_lfanew, NULL, FILE_BEGIN);
    ck_assert(ReadFile(file, &headers, sizeof headers, &size, NULL) && headers.Signature == IMAGE_NT_SIGNATURE);
    CloseHandle(file);
    return headers.OptionalHeader.Subsystem;
}

/* A program of the GUI subsystem is what its file says, so a copy of the faulty prefix becomes handoffw. */
static void make_gui_program(const wchar_t *from, const wchar_t *to)
{
    const WORD gui = IMAGE_SUBSYSTEM_WINDOWS_GUI;
    HANDLE file;
    IMAGE_DOS_HEADER dos;
    DWORD size;

    ck_assert(CopyFileW(from, to, FALSE));
    file = CreateFileW(to, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE && ReadFile(file, &dos, sizeof dos, &size, NULL));
    SetFilePointer(file, dos.e_lfanew + (LONG)offsetof(IMAGE_NT_HEADERS, OptionalHeader.Subsystem), NULL, FILE_BEGIN);
    ck_assert(WriteFile(file, &gui, sizeof gui, &size, NULL));
    CloseHandle(file);
}

START_TEST(a_command_of_handoffw_opens_no_window)
{
    wchar_t path[MAX_PATH];

    wcscpy(path, file_path(L"faulty.exe"));
    make_gui_program(program(OWN_WIDTH, L"faulty-prefix.exe"), path);
    SetEnvironmentVariableW(L"HANDOFF_WINDOWS", L"none");
    run(&result, path, L"-- \"%ls\" exit 7", program(OWN_WIDTH, L"child.exe"));
    ck_assert_msg(result.exit_code == 7, "%lu: %s", result.exit_code, result.err);
    run(&result, program(OWN_WIDTH, L"faulty-prefix.exe"), L"-- \"%ls\" exit 7", program(OWN_WIDTH, L"child.exe"));
    SetEnvironmentVariableW(L"HANDOFF_WINDOWS", NULL);
    ck_assert_uint_eq(result.exit_code, EXIT_CANNOT_RUN);
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(each_is_of_its_subsystem)
{
    static const WORD subsystems[] = {IMAGE_SUBSYSTEM_WINDOWS_CUI, IMAGE_SUBSYSTEM_WINDOWS_GUI};

    ck_assert_uint_eq(subsystem_of(program_of(_i)), subsystems[_i / WIDTH_COUNT]);
}
END_TEST

/* Whichever of the two it is, and whether it has a console or not, it speaks on the stderr that it was given. */
START_TEST(both_say_what_is_wrong_and_end_with_the_same_codes)
{
    static const struct {
        const wchar_t *line;
        const char *says;
        DWORD code;
    } lines[] = {
        {L"--raed r=x -- x", "there is no option '--raed': --read?", EXIT_HANDOFF},
        {L"-- no-such-program", "'no-such-program'", EXIT_NOT_FOUND},
        {L"-- C:\\windows\\win.ini", "'C:\\windows\\win.ini'", EXIT_CANNOT_RUN},
        {L"--parent 0 --copy x=4 -- x {x}", "; nothing was stolen", EXIT_HANDOFF},
    };

    for (size_t i = 0; i < ARRAYSIZE(lines) * ARRAYSIZE(consoles); i++) {
        size_t row = i / ARRAYSIZE(consoles);
        struct running running =
            start_running(program_of(_i), lines[row].line, NULL, consoles[i % ARRAYSIZE(consoles)], NULL, NULL);
        char said[1024];

        read_all(running.err, said, sizeof said);
        running.err = NULL;
        ck_assert_uint_eq(finish_running(&running), lines[row].code);
        ck_assert_msg(strncmp(said, "handoff: ", 9) == 0 && strstr(said, lines[row].says) != NULL, "%s", said);
        ck_assert_ptr_eq(strstr(said, "\r\n"), said + strlen(said) - 2);
    }
}
END_TEST

Suite *holding_suite(void)
{
    const struct listed_test tests[] = {
        {g12_a_pipe_and_a_port_are_free_while_the_command_runs, "holding inherited", ROWS},
        {g12_an_empty_list_is_none, "holding inherited", WIDTH_COUNT},
        {g12_a_protected_handle_is_let_go, "holding inherited", ROWS},
        {g12_a_quick_command_does_not_wait_for_its_neighbour, "holding inherited", ROWS},
        {g12_a_descriptor_ends_when_the_command_closes_it, "holding inherited", ROWS},
        {g12_a_handle_that_answers_nothing_is_no_delay, "holding inherited", ROWS},
        {g12_a_prefix_that_waits_has_the_command_and_its_job, "holding table", TABLE_ROWS},
        {g12_it_lets_go_before_the_command_begins, "holding table", TABLE_ROWS},
        {g10_ctrl_c_arrives_though_all_else_is_let_go, "holding console", ROWS},
        {g10_a_prefix_that_waits_is_on_the_console, "holding console", ROWS},
        {g10_ctrl_c_arrives_at_a_terminal, "holding console", ROWS},
        {g10_a_logoff_is_no_end, "holding console", WAYS},
        {g10_a_command_outlives_the_console, "holding console", WAYS},
        {g12_a_lock_is_free_when_the_prefix_has_ended, "holding loops", LOOP_ROWS},
        {g12_a_port_is_free_when_the_prefix_has_ended, "holding loops", LOOP_ROWS},
        {a_prefix_is_one_process_more, "holding programs", ROWS * (int)ARRAYSIZE(consoles)},
        {it_needs_no_other_file_and_no_name, "holding programs", PROGRAM_ROWS},
        {it_works_through_a_link, "holding programs", 1},
        {a_command_of_handoffw_opens_no_window, "holding programs", 1},
        {each_is_of_its_subsystem, "holding programs", PROGRAM_ROWS},
        {both_say_what_is_wrong_and_end_with_the_same_codes, "holding programs", PROGRAM_ROWS},
    };

    return console_suite("holding", tests, ARRAYSIZE(tests), set_up, tear_down);
}
