/* Launchers that stay: what they start is as if it had been started without them, whatever was started before. */
#include "launchers.h"
#include "talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "handle_table.h"

/* ---- as without it ---- */

static void as_it_is(struct trial *t)
{
    (void)t;
}
static void with_file(struct trial *t)
{
    t->pass.name = L"h";
}
static void with_file_as_stdin(struct trial *t)
{
    t->pass.streams = HANDOFF_STDIN;
}
static void with_descriptor(struct trial *t)
{
    t->pass.descriptor = 3;
}
static void with_sealed_descriptor(struct trial *t)
{
    t->pass.descriptor = 5;
    t->pass.flags = HANDOFF_SEALED;
}
static void with_optional(struct trial *t)
{
    t->pass.name = L"h";
    t->pass.flags = HANDOFF_OPTIONAL;
}
static void with_environment(struct trial *t)
{
    t->request.environment = L"=C:=C:\\windows\0HANDOFF_A=one\0SystemRoot=C:\\windows\0";
}
static void with_variables(struct trial *t)
{
    t->request.variables = L"HANDOFF_NEW=two words\0PATHEXT\0";
}
static void with_handle_in_variable(struct trial *t)
{
    t->pass.name = L"h";
    t->request.variables = L"HANDOFF_H={h}\0";
    t->pass.handle = make_event();
    ck_assert(CloseHandle(t->file));
    t->file = t->pass.handle;
}
static void with_arguments(struct trial *t)
{
    static const wchar_t *arguments[] = {NULL, L"line", L"", L"a \"b\"", L"c\\", NULL};

    arguments[0] = program(X64, L"child.exe");
    t->request.arguments = arguments;
    t->request.command_line = NULL;
}
static void without_line(struct trial *t)
{
    t->request.application = program(X64, L"child.exe");
    t->request.command_line = NULL;
}
static void along_path(struct trial *t)
{
    t->request.command_line = L"cmd /c echo %CD%& exit 3";
}
static void with_directory(struct trial *t)
{
    t->request.directory = L"C:\\windows\\system32\\..";
}
static void with_startup(struct trial *t)
{
    static wchar_t title[] = L"a title";

    t->request.startup = &t->startup;
    t->startup.lpTitle = title;
    t->startup.dwFlags = STARTF_USEPOSITION | STARTF_USESIZE | STARTF_USESHOWWINDOW;
    t->startup.dwX = 12;
    t->startup.dwY = 34;
    t->startup.dwXSize = 56;
    t->startup.dwYSize = 78;
    t->startup.wShowWindow = SW_SHOWMINNOACTIVE;
}
static void with_priority(struct trial *t)
{
    t->request.creation_flags = HIGH_PRIORITY_CLASS;
}
static void without_console(struct trial *t)
{
    t->request.creation_flags = DETACHED_PROCESS;
}

static const struct {
    const wchar_t *arguments;
    void (*prepare)(struct trial *);
} kinds[] = {
    {L"line  \"a b\\\" {nobody} {{h}} {h:y} \x263a\xd800 \\\\\"\t\x7f ", with_optional},
    {L"read {h}", with_file},
    {L"echo", with_file_as_stdin},
    {L"descriptor 3", with_descriptor},
    {L"descriptor 5", with_sealed_descriptor},
    {L"exit 0xc0000005", as_it_is},
    {L"environment", as_it_is},
    {L"environment", with_environment},
    {L"environment", with_variables},
    {L"signal-variable HANDOFF_H", with_handle_in_variable},
    {L"", with_arguments},
    {L"", without_line},
    {L"", along_path},
    {L"place", as_it_is},
    {L"place", with_directory},
    {L"place", without_console},
    {L"start", as_it_is},
    {L"start", with_startup},
    {L"start", with_priority},
};

static HANDLE make_file(void)
{
    const wchar_t *path = file_path(L"kinds");
    HANDLE file;

    write_file(path, "the content");
    file = CreateFileW(path, GENERIC_READ | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_DELETE_ON_CLOSE, NULL);
    ck_assert(file != INVALID_HANDLE_VALUE);
    return file;
}

