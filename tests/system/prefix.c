/* The prefix before a command, with this process as the one whose handles it takes; and its manners. */
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

/* Of widths; and twice as many rows where the prefix either opens a file or takes a handle of this process. */
enum { COMBINATIONS = WIDTH_COUNT * WIDTH_COUNT, COMBINATIONS_OF_BOTH = 2 * COMBINATIONS };
enum { OWN_ROW = OWN_WIDTH * WIDTH_COUNT + OWN_WIDTH };

static BOOL opens(int i)
{
    return i >= COMBINATIONS;
}

static const wchar_t *prefix(int i)
{
    return program(i % WIDTH_COUNT, L"handoff.exe");
}

static const wchar_t *child(int i)
{
    return program(i / WIDTH_COUNT % WIDTH_COUNT, L"child.exe");
}

static struct result result;

static BOOL is_inheritable(HANDLE handle)
{
    DWORD flags;

    return !GetHandleInformation(handle, &flags) || (flags & HANDLE_FLAG_INHERIT) != 0;
}

/* A reader sees the end of the pipe: nobody has its other end open any more. */
static void assert_ended(HANDLE pipe)
{
    char byte;
    DWORD size;

    ck_assert_msg(!ReadFile(pipe, &byte, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
                  "the pipe goes on with '%c'", byte);
}

/* Nobody has its other end open: writing fails at the latest when the pipe is full. */
static void assert_nobody_reads(HANDLE pipe)
{
    char bytes[512] = "";
    DWORD size;

    while (WriteFile(pipe, bytes, sizeof bytes, &size, NULL))
        ;
}

/* ---- steal and copy ---- */

START_WIDTH_TEST(a_stolen_handle_moves_and_a_copied_one_is_shared)
{
    HANDLE stolen = make_event(), copied = make_event();
    HANDLE is_stolen = duplicate(stolen), is_copied = duplicate(copied);
    DWORD before = count_own_handles();

    run(&result, prefix(_i), L"--parent %lu --steal s=%u --copy c.1-x_=0x%X -- \"%ls\" signal {s} {c.1-x_}",
        GetCurrentProcessId(), number_of(stolen), number_of(copied), child(_i));
    ck_assert_msg(result.exit_code == 0 && result.err[0] == '\0', "%s", result.err);
    ck_assert(is_set(is_stolen) && is_set(is_copied));
    ck_assert_msg(!is_open_for(stolen, is_stolen), "the stolen handle is still open");
    ck_assert_msg(is_open_for(copied, is_copied), "the copied handle is gone");
    ck_assert(!is_inheritable(copied));
    ck_assert_uint_eq(count_own_handles(), before - 1);
    CloseHandle(copied);
    CloseHandle(is_stolen);
    CloseHandle(is_copied);
}
END_TEST

START_TEST(a_stolen_pipe_ends_with_the_child)
{
    HANDLE in_read, in_write, out_read, out_write;
    char text[32] = "";
    DWORD size;

    make_pipe(&in_read, &in_write);
    make_pipe(&out_read, &out_write);
    ck_assert(WriteFile(in_write, "through both", 12, &size, NULL) && CloseHandle(in_write));
    run(&result, prefix(_i), L"--stdout o --parent %lu --steal i=%u --steal o=%u -- \"%ls\" read {i}",
        GetCurrentProcessId(), number_of(in_read), number_of(out_write), child(_i));
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert_str_eq(result.out, "");
    ck_assert(ReadFile(out_read, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, "through both");
    /* This process has no writing end any more: it was stolen. */
    assert_ended(out_read);
    CloseHandle(out_read);
}
END_TEST

START_TEST(the_parents_creation_time_is_checked)
{
    FILETIME created, exited, kernel, user;
    HANDLE event = make_event(), is_event = duplicate(event);

    GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user);
    run(&result, prefix(_i), L"--parent 0x%lx:%I64u --steal e=%u -- \"%ls\" signal {e}", GetCurrentProcessId(),
        (unsigned long long)created.dwHighDateTime << 32 | created.dwLowDateTime, number_of(event), child(_i));
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert(is_set(is_event) && !is_open_for(event, is_event));
    CloseHandle(is_event);
}
END_TEST

/* ---- G2, G9: what the child has ---- */

static void begin_witness(struct witness *witness, const struct running *running)
{
    memset(witness, 0, sizeof *witness);
    witness->stdin_write = running->in;
    witness->stdout_read = running->out;
    read_table(witness);
    witness->child.hProcess = OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, witness->process_id);
    ck_assert_ptr_nonnull(witness->child.hProcess);
}

static void finish_witness(struct witness *witness, struct running *running)
{
    CloseHandle(witness->child.hProcess);
    ck_assert_uint_eq(finish_running(running), 0);
}

/* Started directly, with the same streams and the same console. */
static DWORD count_of_fresh_child(const wchar_t *path)
{
    static struct witness witness;
    struct running running = start_running(path, L"table", NULL, 0, NULL, NULL);

    begin_witness(&witness, &running);
    finish_witness(&witness, &running);
    return witness.has_count;
}

static void assert_no_way_back(const struct witness *witness, DWORD launcher_id)
{
    for (DWORD i = 0; i < witness->has_count; i++) {
        HANDLE handle = copy_from_child(witness, witness->has[i]);
        DWORD process_id = handle != NULL ? GetProcessId(handle) : 0;

        ck_assert_msg(process_id != GetCurrentProcessId(), "the child has a handle to the parent");
        ck_assert_msg(process_id != launcher_id, "the child has a handle to the launcher");
        if (handle != NULL)
            CloseHandle(handle);
    }
}

START_WIDTH_TEST(g2_exactly_the_declared_handles)
{
    static struct witness witness;
    DWORD fresh = count_of_fresh_child(child(_i));
    HANDLE stolen = make_event(), copied = make_event(), is_stolen = duplicate(stolen);
    struct running running;
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"--parent %lu --steal s=%u --copy c=%u -- \"%ls\" table {s} {c}",
             GetCurrentProcessId(), number_of(stolen), number_of(copied), child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    begin_witness(&witness, &running);
    ck_assert_uint_eq(witness.has_count, fresh + 2);
    ck_assert_uint_eq(witness.told_count, 2);
    ck_assert(child_number_is(&witness, witness.told[0], is_stolen));
    ck_assert(child_number_is(&witness, witness.told[1], copied));
    assert_no_way_back(&witness, running.process.dwProcessId);
    finish_witness(&witness, &running);
    CloseHandle(copied);
    CloseHandle(is_stolen);
}
END_TEST

