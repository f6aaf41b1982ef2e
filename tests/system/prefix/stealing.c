/* The prefix with this process as the one whose handles it takes: what the command has then, and what is left here. */
#include "prefix.h"
#include "talk.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

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

/* ---- mistakes ---- */

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
    assert_one_line(result.err);
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
    assert_one_line(result.err);
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
    ck_assert_msg(strncmp(result.err, "handoff: cannot write the command line '", 40) == 0 &&
                      strstr(result.err, "child.exe': Win32 error 206: ") != NULL,
                  "%s", result.err);
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

Suite *stealing_suite(void)
{
    const struct listed_test tests[] = {
        {a_stolen_handle_moves_and_a_copied_one_is_shared, "steal and copy", COMBINATIONS},
        {a_stolen_pipe_ends_with_the_child, "steal and copy", COMBINATIONS},
        {the_parents_creation_time_is_checked, "steal and copy", COMBINATIONS},
        {g2_exactly_the_declared_handles, "steal and copy", COMBINATIONS},
        {g2_what_the_prefix_inherited_stays_there, "steal and copy", COMBINATIONS},
        {g3_a_stream_that_is_not_open_is_nobodys, "numbers that are not open", WIDTH_COUNT},
        {g3_a_number_that_was_not_given_is_refused, "numbers that are not open", WIDTH_COUNT},
        {g9_a_descriptor_that_is_not_open_is_none, "numbers that are not open", WIDTH_COUNT},
        {g11_a_mistake_steals_nothing, "mistakes of a thief", WIDTH_COUNT},
        {g11_a_pseudo_handle_steals_nothing, "mistakes of a thief", WIDTH_COUNT},
        {a_failure_after_stealing_says_so, "mistakes of a thief", WIDTH_COUNT},
        {a_line_that_grows_too_long_is_said_so, "mistakes of a thief", WIDTH_COUNT},
        {a_line_that_is_cut_keeps_its_end, "mistakes of a thief", WIDTH_COUNT},
    };
    Suite *suite = suite_create("stealing");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