static char *run_kind(size_t kind, struct handoff_launcher *launcher, int width, int child_width, DWORD *size,
                      DWORD *code)
{
    struct trial t = {.file = make_file(), .startup = {.cb = sizeof t.startup}};
    char *text;

    t.pass.handle = t.file;
    t.request = request_child(width, child_width, kinds[kind].arguments);
    t.request.resident = launcher;
    kinds[kind].prepare(&t);
    if (t.pass.name != NULL || t.pass.streams != 0 || t.pass.descriptor != 0) {
        t.request.passes = &t.pass;
        t.request.pass_count = 1;
    }
    text = spawn_reading(&t.request, size, code);
    ck_assert(CloseHandle(t.file));
    return text;
}

/* The other launcher is of the parent's width: one of 32 bits changes the environment on 64-bit Windows. */
START_WIDTH_TEST(the_child_is_as_one_of_a_launcher_of_its_own)
{
    struct handoff_launcher *launcher = open_good(_i);

    for (size_t kind = 0; kind < ARRAYSIZE(kinds); kind++) {
        int child_width = (int)(kind + (size_t)_i) % WIDTH_COUNT;
        DWORD size, other_size, code, other_code;
        char *text = run_kind(kind, NULL, OWN_WIDTH, child_width, &size, &code);
        char *other = run_kind(kind, launcher, _i, child_width, &other_size, &other_code);

        ck_assert_msg(size > 0 || kinds[kind].arguments[0] == L'\0' || code != 0 ||
                          wcsstr(kinds[kind].arguments, L"signal") != NULL,
                      "kind %u shows nothing", (unsigned)kind);
        ck_assert_msg(size == other_size && memcmp(text, other, size) == 0 && code == other_code,
                      "kind %u: '%.200s', code %lu, but from a resident launcher '%.200s', code %lu", (unsigned)kind,
                      text, code, other, other_code);
        free(text);
        free(other);
    }
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* ---- console hosts ---- */

static PROCESS_INFORMATION hold_directly(HANDLE started)
{
    const HANDLE none[3] = {NULL, NULL, NULL};
    PROCESS_INFORMATION child;
    wchar_t line[MAX_PATH + 32];

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" hold %u", program(OWN_WIDTH, L"child.exe"), number_of(started));
    ck_assert(start_inheriting_with(0, line, none, &started, 1, NULL, 0, NULL, &child));
    ck_assert(comes(started));
    return child;
}

/* One is a process more, and holds what the child holds. Of a launcher of the child's own, and of one that stays. */
START_TEST(a_child_has_no_console_host_that_a_direct_one_has_not)
{
    struct handoff_launcher *launcher = _i == 0 ? NULL : open_good(OWN_WIDTH);
    HANDLE started[] = {make_event(), make_event()};
    struct handoff_pass pass = {.name = L"h", .handle = started[0]};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"hold {h}");
    PROCESS_INFORMATION child, direct;
    DWORD hosts, hosts_of_direct;

    request.resident = launcher;
    request.closed_streams = 7;
    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert(comes(started[0]));
    direct = hold_directly(started[1]);
    hosts = count_programs(child.dwProcessId, L"conhost.exe");
    hosts_of_direct = count_programs(direct.dwProcessId, L"conhost.exe");
    ck_assert_msg(hosts == hosts_of_direct, "%lu, and of a direct child %lu", hosts, hosts_of_direct);
    end_staying(&child);
    end_staying(&direct);
    CloseHandle(started[0]);
    CloseHandle(started[1]);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* ---- a parent that has changed since ---- */

static struct result result;

static const wchar_t *const changes[] = {L"privileges", L"dacl", L"integrity", L"ignore",
                                         L"listen",     L"job",  L"inner",     L"hidden"};

/* changing-parent.exe; FALSE if it cannot change so here, or if Windows does not say who is in the inner one of two
 * jobs. Of a token that cannot be read nobody knows that it has not changed. */