START_TEST(g2_what_the_prefix_inherited_stays_there)
{
    static struct witness witness;
    HANDLE rubbish[8];
    struct running running;
    wchar_t line[1024];
    DWORD fresh;

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" table", child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    begin_witness(&witness, &running);
    finish_witness(&witness, &running);
    fresh = witness.has_count;
    for (size_t i = 0; i < ARRAYSIZE(rubbish); i++) {
        rubbish[i] = make_event();
        ck_assert(SetHandleInformation(rubbish[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
    }
    running = start_with_rubbish(prefix(_i), line, 0);
    begin_witness(&witness, &running);
    ck_assert_uint_eq(witness.has_count, fresh);
    for (size_t i = 0; i < ARRAYSIZE(rubbish); i++) {
        for (DWORD entry = 0; entry < witness.has_count; entry++)
            ck_assert(!child_number_is(&witness, witness.has[entry], rubbish[i]));
        CloseHandle(rubbish[i]);
    }
    finish_witness(&witness, &running);
}
END_TEST

/* ---- numbers that are not open ---- */

/* What the prefix opens by itself is among these, and a few of Windows' own. */
enum { FIRST_NUMBER = 0x10, END_NUMBER = 0xC0 };

static void start_with_streams(wchar_t *line, UINT_PTR first, PROCESS_INFORMATION *process)
{
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = (HANDLE)first,
                            .hStdOutput = (HANDLE)(first + 4),
                            .hStdError = (HANDLE)(first + 8)};

    ck_assert(CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, process));
}

/* CreateProcessW copies streams without a look: the number may be nobody's, until the prefix opens something. */
START_TEST(g3_a_stream_that_is_not_open_is_nobodys)
{
    const wchar_t *path = file_path(L"content");

    write_file(path, "content");
    for (UINT_PTR number = FIRST_NUMBER; number < END_NUMBER; number += 3 * 4) {
        PROCESS_INFORMATION process;
        wchar_t line[2048];
        DWORD code;

        swprintf(line, ARRAYSIZE(line), L"\"%ls\" --read \"f=%ls\" --timeout 60s -- \"%ls\" exit 7 {f}", prefix(_i),
                 path, child(_i));
        start_with_streams(line, number, &process);
        code = finish_child(&process);
        ck_assert_msg(code == 7, "0x%x and the next two: %lu", (unsigned)number, code);
    }
    ck_assert(DeleteFileW(path));
}
END_TEST

START_TEST(g3_a_number_that_was_not_given_is_refused)
{
    unsigned refused = 0;

    for (unsigned number = FIRST_NUMBER; number < END_NUMBER; number += 4) {
        run(&result, prefix(_i), L"--event e= --handle h=%u --parent %lu --copy p=%u -- \"%ls\" exit 7 {e} {h} {p}",
            number, GetCurrentProcessId(), number_of(GetStdHandle(STD_ERROR_HANDLE)), child(_i));
        refused += result.exit_code == EXIT_HANDOFF;
        ck_assert_msg(result.exit_code == 7 ||
                          (result.exit_code == EXIT_HANDOFF && strstr(result.err, "Win32 error 6") != NULL),
                      "0x%x: %lu, %s", number, result.exit_code, result.err);
    }
    ck_assert_uint_gt(refused, (END_NUMBER - FIRST_NUMBER) / 4 / 2);
}
END_TEST

/* Every number is in the block, and few are open. */
START_TEST(g9_a_descriptor_that_is_not_open_is_none)
{
    enum { COUNT = 3 + (END_NUMBER - FIRST_NUMBER) / 4 };
    static struct witness witness;
    uint8_t flags[COUNT] = {0};
    HANDLE handles[COUNT] = {NULL}, streams[3];
    HANDLE event = make_event();
    struct running running;
    const void *block;
    wchar_t line[1024];
    WORD size;

    for (int i = 3; i < COUNT; i++) {
        flags[i] = 0x09; /* open, pipe */
        handles[i] = (HANDLE)(UINT_PTR)(FIRST_NUMBER + 4 * (i - 3));
    }
    block = make_block(sizeof(void *), COUNT, flags, handles, &size);
    make_pipe(&streams[0], &running.in);
    make_pipe(&running.out, &streams[1]);
    make_pipe(&running.err, &streams[2]);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" --parent %lu --copy e=%u -- \"%ls\" table {e}", prefix(_i),
             GetCurrentProcessId(), number_of(event), child(_i));
    ck_assert(start_inheriting(line, streams, NULL, 0, block, size, NULL, &running.process));
    for (int i = 0; i < 3; i++)
        CloseHandle(streams[i]);
    begin_witness(&witness, &running);
    assert_no_way_back(&witness, running.process.dwProcessId);
    finish_witness(&witness, &running);
    CloseHandle(event);
}
END_TEST

/* ---- the contract ---- */

static void assert_one_line(const char *text, const char *speaker)
{
    const char *end = strstr(text, "\r\n");

    ck_assert_msg(strncmp(text, speaker, strlen(speaker)) == 0, "%s", text);
    ck_assert_msg(end != NULL && end[2] == '\0', "not one line: %s", text);
}

static BOOL ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), of_end = strlen(end);

    return length >= of_end && strcmp(text + length - of_end, end) == 0;
}

/* What the rows of mistakes speak of. */
static struct {
    HANDLE stolen, copied, is_stolen, is_copied, closed, dead;
    DWORD dead_id;
    uint64_t created;
} scene;

static void make_scene(void)
{
    FILETIME created, exited, kernel, user;
    PROCESS_INFORMATION process;
    wchar_t line[512];

    scene.stolen = make_event();
    scene.copied = make_event();
    scene.is_stolen = duplicate(scene.stolen);
    scene.is_copied = duplicate(scene.copied);
    scene.closed = (HANDLE)0x7ffffff0;
    GetProcessTimes(GetCurrentProcess(), &created, &exited, &kernel, &user);
    scene.created = (uint64_t)created.dwHighDateTime << 32 | created.dwLowDateTime;
    /* Its handle stays open, so that the pid means nobody else. */
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" exit 0", program(OWN_WIDTH, L"child.exe"));
    ck_assert(start_directly(line, (HANDLE[]){NULL, NULL, NULL}, 0, &process));
    WaitForSingleObject(process.hProcess, INFINITE);
    CloseHandle(process.hThread);
    scene.dead = process.hProcess;
    scene.dead_id = process.dwProcessId;
}

static void clear_scene(void)
{
    ck_assert_msg(!is_set(scene.is_stolen) && !is_set(scene.is_copied), "the child ran");
    CloseHandle(scene.is_stolen);
    CloseHandle(scene.is_copied);
    CloseHandle(scene.copied);
    CloseHandle(scene.dead);
}

/* $P this process, $S and $C the handles to be stolen and copied (in hexadecimal $s and $c), $O a number
 * that is not open, $D a process that is dead, $T this one's creation time and $U not that, $K a
 * command that would set the event s. */