static BOOL run_changing(const wchar_t *kind, unsigned long standing[4], int replaced[2], BOOL *is_told)
{
    int job_is_told;

    run(&result, program(OWN_WIDTH, L"changing-parent.exe"), L"\"%ls\" \"%ls\" %ls",
        program(OWN_WIDTH, L"handoff-launcher.exe"), program(OWN_WIDTH, L"child.exe"), kind);
    if (result.exit_code == 2)
        return FALSE;
    ck_assert_msg(result.exit_code == 0, "'%s' ended with %lu", shown(kind), result.exit_code);
    ck_assert_msg(sscanf(result.out, "%lx %lx %lx %lx %d %d %d", &standing[0], &standing[1], &standing[2], &standing[3],
                         &replaced[0], &replaced[1], &job_is_told) == 7,
                  "%s", result.out);
    *is_told = wcscmp(kind, L"hidden") != 0;
    return wcscmp(kind, L"inner") != 0 || job_is_told != 0;
}

/* It has no right, job or state of its parent's that this has given up, or not yet had, since the launcher was
 * started. */
START_TEST(g9_a_launcher_stands_for_its_parent_as_that_is_now)
{
    unsigned long standing[4];
    int replaced[2];
    BOOL is_told;

    if (!run_changing(changes[_i], standing, replaced, &is_told)) {
        skip(wcscmp(changes[_i], L"integrity") == 0
                 ? "a token's integrity cannot be lowered here"
                 : "a process cannot join a job within its job, or what is changed does not show");
        return;
    }
    ck_assert_msg(standing[0] != standing[1], "'%s' changes nothing", shown(changes[_i]));
    ck_assert_msg(standing[1] == standing[2] && standing[1] == standing[3],
                  "'%s': a direct child has %lx, one of a launcher %lx, one more %lx, and one before had %lx",
                  shown(changes[_i]), standing[1], standing[2], standing[3], standing[0]);
    ck_assert_msg(replaced[0] && replaced[1] == !is_told, "replaced %d, and once more %d", replaced[0], replaced[1]);
    assert_nobody_left();
}
END_TEST

START_TEST(a_launcher_of_a_parent_that_has_not_changed_stays)
{
    unsigned long standing[4];
    int replaced[2];
    BOOL is_told;

    ck_assert(run_changing(L"nothing", standing, replaced, &is_told));
    ck_assert_uint_eq(standing[0], standing[2]);
    ck_assert(!replaced[0] && !replaced[1]);
    assert_nobody_left();
}
END_TEST

/* ---- what the child holds ---- */

static BOOL is_older(HANDLE process, HANDLE than)
{
    FILETIME created, other, exited, kernel, user;

    ck_assert(GetProcessTimes(process, &created, &exited, &kernel, &user));
    ck_assert(GetProcessTimes(than, &other, &exited, &kernel, &user));
    return CompareFileTime(&created, &other) < 0;
}

static void assert_reaches_nobody(const struct witness *witness)
{
    for (DWORD i = 0; i < witness->has_count; i++) {
        HANDLE handle = copy_from_child(witness, witness->has[i]);
        DWORD process_id = handle != NULL ? GetProcessId(handle) : 0;

        ck_assert_msg(process_id == 0 || !is_older(handle, witness->child.hProcess),
                      "the child has a handle to process %lu", process_id);
        if (handle != NULL)
            CloseHandle(handle);
    }
}

/* The handles of a process that its children could inherit. */
static DWORD count_inheritable(DWORD process_id)
{
    struct table *table = query_table();
    DWORD count = 0;

    ck_assert_ptr_nonnull(table);
    for (ULONG_PTR i = 0; i < table->count; i++)
        count += table->entries[i].process_id == process_id && (table->entries[i].attributes & 2) != 0;
    free_table(table);
    return count;
}