static void put_scene(wchar_t *to, const wchar_t *row)
{
    for (; *row != L'\0'; row++) {
        if (*row != L'$') {
            *to++ = *row;
            continue;
        }
        switch (*++row) {
        case L'P': to += swprintf(to, 32, L"%lu", GetCurrentProcessId()); break;
        case L'S': to += swprintf(to, 32, L"%u", number_of(scene.stolen)); break;
        case L'C': to += swprintf(to, 32, L"%u", number_of(scene.copied)); break;
        case L's': to += swprintf(to, 32, L"0x%08x", number_of(scene.stolen)); break;
        case L'c': to += swprintf(to, 32, L"0X%X", number_of(scene.copied)); break;
        case L'O': to += swprintf(to, 32, L"%u", number_of(scene.closed)); break;
        case L'D': to += swprintf(to, 32, L"%lu", scene.dead_id); break;
        case L'T': to += swprintf(to, 32, L"%I64u", (unsigned long long)scene.created); break;
        case L'U': to += swprintf(to, 32, L"%I64u", (unsigned long long)scene.created + 1); break;
        case L'K': to += swprintf(to, 600, L"\"%ls\" signal", program(OWN_WIDTH, L"child.exe")); break;
        default: ck_abort_msg("a row with $%lc", *row);
        }
    }
    *to = L'\0';
}

/* Runs the launcher with the row; asserts that it says `says` and has stolen nothing. */
static void assert_refused(int width, const wchar_t *row, const char *says)
{
    wchar_t line[4096], wide[64];
    char narrow[256];

    put_scene(line, row);
    run(&result, prefix(width), L"%ls", line);
    swprintf(wide, ARRAYSIZE(wide), L"%hs", says);
    put_scene(line, wide);
    snprintf(narrow, sizeof narrow, "%ls", line);
    ck_assert_msg(result.exit_code == EXIT_HANDOFF, "%ls: %lu, %s", row, result.exit_code, result.err);
    ck_assert_str_eq(result.out, "");
    assert_one_line(result.err, "handoff: ");
    ck_assert_msg(strstr(result.err, narrow) != NULL, "%ls: nothing of %s: %s", row, narrow, result.err);
    ck_assert_msg(ends_with(result.err, "; nothing was stolen\r\n"), "%ls: %s", row, result.err);
    ck_assert_msg(is_open_for(scene.stolen, scene.is_stolen), "%ls: the handle was stolen", row);
    ck_assert_msg(is_open_for(scene.copied, scene.is_copied), "%ls: the handle was stolen", row);
}

static const struct {
    const wchar_t *line;
    const char *says;
} mistakes[] = {
    {L"--parent $P --steal s=$S", "no command"},
    {L"--parent $P --steal s=$S --", "no command"},
    {L"--parent $P --steal s=$S $K {s}", "child.exe'"},
    {L"--parent $P --steal s=$S --stael c=$C -- $K {s}", "'--stael'"},
    {L"--parent $P --steal s=$S -v -- $K {s}", "'-v'"},
    {L"--parent $P --steal s=$S --read r=x -- $K {s}", "'r'"},
    {L"--parent $P --steal s=$S --read r=no\\such -- $K {s} {r}", "'no\\such'"},
    {L"--parent $P --steal s=$S --service=x -- $K {s}", "'--service=x'"},
    {L"--parent $P --steal s=$S --copy", "'--copy'"},
    {L"--parent $P --steal s=$S --copy -- $K {s}", "'--copy'"},
    {L"--parent $P --steal=s=$S --env \"A=C:\\x\\\" -- $K {s}", "'--env'"},
    {L"--parent=$P --steal=s=$S --env A=1 --env a=2 -- $K {s}", "'a=2'"},
    {L"--parent=$P --steal=s=$S --tee no\\such\\x -- $K {s}", "'no\\such\\x'"},
    {L"--parent=$P --steal=s=$S --trace=json:no\\such\\x -- $K {s}", "'no\\such\\x'"},
    /* names */
    {L"--parent $P --steal s=$S --copy $C -- $K {s}", "'$C'"},
    {L"--parent $P --steal s=$S --copy =$C -- $K {s}", "''"},
    {L"--parent $P --steal s=$S --copy c!=$C -- $K {s} {c!}", "'c!'"},
    {L"--parent $P --steal s=$S --copy s=$C -- $K {s}", "'s'"},
    {L"--parent $P --steal s=$S --copy c=$C -- $K {s}", "'c'"},
    {L"--parent $P --steal s=$S --copy c=$C -- $K {s} {{c}} {C} { c}", "'c'"},
    {L"--parent $P --steal s=$S --stdin c -- $K {s}", "'c'"},
    {L"--parent $P --steal s=$S --stdin s --stdin s -- $K {s}", "'--stdin'"},
    /* numbers */
    {L"--parent $P --steal s=$S --copy c= -- $K {s} {c}", "''"},
    {L"--parent $P --steal s=$S --copy c=x -- $K {s} {c}", "'x'"},
    {L"--parent $P --steal s=$S --copy c=0x -- $K {s} {c}", "'0x'"},
    {L"--parent $P --steal s=$S --copy c=$Cx -- $K {s} {c}", "'$Cx'"},
    {L"--parent $P --steal s=$S --copy \"c=$C \" -- $K {s} {c}", "'$C '"},
    {L"--parent $P --steal s=$S --copy c=+$C -- $K {s} {c}", "'+$C'"},
    {L"--parent $P --steal s=$S --copy c=0 -- $K {s} {c}", "'0'"},
    {L"--parent $P --steal s=$S --copy c=0x0 -- $K {s} {c}", "'0x0'"},
    {L"--parent $P --copy c=$C --steal s=0 -- $K {s} {c}", "'0'"},
    {L"--parent $P --steal s=$S --copy c=5 -- $K {s} {c}", "'5'"},
    {L"--parent $P --steal s=$S --copy c=6 -- $K {s} {c}", "'6'"},
    {L"--parent $P --steal s=$S --copy c=7 -- $K {s} {c}", "'7'"},
    {L"--parent $P --steal s=$S --copy c=0x80000000 -- $K {s} {c}", "'0x80000000'"},
    {L"--parent $P --steal s=$S --copy c=0x100000004 -- $K {s} {c}", "'0x100000004'"},
    {L"--parent $P --steal s=$S --copy c=18446744073709551620 -- $K {s} {c}", "'18446744073709551620'"},
    {L"--parent $P --steal s=$S --copy c=0x10000000000000004 -- $K {s} {c}", "'0x10000000000000004'"},
    {L"--parent $P --steal s=$S --copy c=$O -- $K {s} {c}", "'c': Win32 error 6"},
    {L"--parent $P --steal s=$S --steal c=$O -- $K {s} {c}", "'c': Win32 error 6"},
    {L"--parent $P --steal c=$O --steal s=$S -- $K {s} {c}", "'c': Win32 error 6"},
    {L"--parent $P --steal s=$S --steal c=$S -- $K {s} {c}", "'$S'"},
    {L"--parent $P --steal s=$S --steal c=$s -- $K {s} {c}", "'$s'"},
    /* the parent */
    {L"--steal s=$S -- $K {s}", "--parent"},
    {L"--copy c=$C -- $K {c}", "--parent"},
    {L"--report $C -- $K $S", "--parent"},
    {L"--parent", "'--parent'"},
    {L"--parent $P --parent $P --steal s=$S -- $K {s}", "'--parent'"},
    {L"--parent x --steal s=$S -- $K {s}", "'x'"},
    {L"--parent \"\" --steal s=$S -- $K {s}", "''"},
    {L"--parent -1 --steal s=$S -- $K {s}", "'-1'"},
    {L"--parent $Px --steal s=$S -- $K {s}", "'$Px'"},
    {L"--parent $P: --steal s=$S -- $K {s}", "'$P:'"},
    {L"--parent $P:x --steal s=$S -- $K {s}", "'$P:x'"},
    {L"--parent $P:$Tx --steal s=$S -- $K {s}", "'$P:$Tx'"},
    {L"--parent 0x100000000 --steal s=$S -- $K {s}", "'0x100000000'"},
    {L"--parent $P:0 --steal s=$S -- $K {s}", "'$P:0'"},
    {L"--parent $P:$U --steal s=$S -- $K {s}", "parent: Win32 error 87"},
    {L"--parent 0 --steal s=$S -- $K {s}", "parent: Win32 error 87"},
    {L"--parent $D --steal s=$S -- $K {s}", "Win32 error"},
    {L"--parent $D:$T --steal s=$S -- $K {s}", "Win32 error"},
    /* the report */
    {L"--parent $P --steal s=$S --report", "'--report'"},
    {L"--parent $P --steal s=$S --report x -- $K {s}", "'x'"},
    {L"--parent $P --steal s=$S --report 0 -- $K {s}", "'0'"},
    {L"--parent $P --steal s=$S --report 0xffffffff -- $K {s}", "'0xffffffff'"},
    {L"--parent $P --steal s=$S --report $O -- $K {s}", "report to the parent: Win32 error 6"},
    {L"--parent $P --steal s=$S --report $C --report $C -- $K {s}", "'--report'"},
    {L"--parent $P --steal s=$S --report $S -- $K {s}", "'$S'"},
    /* variables */
    {L"--parent $P --steal s=$S --env X -- $K {s}", "'X'"},
    {L"--parent $P --steal s=$S --env =X -- $K {s}", "'=X'"},
    {L"--parent $P --steal s=$S --unset X=Y -- $K {s}", "'X=Y'"},
    {L"--parent $P --steal s=$S --unset \"\" -- $K {s}", "''"},
};

START_TEST(g11_a_mistake_steals_nothing)
{
    make_scene();
    for (size_t i = 0; i < ARRAYSIZE(mistakes); i++)
        assert_refused(_i, mistakes[i].line, mistakes[i].says);
    CloseHandle(scene.stolen);
    clear_scene();
}
END_TEST

/* In every spelling, to every option that takes a number. */
START_TEST(g11_a_pseudo_handle_steals_nothing)
{
    static const wchar_t *const options[] = {L"--copy p=", L"--steal p=", L"--report "};
    static const wchar_t *const spellings[] = {L"-%I64u", L"%I64u", L"0x%I64x", L"0X%I64X"};

    make_scene();
    for (unsigned pseudo = 1; pseudo <= 12; pseudo++) {
        /* Half of them with each width of the launcher. */
        if (pseudo > 1 && pseudo % WIDTH_COUNT != (unsigned)_i)
            continue;
        const unsigned long long numbers[] = {pseudo, (uint32_t)-pseudo, 0ull - pseudo};

        for (size_t i = 0; i < 2 * ARRAYSIZE(spellings) - 1; i++) {
            wchar_t number[32], row[256];
            char says[64];

            swprintf(number, ARRAYSIZE(number), spellings[(i + 1) / 2], numbers[i == 0 ? 0 : 1 + i % 2]);
            swprintf(row, ARRAYSIZE(row), L"--parent $P --steal s=$S %ls%ls -- $K {s} {p}", options[pseudo % 3],
                     number);
            snprintf(says, sizeof says, "'%ls'", number);
            assert_refused(_i, row, says);
        }
    }
    CloseHandle(scene.stolen);
    clear_scene();
}
END_TEST

/* What was to be stolen is gone, and the exit code is not 125. */
static void assert_lost(int width, const wchar_t *command, DWORD exit_code, const char *says)
{
    HANDLE stolen = make_event(), copied = make_event(), is_stolen = duplicate(stolen), is_copied = duplicate(copied);

    run(&result, prefix(width), L"--parent %lu --steal s=%u --copy c=%u -- %ls", GetCurrentProcessId(),
        number_of(stolen), number_of(copied), command);
    ck_assert_msg(result.exit_code == exit_code, "%lu: %s", result.exit_code, result.err);
    assert_one_line(result.err, "handoff: ");
    ck_assert_msg(strstr(result.err, says) != NULL, "%s", result.err);
    ck_assert_msg(strstr(result.err, "nothing was stolen") == NULL, "%s", result.err);
    ck_assert_msg(!is_open_for(stolen, is_stolen), "the handle is still open");
    ck_assert_msg(is_open_for(copied, is_copied), "the copied handle is gone");
    CloseHandle(copied);
    CloseHandle(is_stolen);
    CloseHandle(is_copied);
    assert_nobody_left();
}

START_TEST(a_failure_after_stealing_says_so)
{
    assert_lost(_i, L"no-such-program {s} {c}", EXIT_NOT_FOUND, "'no-such-program'");
    assert_lost(_i, L"C:\\no\\such\\program.exe {s} {c}", EXIT_NOT_FOUND, "'C:\\no\\such\\program.exe'");
    assert_lost(_i, L"C:\\windows\\win.ini {s} {c}", EXIT_CANNOT_RUN, "'C:\\windows\\win.ini'");
    assert_lost(_i, L"C:\\windows {s} {c}", EXIT_NOT_FOUND, "'C:\\windows'");
}
END_TEST

/* A line can grow only where a number has more digits than its placeholder has characters. */
START_TEST(a_line_that_grows_too_long_is_said_so)
{
    static wchar_t line[LINE_UNITS];
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);
    wchar_t *end = line;

    end += swprintf(end, 64, L"--parent %lu --steal s=%u", GetCurrentProcessId(), number_of(stolen));
    for (int i = 0; i < 300; i++)
        end += swprintf(end, 64, L" --copy a%d=%u", i, number_of(is_stolen));
    end += swprintf(end, 1024, L" --copy z=%u -- \"%ls\" exit 0 {s}", number_of(is_stolen), program(_i, L"child.exe"));
    for (int i = 0; i < 300; i++)
        end += swprintf(end, 64, L" {a%d}", i);
    while (end - line < 32000)
        end += swprintf(end, 8, L"{z}");
    run(&result, prefix(_i), L"%ls", line);
    ck_assert_msg(result.exit_code == EXIT_CANNOT_RUN, "%lu: %s", result.exit_code, result.err);
    ck_assert_msg(strstr(result.err, "command line: Win32 error 206") != NULL, "%s", result.err);
    ck_assert(!is_open_for(stolen, is_stolen));
    CloseHandle(is_stolen);
    assert_nobody_left();
}
END_TEST