static void check_witness(struct handoff_launcher *launcher, int width, DWORD count, DWORD *has_count,
                          DWORD *inheritable)
{
    static struct handoff_pass passes[MOST_HANDLES + 2];
    static wchar_t names[MOST_HANDLES][8];
    static wchar_t arguments[MOST_HANDLES * 8 + 16];
    static struct witness witness;
    struct handoff_request request;
    wchar_t *end = arguments + swprintf(arguments, 8, L"table");

    for (DWORD i = 0; i < count; i++) {
        swprintf(names[i], 8, L"h%lu", i);
        end += swprintf(end, 16, L" {%ls}", names[i]);
        passes[i] = (struct handoff_pass){.name = names[i], .handle = make_event()};
    }
    if (count > 0)
        passes[count / 2].flags = HANDOFF_SEALED;
    request = request_child(width, width, arguments);
    request.resident = launcher;
    start_witness(&witness, &request, passes, count);
    *has_count = witness.has_count;
    *inheritable = count_inheritable(witness.child.dwProcessId);
    ck_assert_uint_eq(witness.told_count, count);
    for (DWORD i = 0; i < count; i++) {
        ck_assert_msg(child_number_is(&witness, witness.told[i], passes[i].handle), "handle %lu of %lu", i, count);
        ck_assert(CloseHandle(passes[i].handle));
    }
    assert_reaches_nobody(&witness);
    end_witness(&witness);
}

START_WIDTH_TEST(g2_g9_exactly_the_selected_handles_each_time)
{
    static const DWORD counts[] = {64, 0, 3, 1};
    struct handoff_launcher *launcher = open_good(_i);
    DWORD own = count_inheritable(GetCurrentProcessId());

    for (size_t i = 0; i < ARRAYSIZE(counts); i++) {
        DWORD has_count, inheritable, has_count_before, inheritable_before;

        check_witness(NULL, _i, counts[i], &has_count_before, &inheritable_before);
        check_witness(launcher, _i, counts[i], &has_count, &inheritable);
        ck_assert_uint_eq(has_count, has_count_before);
        ck_assert_uint_eq(inheritable, inheritable_before);
        ck_assert_uint_eq(count_inheritable(GetCurrentProcessId()), own);
    }
    handoff_launcher_close(launcher);
}
END_TEST

/* ---- the parent as it is at the moment of the spawn ---- */

static void assert_says(struct handoff_request request, const wchar_t *expected)
{
    DWORD size, code;
    char *text = spawn_reading(&request, &size, &code);
    wchar_t *said = (wchar_t *)(void *)text;

    said[wcscspn(said, L"|")] = L'\0'; /* the title of its console comes after a place */
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(_wcsicmp(said, expected) == 0, "'%s' instead of '%s'", shown(said), shown(expected));
    free(text);
}

START_TEST(the_environment_is_that_of_the_moment)
{
    struct handoff_launcher *launcher;

    SetEnvironmentVariableW(L"HANDOFF_MOMENT", L"when it was opened");
    launcher = open_good(_i);
    SetEnvironmentVariableW(L"HANDOFF_MOMENT", L"first");
    assert_says(ask(launcher, _i, L"variable HANDOFF_MOMENT"), L"first");
    SetEnvironmentVariableW(L"HANDOFF_MOMENT", L"second");
    assert_says(ask(launcher, _i, L"variable HANDOFF_MOMENT"), L"second");
    SetEnvironmentVariableW(L"HANDOFF_MOMENT", NULL);
    {
        struct handoff_request request = ask(launcher, _i, L"variable HANDOFF_MOMENT");
        PROCESS_INFORMATION child = spawn_or_fail(&request);

        ck_assert_uint_eq(finish_child(&child), 1); /* there is none */
    }
    handoff_launcher_close(launcher);
}
END_TEST

/* A directory below the temporary one; the launcher and the programs can be named from there. */
static void make_directory(wchar_t *path, const wchar_t *name)
{
    wcscpy(path, file_path(name));
    RemoveDirectoryW(path); /* of a run that was ended */
    ck_assert(CreateDirectoryW(path, NULL));
}

START_TEST(the_directory_is_that_of_the_moment_and_is_not_held)
{
    struct handoff_launcher *launcher;
    wchar_t before[MAX_PATH], first[MAX_PATH], second[MAX_PATH], expected[MAX_PATH];

    GetCurrentDirectoryW(MAX_PATH, before);
    make_directory(first, L"first");
    make_directory(second, L"second directory");
    ck_assert(SetCurrentDirectoryW(first));
    launcher = open_good(_i);
    assert_says(ask(launcher, _i, L"place"), first);
    ck_assert(SetCurrentDirectoryW(second));
    assert_says(ask(launcher, _i, L"place"), second);
    {
        struct handoff_request request = ask(launcher, _i, L"place");

        request.directory = L".."; /* counts from here */
        *wcsrchr(wcscpy(expected, second), L'\\') = L'\0';
        assert_says(request, expected);
    }
    ck_assert(SetCurrentDirectoryW(before));
    assert_can_be_removed(first);
    assert_can_be_removed(second);
    handoff_launcher_close(launcher);
}
END_TEST

/* A program named by a relative path is one of the directory that the parent is in. */
START_TEST(a_relative_program_is_looked_for_where_the_parent_is)
{
    struct handoff_launcher *launcher = open_good(_i);
    struct handoff_request request = ask(launcher, _i, L"");
    wchar_t before[MAX_PATH], there[1024];
    PROCESS_INFORMATION child;

    GetCurrentDirectoryW(MAX_PATH, before);
    *wcsrchr(wcscpy(there, program(_i, L"child.exe")), L'\\') = L'\0';
    ck_assert(SetCurrentDirectoryW(there));
    request.command_line = L".\\child exit 11";
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 11);
    request.application = L"child.exe";
    request.command_line = L"whoever exit 12";
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 12);
    ck_assert(SetCurrentDirectoryW(before));
    handoff_launcher_close(launcher);
}
END_TEST

static DWORD child_priority(struct handoff_launcher *launcher, int width)
{
    struct handoff_request request = request_child(OWN_WIDTH, width, L"start");
    DWORD size, code;
    unsigned long priority = 0;
    char *text;

    request.resident = launcher;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_int_eq(sscanf(strstr(text, "priority"), "priority 0x%lx", &priority), 1);
    free(text);
    return priority;
}

/* Children inherit a low class from the parent, not from the launcher, and no other. */
START_TEST(the_priority_is_that_of_the_moment)
{
    static const DWORD classes[] = {BELOW_NORMAL_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS, HIGH_PRIORITY_CLASS};
    DWORD expected[ARRAYSIZE(classes)], seen[ARRAYSIZE(classes)];

    for (size_t opened = 0; opened < 2; opened++) {
        struct handoff_launcher *launcher;

        SetPriorityClass(GetCurrentProcess(), classes[opened]);
        launcher = open_good(_i);
        for (size_t i = 0; i < ARRAYSIZE(classes); i++) {
            SetPriorityClass(GetCurrentProcess(), classes[i]);
            if (opened == 0)
                expected[i] = child_priority(NULL, _i);
            seen[i] = child_priority(launcher, _i);
        }
        SetPriorityClass(GetCurrentProcess(), NORMAL_PRIORITY_CLASS);
        handoff_launcher_close(launcher);
        if (opened == 0 && expected[0] != classes[0])
            skip("nobody inherits a priority here");
        for (size_t i = 0; i < ARRAYSIZE(classes); i++)
            ck_assert_msg(seen[i] == expected[i], "0x%lx, now 0x%lx: 0x%lx instead of 0x%lx", classes[opened],
                          classes[i], seen[i], expected[i]);
    }
}
END_TEST

/* ---- sizes ---- */

enum { VARIABLES_MOST = 20, VARIABLE_LENGTH = 5000 };

/* Returns its length in units. */
static DWORD make_environment(wchar_t *environment, int variables)
{
    wchar_t *end = environment;

    for (int i = 0; i < variables; i++) {
        end += swprintf(end, 16, L"HANDOFF_%02d=", i);
        wmemset(end, (wchar_t)(L'a' + i), VARIABLE_LENGTH);
        end += VARIABLE_LENGTH;
        *end++ = L'\0';
    }
    *end = L'\0';
    return (DWORD)(end - environment);
}

/* Returns the pid of the launcher. */
static DWORD spawn_with_environment(struct handoff_launcher *launcher, int width, int variables)
{
    static wchar_t environment[VARIABLES_MOST * (VARIABLE_LENGTH + 16) + 2];
    struct handoff_request request = ask(launcher, width, L"environment");
    DWORD length = make_environment(environment, variables), size, code;
    char *text;

    request.environment = environment;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_ge(size, length * sizeof *environment);
    for (int i = 0; i < variables; i++) /* Windows adds to them and sorts them */
        ck_assert_ptr_nonnull(wmemchr((wchar_t *)(void *)text, (wchar_t)(L'a' + i), size / sizeof(wchar_t)));
    free(text);
    return trace.launcher_id;
}