/* However long what it is about: who reads the line goes by how it ends. */
START_TEST(a_line_that_is_cut_keeps_its_end)
{
    static wchar_t name[1200];
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);

    wmemset(name, L'n', ARRAYSIZE(name) - 1);
    run(&result, prefix(_i), L"--parent %lu --steal %ls=%u --read f=no\\such -- cmd {%ls} {f}", GetCurrentProcessId(),
        name, number_of(stolen), name);
    ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    ck_assert_msg(ends_with(result.err, "; nothing was stolen\r\n"), "%s", result.err);
    run(&result, prefix(_i), L"--parent %lu --steal %ls=%u --steal a=0x7ffffff0 -- cmd {%ls} {a}",
        GetCurrentProcessId(), name, number_of(stolen), name);
    ck_assert_msg(ends_with(result.err, "; nothing was stolen\r\n"), "%s", result.err);
    run(&result, prefix(_i), L"--parent %lu --steal a=%u --dir %ls -- cmd {a}", GetCurrentProcessId(),
        number_of(stolen), name);
    ck_assert_msg(ends_with(result.err, "; nothing was stolen\r\n"), "%s", result.err);
    ck_assert(is_open_for(stolen, is_stolen));
    CloseHandle(stolen);
    CloseHandle(is_stolen);
}
END_TEST

START_TEST(help_and_version)
{
    run(&result, prefix(_i), L"--help");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_ptr_nonnull(strstr(result.out, "--steal"));
    ck_assert_str_eq(result.err, "");
    run(&result, prefix(_i), L"--version");
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_int_eq(strncmp(result.out, "handoff ", 8), 0);
}
END_TEST

/* ---- the stand-in ---- */

START_TEST(g7_all_32_bits_of_the_exit_code)
{
    static const DWORD codes[] = {0, 1, 125, 126, 127, 259, 0x7fffffff, 0x80000000, 0xc0000005, 0xffffffff};

    /* Where another width has to do with it, some will do. */
    for (size_t i = _i == OWN_ROW ? 0 : ARRAYSIZE(codes) - 2; i < ARRAYSIZE(codes); i++) {
        run(&result, prefix(_i), L"-- \"%ls\" exit 0x%lx", child(_i), codes[i]);
        ck_assert_uint_eq(result.exit_code, codes[i]);
        ck_assert_str_eq(result.err, "");
    }
}
END_TEST

/* One that the child's `retire` waits for. */
static HANDLE make_named_event(wchar_t name[64])
{
    HANDLE event;

    swprintf(name, 64, L"handoff-test-%lu", GetCurrentProcessId());
    event = CreateEventW(NULL, TRUE, FALSE, name);
    ck_assert_ptr_nonnull(event);
    return event;
}

/* The child gives up all it has and stays. Then nobody has it, although the prefix waits. */
START_TEST(a_prefix_that_waits_holds_nothing)
{
    const wchar_t *file = file_path(L"passed");
    HANDLE event, passed = NULL, is_passed = NULL, again;
    struct running running;
    wchar_t options[512], name[64], line[2048];

    event = make_named_event(name);
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
    HANDLE event = make_named_event(name);
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

/* What there may be of jobs (tests/faulty/faulty_prefix.c), and whether the child is in that of the prefix all the same. */
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

/* ---- the report ---- */

/* Takes the rest of a pipe's text apart: the value behind NAME=, or NULL. */
static const char *find_line(const char *text, const char *name)
{
    static char value[1024];
    size_t length = strlen(name);

    for (; text != NULL && *text != '\0'; text = strchr(text, '\n') != NULL ? strchr(text, '\n') + 1 : NULL) {
        if (strncmp(text, name, length) == 0 && text[length] == '=') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(text + length + 1, "\n"), text + length + 1);
            return value;
        }
    }
    return NULL;
}

static unsigned number_in(const char *text, const char *name)
{
    const char *value = find_line(text, name);

    ck_assert_msg(value != NULL && strspn(value, "0123456789") == strlen(value), "no number %s in %s", name, text);
    return (unsigned)strtoul(value, NULL, 10);
}