/* 180,000 bytes of an environment and 200,000. */
START_TEST(a_request_larger_than_a_resident_launcher_takes)
{
    struct handoff_launcher *launcher = open_good(_i);
    DWORD process_id = spawn_good(launcher, _i);

    ck_assert_uint_eq(spawn_with_environment(launcher, _i, VARIABLES_MOST - 2), process_id);
    ck_assert_uint_ne(spawn_with_environment(launcher, _i, VARIABLES_MOST), process_id);
    ck_assert_uint_eq(spawn_good(launcher, _i), process_id);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

enum { RESIDENT_PASSES = 4094, MANY = RESIDENT_PASSES + 6 };

static BOOL spawn_many_passes(struct handoff_launcher *launcher, int width, DWORD count, struct handoff_error *error)
{
    static struct handoff_pass passes[MANY];
    static wchar_t names[MANY][8];
    HANDLE event = make_event();
    struct handoff_request request = ask(launcher, width, L"signal {h0}");
    PROCESS_INFORMATION child;
    BOOL spawned;

    request.environment = L"SystemRoot=C:\\windows\0"; /* the passes alone fill most of what there is room for */

    for (DWORD i = 0; i < count; i++) {
        swprintf(names[i], 8, L"h%lu", i);
        passes[i] = (struct handoff_pass){.name = names[i], .handle = event, .flags = HANDOFF_OPTIONAL};
    }
    request.passes = passes;
    request.pass_count = count;
    request.creation_flags = DETACHED_PROCESS; /* no streams, which would be passes too */
    spawned = spawn_patiently(&request, &child, error);
    if (spawned) {
        ck_assert_uint_eq(finish_child(&child), 0);
        ck_assert(is_set(event));
    }
    CloseHandle(event);
    return spawned;
}

START_TEST(more_handles_than_a_resident_launcher_takes)
{
    struct handoff_launcher *launcher = open_faulty(_i, NULL);
    DWORD process_id = spawn_good(launcher, _i);
    struct handoff_error error;

    ck_assert(spawn_many_passes(launcher, _i, RESIDENT_PASSES, &error));
    ck_assert_uint_eq(trace.launcher_id, process_id);
    ck_assert(spawn_many_passes(launcher, _i, RESIDENT_PASSES + 1, &error));
    ck_assert_uint_ne(trace.launcher_id, process_id);
    /* The other launcher is of the same program: now it would die. */
    SetEnvironmentVariableA("HANDOFF_FAULT", "die-before 1");
    ck_assert(!spawn_many_passes(launcher, _i, RESIDENT_PASSES + 1, &error));
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_uint_eq(spawn_good(launcher, _i), process_id);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

Suite *resident_suite(void)
{
    const struct listed_test tests[] = {
        {the_child_is_as_one_of_a_launcher_of_its_own, "resident results", WIDTH_COUNT},
        {g2_g9_exactly_the_selected_handles_each_time, "resident results", WIDTH_COUNT},
        {the_environment_is_that_of_the_moment, "resident surroundings", WIDTH_COUNT},
        {the_directory_is_that_of_the_moment_and_is_not_held, "resident surroundings", WIDTH_COUNT},
        {a_relative_program_is_looked_for_where_the_parent_is, "resident surroundings", WIDTH_COUNT},
        {the_priority_is_that_of_the_moment, "resident surroundings", WIDTH_COUNT},
        {a_child_has_no_console_host_that_a_direct_one_has_not, "console hosts", 2},
        {g9_a_launcher_stands_for_its_parent_as_that_is_now, "resident standing", ARRAYSIZE(changes)},
        {a_launcher_of_a_parent_that_has_not_changed_stays, "resident standing", 1},
        {a_request_larger_than_a_resident_launcher_takes, "resident sizes", WIDTH_COUNT},
        {more_handles_than_a_resident_launcher_takes, "resident sizes", WIDTH_COUNT},
    };
    Suite *suite = suite_create("resident");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