START_WIDTH_TEST(the_report_has_the_child)
{
    HANDLE read, write, event = make_event(), process;
    struct running running;
    unsigned handle;
    wchar_t line[1024];
    char text[1024];

    make_pipe(&read, &write);
    swprintf(line, ARRAYSIZE(line), L"--parent %lu --report %u --copy e.v=%u -- \"%ls\" hold {e.v}",
             GetCurrentProcessId(), number_of(write), number_of(event), child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(write);
    read_all(read, text, sizeof text);
    process = (HANDLE)(UINT_PTR)number_in(text, "process");
    handle = number_in(text, "handle.e.v");
    ck_assert_uint_eq(GetProcessId(process), number_in(text, "pid"));
    ck_assert(!is_inheritable(process));
    /* The launcher has left, the child goes on. */
    ck_assert(comes(event));
    ck_assert(lives(process));
    ck_assert(child_number_is(&(struct witness){.child.hProcess = process}, handle, event));
    ck_assert_msg(number_in(text, "pid") != 0 && strchr(text, '\r') == NULL && ends_with(text, "\n"), "%s", text);
    ck_assert(TerminateProcess(process, 0) && comes(process));
    CloseHandle(process);
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

/* Of the process' only thread. */
static DWORD count_suspensions(DWORD process_id)
{
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0), thread;
    BOOL more = Thread32First(snapshot, &entry);
    DWORD count;

    while (more && entry.th32OwnerProcessID != process_id)
        more = Thread32Next(snapshot, &entry);
    CloseHandle(snapshot);
    ck_assert_msg(more, "process %lu has no thread", process_id);
    thread = OpenThread(THREAD_SUSPEND_RESUME, FALSE, entry.th32ThreadID);
    count = SuspendThread(thread);
    ResumeThread(thread);
    CloseHandle(thread);
    return count;
}

/* The pipe takes one byte at a time, so until its last byte is read the report is not written. */
START_TEST(the_child_runs_only_after_the_report)
{
    HANDLE read, write, event = make_event(), process;
    struct running running;
    wchar_t line[1024];
    char text[1024];
    unsigned child_id;

    ck_assert(CreatePipe(&read, &write, NULL, 1));
    swprintf(line, ARRAYSIZE(line), L"--parent %lu --report %u --copy e=%u -- \"%ls\" signal {e}",
             GetCurrentProcessId(), number_of(write), number_of(event), child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    ck_assert(read_line(read, text, sizeof text));
    child_id = number_in(text, "pid");
    ck_assert(read_line(read, text, sizeof text));
    process = (HANDLE)(UINT_PTR)number_in(text, "process");
    ck_assert_uint_eq(count_suspensions(child_id), 1);
    ck_assert(read_line(read, text, sizeof text));
    ck_assert_uint_eq(finish_running(&running), 0);
    ck_assert(comes(process));
    ck_assert(is_set(event));
    CloseHandle(process);
    CloseHandle(read);
    CloseHandle(write);
    CloseHandle(event);
}
END_TEST

/* Neither a pipe that nobody reads nor a handle that cannot be written lets the child run; nothing
 * stays in this process but what it had. */
static void assert_report_fails(int i, HANDLE report)
{
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);
    DWORD before = count_own_handles();

    run(&result, prefix(i), L"--parent %lu --report %u --steal s=%u -- \"%ls\" signal {s}", GetCurrentProcessId(),
        number_of(report), number_of(stolen), child(i));
    ck_assert_uint_eq(result.exit_code, EXIT_CANNOT_RUN);
    assert_one_line(result.err, "handoff: cannot report to the parent");
    ck_assert_msg(!is_open_for(stolen, is_stolen), "the handle is still open");
    ck_assert_uint_eq(count_own_handles(), before - 1);
    assert_nobody_left();
    ck_assert_msg(!is_set(is_stolen), "the child ran");
    CloseHandle(is_stolen);
}

START_TEST(without_a_reader_the_child_never_runs)
{
    HANDLE read, write, event = make_event();

    make_pipe(&read, &write);
    assert_report_fails(_i, read);
    assert_report_fails(_i, event);
    CloseHandle(read);
    assert_report_fails(_i, write);
    CloseHandle(write);
    CloseHandle(event);
}
END_TEST

/* The same exit code and the same line as on stderr. */
static void assert_error_reported(int width, const wchar_t *options, DWORD code)
{
    HANDLE read, write;
    char text[2048];
    const char *message;

    make_pipe(&read, &write);
    run(&result, prefix(width), L"--parent %lu --report %u %ls", GetCurrentProcessId(), number_of(write), options);
    CloseHandle(write);
    read_all(read, text, sizeof text);
    ck_assert_uint_eq(result.exit_code, code);
    ck_assert_uint_eq(number_in(text, "error"), code);
    ck_assert_ptr_null(find_line(text, "pid"));
    message = find_line(text, "message");
    ck_assert_msg(message != NULL && strncmp(result.err, message, strlen(message)) == 0, "%s", text);
    ck_assert_msg(strcmp(result.err + strlen(message), "\r\n") == 0, "%s: %s", text, result.err);
}

START_TEST(a_failure_is_reported)
{
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);
    wchar_t options[256];

    assert_error_reported(_i, L"-- no-such-program", EXIT_NOT_FOUND);
    assert_error_reported(_i, L"-- C:\\windows\\win.ini", EXIT_CANNOT_RUN);
    assert_error_reported(_i, L"--copy c=0x7ffffff0 -- cmd {c}", EXIT_HANDOFF);
    swprintf(options, ARRAYSIZE(options), L"--steal s=%u -- no-such-program {s}", number_of(stolen));
    assert_error_reported(_i, options, EXIT_NOT_FOUND);
    ck_assert(!is_open_for(stolen, is_stolen));
    CloseHandle(is_stolen);
}
END_TEST

/* ---- what else is handed on ---- */

static const wchar_t block[] =
    L"=C:=C:\\windows\0=Z:=Z:\\\0zeta=first\0Alpha=a b\"c\"\0BETA=\x263a\0alphabet=x\0empty=\0"
    L"PATH=C:\\windows\\system32\0SystemRoot=C:\\windows\0last={s} %PATH%=\0";

/* The environment that the child of `path` and `line` writes, closed by an empty string, if `path` is
 * given this one. */
static void read_environment(wchar_t *to, DWORD capacity, const wchar_t *path, const wchar_t *line,
                             const wchar_t *environment)
{
    struct running running = start_running(path, line, NULL, 0, environment, NULL);
    DWORD size = read_all(running.out, (char *)to, capacity * sizeof *to);

    to[size / sizeof *to] = L'\0';
    CloseHandle(running.in);
    read_all(running.err, result.err, sizeof result.err);
    ck_assert_msg(finish_child(&running.process) == 0 && size > 0, "%s", result.err);
}

static const wchar_t *after(const wchar_t *variable)
{
    return variable + wcslen(variable) + 1;
}

static BOOL has_name_of(const wchar_t *block_at, const wchar_t *variable)
{
    size_t length = wcscspn(variable + 1, L"=") + 2; /* a name may begin with one */

    while (*block_at != L'\0' && wcsncmp(block_at, variable, length) != 0)
        block_at = after(block_at);
    return *block_at != L'\0';
}

static const wchar_t *skip_additions(const wchar_t *block_at, const wchar_t *given)
{
    while (*block_at != L'\0' && !has_name_of(given, block_at))
        block_at = after(block_at);
    return block_at;
}

static void assert_has_all(const wchar_t *block_at, const wchar_t *variables)
{
    for (; *variables != L'\0'; variables = after(variables)) {
        const wchar_t *at = block_at;

        while (*at != L'\0' && wcscmp(at, variables) != 0)
            at = after(at);
        ck_assert_msg(*at != L'\0', "%s is in one block only", shown(variables));
    }
}

/* What was given, in its order. The system may add to the block of each process that is started, where it likes. */
static void assert_same_block(const wchar_t *expected, const wchar_t *came, const wchar_t *given)
{
    assert_has_all(expected, came);
    assert_has_all(came, expected);
    for (;;) {
        expected = skip_additions(expected, given);
        came = skip_additions(came, given);
        ck_assert_msg(wcscmp(expected, came) == 0, "expected %s, came %s", shown(expected), shown(came));
        if (*expected == L'\0')
            break;
        expected = after(expected);
        came = after(came);
    }
}

START_TEST(the_environment_passes_through)
{
    static wchar_t plain[16384], came[16384];
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" environment", child(_i));
    read_environment(plain, ARRAYSIZE(plain), child(_i), L"environment", block);
    read_environment(came, ARRAYSIZE(came), prefix(_i), line, block);
    ck_assert_msg(wmemcmp(plain, L"=C:=C:\\windows", 15) == 0, "%s", shown(plain));
    assert_same_block(plain, came, block);
}
END_TEST

/* A change is made where the variable stands; a new variable comes before the first that is greater; all else stays. */
static const wchar_t changed[] = L"=C:=C:\\windows\0=Z:=Z:\\\0NEW=\0zeta=first\0ALPHA=x=\"y {z}\" \0alphabet=x\0"
                                 L"PATH=C:\\windows\\system32\0SystemRoot=C:\\windows\0last={s} %PATH%=\0";

START_TEST(variables_are_set_and_removed)
{
    static wchar_t plain[16384], came[16384];
    wchar_t line[2048];

    swprintf(line, ARRAYSIZE(line),
             L"--unset empty --env \"ALPHA=x=\\\"y {z}\\\" \" --env NEW= --unset beta --unset no.such -- \"%ls\" "
             L"environment",
             child(_i));
    read_environment(plain, ARRAYSIZE(plain), child(_i), L"environment", changed);
    read_environment(came, ARRAYSIZE(came), prefix(_i), line, block);
    assert_same_block(plain, came, changed);
}
END_TEST

START_TEST(a_variable_can_name_a_handle)
{
    HANDLE stolen = make_event(), is_stolen = duplicate(stolen);

    run(&result, prefix(_i), L"--env \"HANDLE={h}\" --parent %lu --steal h=%u -- \"%ls\" signal-variable HANDLE",
        GetCurrentProcessId(), number_of(stolen), child(_i));
    ck_assert_msg(result.exit_code == 0, "%lu: %s", result.exit_code, result.err);
    ck_assert(is_set(is_stolen));
    CloseHandle(is_stolen);
}
END_TEST

static void read_start(char *to, DWORD capacity, const wchar_t *path, const wchar_t *line, DWORD priority)
{
    const STARTUPINFOW startup = {.lpTitle = (wchar_t[]){L"a title"},
                                  .dwFlags = STARTF_USESHOWWINDOW | STARTF_USEPOSITION | STARTF_USESIZE,
                                  .wShowWindow = SW_SHOWMINNOACTIVE,
                                  .dwX = 11,
                                  .dwY = 22,
                                  .dwXSize = 333,
                                  .dwYSize = 444};
    struct running running = start_running(path, line, &startup, priority, NULL, NULL);

    read_all(running.out, to, capacity);
    CloseHandle(running.in);
    CloseHandle(running.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
}

START_TEST(the_start_passes_through)
{
    char plain[512], came[512];
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" start", child(_i));
    read_start(plain, sizeof plain, child(_i), L"start", 0);
    read_start(came, sizeof came, prefix(_i), line, 0);
    ck_assert_msg(strncmp(plain, "title a title, ", 15) == 0, "%s", plain);
    ck_assert_str_eq(came, plain);
}
END_TEST

/* A low one would be inherited anyway, a high one is not. */
START_TEST(the_priority_passes_through)
{
    static const DWORD priorities[] = {IDLE_PRIORITY_CLASS, HIGH_PRIORITY_CLASS};
    char plain[512], came[512];
    wchar_t line[1024];

    for (int i = 0; i < COMBINATIONS * (int)ARRAYSIZE(priorities); i++) {
        DWORD priority = priorities[i / COMBINATIONS];

        swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" start", child(i));
        read_start(plain, sizeof plain, child(i), L"start", priority);
        if (strtoul(strstr(plain, "priority") + 9, NULL, 16) != priority) {
            skip("CreateProcessW pays no heed to the priority class here, with or without handoff");
            return;
        }
        read_start(came, sizeof came, prefix(i), line, priority);
        ck_assert_str_eq(came, plain);
    }
}
END_TEST

START_TEST(the_directory_passes_through)
{
    wchar_t line[1024], place[1024];
    struct running running;

    swprintf(line, ARRAYSIZE(line), L"-- \"%ls\" place", child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, L"C:\\windows");
    read_all(running.out, (char *)place, sizeof place);
    CloseHandle(running.in);
    CloseHandle(running.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
    ck_assert_msg(_wcsnicmp(place, L"C:\\windows|", 11) == 0, "%s", shown(place));
}
END_TEST

/* ---- --trace ---- */

/* Lines of "NAME: N us: STEP", in this order and never backwards. */
static void assert_times(const char *text)
{
    static const char *const steps[] = {"handles opened", "child created"};
    unsigned last = 0, us;

    for (size_t i = 0; i < ARRAYSIZE(steps); i++) {
        const char *step = strstr(text, steps[i]);

        ck_assert_msg(step != NULL, "no '%s' in %s", steps[i], text);
        while (step > text && step[-1] != '\n')
            step--;
        ck_assert_msg(sscanf(strchr(step, ':') + 1, " %u us: ", &us) == 1 && us >= last, "%s", text);
        last = us;
    }
    ck_assert_uint_gt(last, 0);
}

/* The rest of the line that begins so, without what begins it. */
static const char *line_after(const char *text, const char *start)
{
    static char rest[2048];
    const char *found = strstr(text, start);

    ck_assert_msg(found != NULL && (found == text || found[-1] == '\n'), "no line '%s...' in %s", start, text);
    snprintf(rest, sizeof rest, "%.*s", (int)strcspn(found + strlen(start), "\r"), found + strlen(start));
    return rest;
}

/* What the trace says of the handle h, the second of the child's numbers, is what the child says. */
static void check_trace(const char *err, const struct witness *witness, DWORD process_id, HANDLE event)
{
    const char *way = line_after(err, "handoff: h: ");
    unsigned in_parent, parent_id, in_launcher, launcher_id, in_child, child_id;
    char expected[512];

    if (event != NULL) {
        ck_assert_int_eq(sscanf(way, "0x%x in parent %u -> ", &in_parent, &parent_id), 2);
        ck_assert_uint_eq(in_parent, number_of(event));
        ck_assert_uint_eq(parent_id, GetCurrentProcessId());
        way = strstr(way, "-> ") + 3;
    }
    ck_assert_int_eq(
        sscanf(way, "0x%x in launcher %u -> 0x%x in child %u", &in_launcher, &launcher_id, &in_child, &child_id), 4);
    ck_assert_uint_eq(witness->told_count, 1);
    ck_assert_uint_eq(in_child, witness->told[0]);
    ck_assert_uint_eq(in_launcher, witness->told[0]);
    ck_assert_uint_eq(child_id, witness->process_id);
    ck_assert_uint_eq(launcher_id, process_id);
    snprintf(expected, sizeof expected, "\" table %lu", witness->told[0]);
    ck_assert_msg(ends_with(line_after(err, "handoff: \""), expected), "%s", err);
}

START_TEST(a_trace_says_what_happened)
{
    static struct witness witness;
    const wchar_t *file = file_path(L"traced");
    HANDLE event = make_event();
    struct running running;
    wchar_t options[512], line[1024];

    if (opens(_i))
        swprintf(options, ARRAYSIZE(options), L"--write \"h=%ls\"", file);
    else
        swprintf(options, ARRAYSIZE(options), L"--parent %lu --copy h=%u", GetCurrentProcessId(), number_of(event));
    swprintf(line, ARRAYSIZE(line), L"--trace %ls -- \"%ls\" table {h}", options, child(_i));
    running = start_running(prefix(_i), line, NULL, 0, NULL, NULL);
    begin_witness(&witness, &running);
    CloseHandle(running.in);
    read_all(running.err, result.err, sizeof result.err);
    CloseHandle(running.out);
    CloseHandle(witness.child.hProcess);
    check_trace(result.err, &witness, running.process.dwProcessId, opens(_i) ? NULL : event);
    assert_times(result.err);
    ck_assert_uint_eq(finish_child(&running.process), 0);
    CloseHandle(event);
    DeleteFileW(file);
}
END_TEST

/* ---- what nobody reads ---- */

/* With a stderr that takes nothing until it is read. */
static struct running start_unheard(int i, const wchar_t *options, HANDLE event, const wchar_t *action)
{
    STARTUPINFOW startup;
    struct running running = make_streams(&startup);
    wchar_t line[1024];

    CloseHandle(running.err);
    CloseHandle(startup.hStdError);
    ck_assert(CreatePipe(&running.err, &startup.hStdError, NULL, 1));
    make_inheritable(startup.hStdError);
    swprintf(line, ARRAYSIZE(line), L"%ls --parent %lu --copy e=%u -- \"%ls\" %ls {e}", options, GetCurrentProcessId(),
             number_of(event), child(i), action);
    start_with_all(&running, prefix(i), line, &startup, 0);
    close_streams(&startup);
    return running;
}

static const struct {
    const wchar_t *options;
    const char *first, *last; /* of what is said */
} unheard[] = {
    {L"--trace", "handoff: e: 0x", "handoff: exit code 0 (exited)"},
    {L"--trace --timeout 1h", "handoff: e: 0x", "handoff: exit code 0 (exited)"},
    {L"--trace --detach", "handoff: e: 0x", " us: child created\r\n"},
    {L"--trace=json", "{\"parent\":", "\"exit_code\":0,"},
};

/* The command runs all the same, and whoever reads late reads all of it. */
START_TEST(a_trace_that_nobody_reads_holds_nothing_up)
{
    int row = _i / WIDTH_COUNT;
    HANDLE event = make_event();
    struct running running = start_unheard(_i, unheard[row].options, event, L"signal");

    ck_assert_msg(comes(event), "the command does not run");
    read_all(running.err, result.err, sizeof result.err);
    running.err = NULL;
    ck_assert_msg(strstr(result.err, unheard[row].first) == result.err && strstr(result.err, unheard[row].last) != NULL,
                  "%s", result.err);
    ck_assert_uint_eq(finish_running(&running), 0);
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

START_TEST(the_time_is_up_though_nobody_reads_the_trace)
{
    HANDLE event = make_event();
    struct running running = start_unheard(_i, L"--trace --timeout 1s", event, L"hold");

    ck_assert(comes(running.process.hProcess));
    ck_assert(is_set(event));
    ck_assert_uint_eq(finish_running(&running), 124);
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

Suite *prefix_suite(void)
{
    const TTest *const of_door[] = {
        a_stolen_handle_moves_and_a_copied_one_is_shared,
        a_stolen_pipe_ends_with_the_child,
        the_parents_creation_time_is_checked,
        g2_exactly_the_declared_handles,
        g7_all_32_bits_of_the_exit_code,
        a_variable_can_name_a_handle,
        the_start_passes_through,
    };
    const TTest *const of_numbers[] = {
        g3_a_stream_that_is_not_open_is_nobodys,
        g3_a_number_that_was_not_given_is_refused,
        g9_a_descriptor_that_is_not_open_is_none,
    };
    const TTest *const of_stand_in[] = {
        g2_what_the_prefix_inherited_stays_there,
        a_prefix_that_is_killed_takes_the_child_along,
        a_child_with_windows_is_waited_for,
    };
    const TTest *const of_passing_on[] = {
        the_environment_passes_through,
        variables_are_set_and_removed,
        the_directory_passes_through,
    };
    const TTest *const of_report[] = {
        the_report_has_the_child,
        the_child_runs_only_after_the_report,
        without_a_reader_the_child_never_runs,
    };
    const TTest *const of_each_width[] = {
        g11_a_mistake_steals_nothing,          g11_a_pseudo_handle_steals_nothing, a_failure_after_stealing_says_so,
        a_line_that_grows_too_long_is_said_so, a_line_that_is_cut_keeps_its_end,   help_and_version,
    };
    Suite *suite = suite_create("prefix");
    TCase *door = tcase_create("door");
    TCase *numbers = tcase_create("numbers");
    TCase *contract = tcase_create("contract");
    TCase *stand_in = tcase_create("stand-in");
    TCase *passing_on = tcase_create("passing on");
    TCase *silence = tcase_create("silence");
    TCase *keys = tcase_create("keys");
    TCase *report = tcase_create("report");

    for (size_t i = 0; i < ARRAYSIZE(of_door); i++)
        tcase_add_loop_test(door, of_door[i], 0, COMBINATIONS);
    suite_add_tcase(suite, door);
    for (size_t i = 0; i < ARRAYSIZE(of_numbers); i++)
        tcase_add_loop_test(numbers, of_numbers[i], 0, WIDTH_COUNT);
    suite_add_tcase(suite, numbers);
    for (size_t i = 0; i < ARRAYSIZE(of_each_width); i++)
        tcase_add_loop_test(contract, of_each_width[i], 0, WIDTH_COUNT);
    suite_add_tcase(suite, contract);
    for (size_t i = 0; i < ARRAYSIZE(of_stand_in); i++)
        tcase_add_loop_test(stand_in, of_stand_in[i], 0, COMBINATIONS);
    tcase_add_loop_test(stand_in, where_windows_refuses_the_job_another_way_is_tried, 0,
                        ARRAYSIZE(old_jobs) * WIDTH_COUNT);
    tcase_add_loop_test(stand_in, what_needs_a_job_says_that_there_is_none, 0, ARRAYSIZE(jobless) * WIDTH_COUNT);
    tcase_add_loop_test(stand_in, a_prefix_that_waits_holds_nothing, 0, COMBINATIONS_OF_BOTH);
    tcase_add_loop_test(stand_in, a_prefix_that_waits_leaves_its_directory, 0, WIDTH_COUNT);
    suite_add_tcase(suite, stand_in);
    tcase_add_loop_test(passing_on, a_trace_says_what_happened, 0, COMBINATIONS_OF_BOTH);
    tcase_add_test(passing_on, the_priority_passes_through);
    for (size_t i = 0; i < ARRAYSIZE(of_passing_on); i++)
        tcase_add_loop_test(passing_on, of_passing_on[i], 0, COMBINATIONS);
    suite_add_tcase(suite, passing_on);
    tcase_add_loop_test(silence, a_trace_that_nobody_reads_holds_nothing_up, 0, ARRAYSIZE(unheard) * WIDTH_COUNT);
    tcase_add_loop_test(silence, the_time_is_up_though_nobody_reads_the_trace, 0, WIDTH_COUNT);
    suite_add_tcase(suite, silence);
    tcase_add_loop_test(keys, g10_ctrl_c_is_the_childs, 0, COMBINATIONS);
    tcase_add_test(keys, g10_ctrl_break_is_the_childs);
    suite_add_tcase(suite, keys);
    for (size_t i = 0; i < ARRAYSIZE(of_report); i++)
        tcase_add_loop_test(report, of_report[i], 0, COMBINATIONS);
    tcase_add_loop_test(report, a_failure_is_reported, 0, WIDTH_COUNT);
    suite_add_tcase(suite, report);
    return suite;
}
