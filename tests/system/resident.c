/* Launchers that stay: what they start is as if it had been started without them, whatever was started
 * before; and whatever befalls one of them, only the spawn under way may notice. */
#include "system.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../../parent/pool.c"
#include "closed.h"
#include "handle_table.h"
#include "views.h"

/* Of the spawn before, unless threads did it. */
static struct handoff_trace trace;

static struct handoff_launcher *open_launcher(int width, const wchar_t *name)
{
    struct handoff_launcher *launcher = NULL;
    struct handoff_error error = {0};
    wchar_t text[512];

    for (int tries = 0; tries < START_TRIES && launcher == NULL; tries++) {
        launcher = handoff_launcher_open(program(width, name), &error);
        if (launcher == NULL && error.code != ERROR_INTERNAL_ERROR)
            break;
    }
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_msg(launcher != NULL, "%ls", text);
    return launcher;
}

static struct handoff_launcher *open_good(int width)
{
    return open_launcher(width, L"handoff-launcher.exe");
}

static struct handoff_launcher *open_faulty(int width, const char *fault)
{
    struct handoff_launcher *launcher;

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    launcher = open_launcher(width, L"faulty-launcher.exe");
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    return launcher;
}

static struct handoff_request ask(struct handoff_launcher *launcher, int child_width, const wchar_t *arguments)
{
    struct handoff_request request = request_child(X64, child_width, arguments);

    request.launcher = L"C:\\not\\to\\be\\read.exe";
    request.resident = launcher;
    request.trace = &trace;
    return request;
}

/* Spawns one that must succeed and returns the pid of the launcher that did it. */
static DWORD spawn_good(struct handoff_launcher *launcher, int width)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = ask(launcher, width, L"signal {h}");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    ck_assert(CloseHandle(event));
    return trace.launcher_id;
}

/* A child that stays. It runs, it is not only there: it has set its event. */
static PROCESS_INFORMATION spawn_staying(struct handoff_launcher *launcher, int width)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = ask(launcher, width, L"hold {h}");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert(comes(event));
    CloseHandle(event);
    return child;
}

static BOOL is_alive(const PROCESS_INFORMATION *child)
{
    return WaitForSingleObject(child->hProcess, 0) == WAIT_TIMEOUT;
}

static void end_staying(PROCESS_INFORMATION *child)
{
    ck_assert_msg(is_alive(child), "a child that had been committed was ended");
    ck_assert(TerminateProcess(child->hProcess, 0));
    finish_child(child);
}

/* ---- as without it ---- */

struct trial {
    struct handoff_request request;
    struct handoff_pass pass;
    STARTUPINFOW startup;
    HANDLE file;
};

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

/* ---- a parent that has changed since ---- */

static struct result result;

static const wchar_t *const changes[] = {L"privileges", L"dacl", L"ignore", L"listen", L"job", L"inner", L"hidden"};

/* changing-parent.exe; FALSE if it cannot change so here. */
static BOOL run_changing(const wchar_t *kind, unsigned long standing[4], int replaced[2])
{
    run(&result, program(OWN_WIDTH, L"changing-parent.exe"), L"\"%ls\" \"%ls\" %ls",
        program(OWN_WIDTH, L"handoff-launcher.exe"), program(OWN_WIDTH, L"child.exe"), kind);
    if (result.exit_code == 2)
        return FALSE;
    ck_assert_msg(result.exit_code == 0, "'%s' ended with %lu", shown(kind), result.exit_code);
    ck_assert_msg(sscanf(result.out, "%lx %lx %lx %lx %d %d", &standing[0], &standing[1], &standing[2], &standing[3],
                         &replaced[0], &replaced[1]) == 6,
                  "%s", result.out);
    return TRUE;
}

/* It has no right, job or state of its parent's that this has given up, or not yet had, since the launcher was started. */
START_TEST(g9_a_launcher_stands_for_its_parent_as_that_is_now)
{
    unsigned long standing[4];
    int replaced[2];

    if (!run_changing(changes[_i], standing, replaced)) {
        skip("a process cannot join a job within its job, or what is changed does not show");
        return;
    }
    ck_assert_msg(standing[0] != standing[1], "'%s' changes nothing", shown(changes[_i]));
    ck_assert_msg(standing[1] == standing[2] && standing[1] == standing[3],
                  "'%s': a direct child has %lx, one of a launcher %lx, one more %lx, and one before had %lx",
                  shown(changes[_i]), standing[1], standing[2], standing[3], standing[0]);
    /* Of a token that cannot be read nobody knows that it has not changed. */
    ck_assert_msg(replaced[0] && replaced[1] == (wcscmp(changes[_i], L"hidden") == 0), "replaced %d, and once more %d",
                  replaced[0], replaced[1]);
    assert_nobody_left();
}
END_TEST

START_TEST(a_launcher_of_a_parent_that_has_not_changed_stays)
{
    unsigned long standing[4];
    int replaced[2];

    ck_assert(run_changing(L"nothing", standing, replaced));
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

/* ---- failures, and on ---- */

static wchar_t long_line[40000];

static void bad_flag(struct trial *t)
{
    t->request.creation_flags = DEBUG_PROCESS;
}
static void bad_handle(struct trial *t)
{
    t->pass.handle = (HANDLE)(UINT_PTR)0x7ffffffc;
}
static void no_program(struct trial *t)
{
    t->request.command_line = L"no-such-program {h}";
}
static void unused(struct trial *t)
{
    t->pass.name = L"typo";
}
static void too_long(struct trial *t)
{
    wmemset(long_line, L'x', ARRAYSIZE(long_line) - 1);
    memcpy(long_line, L"cmd {h} ", 8 * sizeof(wchar_t));
    t->request.command_line = long_line;
}
static void no_application(struct trial *t)
{
    t->request.application = L"C:\\no\\such.exe";
}
static void no_directory(struct trial *t)
{
    t->request.directory = L"C:\\no\\such\\directory";
}
static void with_large_environment(struct trial *t, size_t units)
{
    static wchar_t environment[(9 << 20) + 2];

    wmemset(environment, L'x', units);
    environment[1] = L'=';
    environment[units] = environment[units + 1] = L'\0';
    t->request.environment = environment;
}
static void too_large(struct trial *t)
{
    with_large_environment(t, 9 << 20);
}
static void no_time(struct trial *t)
{
    static const wchar_t *const arguments[] = {L"no-such-program", NULL};

    t->request.command_line = NULL;
    t->request.arguments = arguments;
}

static const struct {
    void (*spoil)(struct trial *);
    DWORD stage, code;
} failures[] = {
    {bad_flag, HANDOFF_STAGE_REQUEST, ERROR_INVALID_PARAMETER},
    {too_large, HANDOFF_STAGE_REQUEST, ERROR_FILENAME_EXCED_RANGE},
    {bad_handle, HANDOFF_STAGE_DUPLICATE, ERROR_INVALID_HANDLE},
    {no_program, HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND},
    {no_time, HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND},
    {unused, HANDOFF_STAGE_UNUSED, ERROR_NOT_FOUND},
    {too_long, HANDOFF_STAGE_REWRITE, ERROR_FILENAME_EXCED_RANGE},
    {no_application, HANDOFF_STAGE_CREATE, 0},
    {no_directory, HANDOFF_STAGE_CREATE, 0},
};

/* The same process serves on: it is asked for nothing it cannot forget. */
START_TEST(g4_a_failed_spawn_is_no_concern_of_the_next)
{
    struct handoff_launcher *launcher = open_good(_i);
    DWORD process_id = spawn_good(launcher, _i), own = 0, its = 0;

    /* One that succeeds after each; then they all fail five times more, which is more than can be about to be closed at
     * the first count. */
    for (size_t round = 0; round < 6 * ARRAYSIZE(failures); round++) {
        size_t i = round % ARRAYSIZE(failures);
        struct trial t = {.file = make_event()};
        struct handoff_error error;
        PROCESS_INFORMATION child;

        t.pass = (struct handoff_pass){.name = L"h", .handle = t.file};
        t.request = ask(launcher, _i, L"signal {h}");
        t.request.passes = &t.pass;
        t.request.pass_count = 1;
        failures[i].spoil(&t);
        ck_assert(!handoff_spawn(&t.request, &child, &error));
        ck_assert_msg(error.stage == failures[i].stage && (error.code == failures[i].code || failures[i].code == 0) &&
                          error.unreclaimed == 0,
                      "failure %u: stage %lu, code %lu, unreclaimed %lu", (unsigned)i, error.stage, error.code,
                      error.unreclaimed);
        ck_assert(CloseHandle(t.file));
        if (round == i)
            ck_assert_uint_eq(spawn_good(launcher, _i), process_id);
        if (i + 1 == ARRAYSIZE(failures) && round == i) {
            own = count_own_handles();
            its = count_handles(process_id);
        }
    }
    ck_assert_uint_eq(spawn_good(launcher, _i), process_id);
    ck_assert_uint_eq(count_own_handles(), own);
    ck_assert(table_settles(process_id, its));
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

static const struct {
    const char *kind;
    DWORD stage, code;
} lies[] = {
    {"pseudo", HANDOFF_STAGE_ADOPT, ERROR_INVALID_HANDLE},
    {"self", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"parent", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"pid", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"thread", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"closed", HANDOFF_STAGE_ADOPT, 0},
    {"untaken", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"type", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"none", HANDOFF_STAGE_EXCHANGE, ERROR_PROCESS_ABORTED},
    {"refused", HANDOFF_STAGE_EXCHANGE, ERROR_NOT_ENOUGH_MEMORY},
};

/* After a spawn as it should be, and a child of it that stays. */
START_TEST(g4_a_launcher_that_lies_is_not_used_again)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event, .flags = HANDOFF_OPTIONAL};
    struct handoff_launcher *launcher;
    struct handoff_request request;
    PROCESS_INFORMATION staying, child;
    struct handoff_error error;
    int width = _i % WIDTH_COUNT;
    DWORD process_id;
    char fault[64];

    snprintf(fault, sizeof fault, "lie %s 1", lies[_i].kind);
    launcher = open_faulty(width, fault);
    staying = spawn_staying(launcher, width);
    process_id = trace.launcher_id;
    request = ask(launcher, width, L"exit 0");
    request.passes = &pass;
    request.pass_count = 1;
    ck_assert_msg(!handoff_spawn(&request, &child, &error), "'%s' was believed", lies[_i].kind);
    ck_assert_msg(error.stage == lies[_i].stage && (error.code == lies[_i].code || lies[_i].code == 0),
                  "'%s': stage %lu, code %lu", lies[_i].kind, error.stage, error.code);
    ck_assert_uint_ne(spawn_good(launcher, width), process_id);
    end_staying(&staying);
    handoff_launcher_close(launcher);
    ck_assert(CloseHandle(event));
    assert_nobody_left();
}
END_TEST

/* ---- many ---- */

/* In turns one that succeeds, whose child never runs, and one that fails in the launcher. */
static void spawn_either(struct handoff_launcher *launcher, int width, BOOL fails)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event, .flags = fails ? 0 : HANDOFF_OPTIONAL};
    struct handoff_request request = ask(launcher, width, L"exit 5");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    request.creation_flags = CREATE_SUSPENDED;
    if (fails) {
        ck_assert(!handoff_spawn(&request, &child, NULL));
    } else {
        child = spawn_or_fail(&request);
        ck_assert(TerminateProcess(child.hProcess, 0));
        finish_child(&child);
    }
    CloseHandle(event);
}

/* What the launcher ends with when it is closed. */
static DWORD close_for_code(struct handoff_launcher *launcher, DWORD process_id)
{
    HANDLE process = open_closed(OpenProcess, PROCESS_QUERY_INFORMATION | SYNCHRONIZE, process_id);
    DWORD code;

    ck_assert_ptr_nonnull(process);
    handoff_launcher_close(launcher);
    ck_assert(comes(process) && GetExitCodeProcess(process, &code));
    CloseHandle(process);
    return code;
}

/* After the first few spawns neither side has anything more: no handle, no memory. Returns what the launcher has of its
 * heap at its end. */
static DWORD spawn_many(int width, int spawns)
{
    enum { WARM_UP = 10, PAGES = 65536 };
    struct handoff_launcher *launcher = open_faulty(width, "heap");
    DWORD process_id = spawn_good(launcher, width), own = 0, its = 0;
    HANDLE process = open_closed(OpenProcess, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, process_id);
    SIZE_T memory = 0;

    ck_assert_ptr_nonnull(process);
    for (int i = 0; i < spawns; i++) {
        if (i == WARM_UP) {
            own = count_own_handles();
            its = count_handles(process_id);
            memory = private_memory(process);
        }
        spawn_either(launcher, width, i % 2 == 1);
        ck_assert_uint_eq(trace.launcher_id, process_id);
    }
    if (spawns > WARM_UP) {
        ck_assert_uint_eq(count_own_handles(), own);
        ck_assert(table_settles(process_id, its));
        ck_assert_uint_gt(memory, 0);
        ck_assert_msg(private_memory(process) <= memory + PAGES, "the launcher has %lu bytes instead of %lu",
                      (unsigned long)private_memory(process), (unsigned long)memory);
    }
    CloseHandle(process);
    return close_for_code(launcher, process_id);
}

/* A heap takes its pages many at a time, so the launcher counts what it has of it: few bytes of each spawn would show. */
START_TEST(a_hundred_spawns_leave_nothing)
{
    enum { FEW = 6, MANY = 106, NOISE = 512 };
    DWORD few = spawn_many(_i, FEW), many = spawn_many(_i, MANY);

    ck_assert_uint_gt(few, 0);
    ck_assert_msg(many <= few + NOISE, "%lu bytes after %d spawns, %lu after %d", many, MANY, few, FEW);
    assert_nobody_left();
}
END_TEST

/* ---- deaths ---- */

static void kill_process(DWORD process_id)
{
    HANDLE process = open_closed(OpenProcess, PROCESS_TERMINATE | SYNCHRONIZE, process_id);

    ck_assert(process != NULL && TerminateProcess(process, 1));
    ck_assert(comes(process));
    CloseHandle(process);
}

START_TEST(a_launcher_that_died_is_replaced)
{
    struct handoff_launcher *launcher = open_good(_i);
    PROCESS_INFORMATION staying[3];
    DWORD process_id = spawn_good(launcher, _i), before;

    for (size_t i = 0; i < ARRAYSIZE(staying); i++)
        staying[i] = spawn_staying(launcher, _i);
    before = count_own_handles();
    for (size_t i = 0; i < ARRAYSIZE(staying); i++) {
        kill_process(process_id);
        ck_assert_uint_ne(spawn_good(launcher, _i), process_id);
        process_id = trace.launcher_id;
        ck_assert_uint_eq(spawn_good(launcher, _i), process_id);
        ck_assert_uint_eq(count_own_handles(), before);
    }
    for (size_t i = 0; i < ARRAYSIZE(staying); i++)
        end_staying(&staying[i]);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* Wherever the parent is by then. */
START_TEST(a_launcher_is_replaced_by_the_same_program)
{
    struct handoff_launcher *launcher;
    wchar_t before[MAX_PATH], there[1024];

    GetCurrentDirectoryW(MAX_PATH, before);
    *wcsrchr(wcscpy(there, program(_i, L"handoff-launcher.exe")), L'\\') = L'\0';
    ck_assert(SetCurrentDirectoryW(there));
    launcher = handoff_launcher_open(L"handoff-launcher.exe", NULL);
    ck_assert(SetCurrentDirectoryW(before));
    ck_assert_ptr_nonnull(launcher);
    kill_process(spawn_good(launcher, _i));
    spawn_good(launcher, _i);
    handoff_launcher_close(launcher);
}
END_TEST

/* What a launcher with this fault ends with when it has done so many spawns, and been closed. */
static int what_it_leaves(int width, const char *fault, int spawns)
{
    struct handoff_launcher *launcher = open_faulty(width, fault);

    for (int i = 0; i < spawns; i++)
        spawn_good(launcher, width);
    return (int)close_for_code(launcher, trace.launcher_id);
}

static DWORD count_programs(DWORD parent_id, const wchar_t *name)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD count = 0;

    ck_assert(snapshot != INVALID_HANDLE_VALUE);
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry))
        count += entry.th32ParentProcessID == parent_id && _wcsicmp(entry.szExeFile, name) == 0;
    CloseHandle(snapshot);
    return count;
}

static DWORD count_children(DWORD launcher_id)
{
    return count_programs(launcher_id, L"child.exe");
}

static BOOL spawn_struck(struct handoff_launcher *launcher, int width, DWORD timeout_ms, struct handoff_error *error)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = ask(launcher, width, L"signal {h}");
    PROCESS_INFORMATION child;
    BOOL spawned;

    request.passes = &pass;
    request.pass_count = 1;
    request.timeout_ms = timeout_ms;
    spawned = spawn_patiently(&request, &child, error);
    if (spawned)
        ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert_int_eq(is_set(event), spawned);
    CloseHandle(event);
    return spawned;
}

struct strike_outcome {
    BOOL spawned;
    DWORD unreclaimed;
};

/* The launcher's second spawn is struck, at call `at` of its life; the child of the first stays. */
static struct strike_outcome strike(const char *kind, int at, int width, DWORD timeout_ms)
{
    BOOL hangs = strncmp(kind, "hang", 4) == 0;
    DWORD expected = hangs ? ERROR_TIMEOUT : ERROR_PROCESS_ABORTED, process_id, before, after;
    struct handoff_launcher *launcher;
    struct handoff_error error, later = {0};
    struct strike_outcome outcome;
    PROCESS_INFORMATION staying;
    HANDLE process;
    char fault[64];

    snprintf(fault, sizeof fault, "%s %d", kind, at);
    launcher = open_faulty(width, fault);
    staying = spawn_staying(launcher, width);
    process_id = trace.launcher_id;
    before = count_own_handles();
    process = open_closed(OpenProcess, SYNCHRONIZE, process_id);
    outcome.spawned = spawn_struck(launcher, width, timeout_ms, &error);
    outcome.unreclaimed = error.unreclaimed;
    if (!outcome.spawned)
        ck_assert_msg(((error.stage == HANDOFF_STAGE_EXCHANGE && error.code == expected) ||
                       (error.stage == HANDOFF_STAGE_ADOPT && !hangs)) && /* it died with the child's handles */
                          error.unreclaimed <= 1,
                      "%s: stage %lu, code %lu, unreclaimed %lu", fault, error.stage, error.code, error.unreclaimed);
    else if (hangs) /* once the child was committed, and the next spawn finds that out */
        ck_assert(!spawn_struck(launcher, width, patience_ms(HANG_MS), &later) && later.code == ERROR_TIMEOUT);
    else
        ck_assert(comes(process));
    CloseHandle(process);
    ck_assert_uint_eq(later.unreclaimed, 0);
    ck_assert_msg(count_children(process_id) == 1, "%s: %lu children", fault, count_children(process_id));
    ck_assert_uint_ne(spawn_good(launcher, width), process_id);
    after = count_own_handles();
    ck_assert_msg(after >= before && after - before <= error.unreclaimed,
                  "%s: %lu handles instead of %lu, %lu unreclaimed", fault, after, before, error.unreclaimed);
    end_staying(&staying);
    handoff_launcher_close(launcher);
    return outcome;
}

/* With time enough to come to that call. */
static struct strike_outcome strike_with_hang(const char *kind, int at, int width)
{
    HANDLE hang = await_hang();
    DWORD timeout_ms = patience_ms(HANG_MS);
    struct strike_outcome outcome = strike(kind, at, width, timeout_ms);

    while (!outcome.spawned && !is_set(hang)) {
        timeout_ms = wait_longer(hang, timeout_ms);
        outcome = strike(kind, at, width, timeout_ms);
    }
    end_hang(hang);
    return outcome;
}

/* Each that strikes before the answer is a loss. Then the parent may have read it, and a hang, or a death that comes too
 * late, is nobody's; and at its first call the second spawn may not have begun. */
static void strike_each_call(const char *kind, int width)
{
    int first = what_it_leaves(width, "count", 1), last = what_it_leaves(width, "count", 2) - 1;
    int answer = what_it_leaves(width, "answer 2", 2);
    BOOL hangs = strncmp(kind, "hang", 4) == 0;
    DWORD unreclaimed = 0;

    ck_assert_int_gt(answer - first, 4);
    ck_assert_int_gt(last, answer);
    for (int at = first; at <= last; at++) {
        struct strike_outcome outcome = hangs ? strike_with_hang(kind, at, width) : strike(kind, at, width, 0);

        unreclaimed += outcome.unreclaimed;
        if (at > first && at < answer)
            ck_assert_msg(!outcome.spawned, "%s %d: nothing was lost", kind, at);
        if (at == last)
            ck_assert(outcome.spawned); /* it was struck after the commit */
    }
    ck_assert(unreclaimed >= 1 || hangs); /* struck amid a steal, unless the time was up before that */
    assert_nobody_left();
}

static const struct {
    const char *kind;
    int width;
} strikes[] = {{"die-before", X64}, {"die-before", X86}, {"die-after", OWN_WIDTH}, {"hang-before", OTHER_WIDTH}};

START_TEST(g4_a_launcher_that_dies_or_hangs_during_its_second_spawn)
{
    strike_each_call(strikes[_i].kind, strikes[_i].width);
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

/* ---- threads ---- */

struct spawner {
    HANDLE thread;
    int width;
    struct handoff_launcher *launcher;
    char trouble[512];
};

static void spawn_and_wait(struct spawner *spawner, BOOL fails)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(X64, spawner->width, fails ? L"exit {typo}" : L"signal {h}");
    PROCESS_INFORMATION child;
    struct handoff_error error;
    wchar_t text[400];

    request.resident = spawner->launcher;
    request.passes = &pass;
    request.pass_count = 1;
    if (!spawn_patiently(&request, &child, &error)) {
        handoff_error_text(&error, text, ARRAYSIZE(text));
        if (!fails || error.stage != HANDOFF_STAGE_UNUSED)
            snprintf(spawner->trouble, sizeof spawner->trouble, "%ls", text);
    } else if (fails) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu is none", child.dwProcessId);
    } else if (!comes(child.hProcess)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu does not end", child.dwProcessId);
    } else if (!is_set(event) || !CloseHandle(child.hProcess) || !CloseHandle(child.hThread)) {
        snprintf(spawner->trouble, sizeof spawner->trouble, "child %lu is not as it should be", child.dwProcessId);
    }
    CloseHandle(event);
}

static DWORD WINAPI spawn_several(void *argument)
{
    struct spawner *spawner = argument;

    for (int i = 0; i < 3 && spawner->trouble[0] == '\0'; i++)
        spawn_and_wait(spawner, i == 1);
    return 0;
}

/* One launcher for all threads, or one for each. */
static void spawn_from_threads(int width, BOOL one_each)
{
    struct spawner spawners[4] = {{NULL, 0, NULL, ""}};

    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        spawners[i].width = width;
        spawners[i].launcher = i == 0 || one_each ? open_good(width) : spawners[0].launcher;
        spawners[i].thread = CreateThread(NULL, 0, spawn_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        ck_assert(WaitForSingleObject(spawners[i].thread, INFINITE) == WAIT_OBJECT_0);
        CloseHandle(spawners[i].thread);
    }
    for (size_t i = 0; i < ARRAYSIZE(spawners); i++) {
        ck_assert_str_eq(spawners[i].trouble, "");
        if (i == 0 || one_each)
            handoff_launcher_close(spawners[i].launcher);
    }
}

/* Twice: what the first threads load and keep is not what this looks for. */
static void check_threads(int width, BOOL one_each)
{
    DWORD before;

    spawn_from_threads(width, one_each);
    before = count_own_handles();
    spawn_from_threads(width, one_each);
    ck_assert_uint_eq(count_own_handles(), before);
    assert_nobody_left();
}

START_TEST(several_threads_with_one_launcher)
{
    check_threads(_i, FALSE);
}
END_TEST

START_TEST(a_launcher_for_each_thread)
{
    check_threads(_i, TRUE);
}
END_TEST

/* ---- places ---- */

enum { PLACES = 3, TAKERS = 6 };

struct thing {
    struct seat seat;
    volatile LONG users;
};

struct places {
    struct pool pool;
    volatile LONG inside, most_inside, taken, missed;
    BOOL shared; /* two had the same thing at once */
};

static void note_inside(struct places *places, LONG inside)
{
    LONG most = places->most_inside;

    while (inside > most) {
        LONG before = InterlockedCompareExchange(&places->most_inside, inside, most);

        if (before == most)
            return;
        most = before;
    }
}

static void free_things(struct seat *seat)
{
    while (seat != NULL) {
        struct seat *next = seat->next;

        free(seat);
        seat = next;
    }
}

static DWORD WINAPI take_places(void *argument)
{
    struct places *places = argument;

    for (DWORD i = 0; i < 3000; i++) {
        struct seat *seat;
        struct thing *thing;

        if (!pool_take(&places->pool, i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : INFINITE, &seat)) {
            InterlockedIncrement(&places->missed);
            continue;
        }
        thing = seat != NULL ? (struct thing *)seat : calloc(1, sizeof *thing);
        places->shared |= InterlockedIncrement(&thing->users) != 1;
        note_inside(places, InterlockedIncrement(&places->inside));
        InterlockedIncrement(&places->taken);
        InterlockedDecrement(&places->inside);
        InterlockedDecrement(&thing->users);
        if (i % 5 == 0) { /* it is not good any more */
            free(thing);
            thing = NULL;
        }
        free_things(pool_give(&places->pool, thing != NULL ? &thing->seat : NULL));
    }
    return 0;
}

/* Those who give up waiting take nobody's place with them. */
START_TEST(places_are_taken_up_to_the_limit)
{
    struct places places = {.inside = 0};
    HANDLE threads[TAKERS];
    struct seat *seats[PLACES], *seat;

    ck_assert(pool_make(&places.pool, PLACES));
    for (size_t i = 0; i < PLACES; i++)
        ck_assert(pool_take(&places.pool, 0, &seats[i]) && seats[i] == NULL);
    for (size_t i = 0; i < TAKERS; i++)
        threads[i] = CreateThread(NULL, 0, take_places, &places, 0, NULL);
    while (places.missed < TAKERS) /* they are nobody else's as long as they are ours */
        Sleep(1);
    ck_assert_int_eq(places.taken, 0);
    for (size_t i = 0; i < PLACES; i++)
        ck_assert_ptr_null(pool_give(&places.pool, NULL));
    for (size_t i = 0; i < TAKERS; i++) {
        ck_assert(comes(threads[i]));
        CloseHandle(threads[i]);
    }
    ck_assert(!places.shared);
    ck_assert_int_le(places.most_inside, PLACES);
    ck_assert_int_eq(places.taken + places.missed, TAKERS * 3000);
    ck_assert_int_ge(places.taken, TAKERS * 1000);
    ck_assert_uint_eq(places.pool.in_use, 0);
    ck_assert_uint_eq(places.pool.granted, 0);
    ck_assert_uint_eq(places.pool.waiting, 0);
    pool_limit(&places.pool, 1);
    ck_assert(pool_take(&places.pool, 0, &seats[0]));
    ck_assert(!pool_take(&places.pool, 1, &seat));
    free(seats[0]);
    pool_give(&places.pool, NULL);
    free_things(pool_close(&places.pool));
}
END_TEST

/* As long as they are within limit and time; the last used is used next. */
START_TEST(things_that_are_idle_go)
{
    struct pool pool = {.most = 0};
    struct thing things[4] = {{.users = 0}};
    struct seat *seat;

    ck_assert(pool_make(&pool, ARRAYSIZE(things)));
    for (size_t i = 0; i < ARRAYSIZE(things); i++)
        ck_assert(pool_take(&pool, 0, &seat) && seat == NULL);
    for (size_t i = 0; i < ARRAYSIZE(things); i++)
        ck_assert_ptr_null(pool_give(&pool, &things[i].seat));
    ck_assert(pool_take(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_null(pool_give(&pool, seat));
    things[1].seat.since -= IDLE_MOST_MS;
    things[0].seat.since -= IDLE_MOST_MS;
    ck_assert(pool_take(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_eq(pool_give(&pool, seat), &things[1].seat);
    ck_assert_ptr_eq(things[1].seat.next, &things[0].seat);
    ck_assert_ptr_null(things[0].seat.next);
    pool_limit(&pool, 1);
    ck_assert(pool_take(&pool, 0, &seat) && seat == &things[3].seat);
    ck_assert_ptr_eq(pool_give(&pool, seat), &things[2].seat);
    ck_assert_ptr_eq(pool_close(&pool), &things[3].seat);
    ck_assert_ptr_null(things[3].seat.next);
}
END_TEST

/* ---- at once ---- */

enum { AT_ONCE = 4, BURST = 64 };

/* Spawns that are under way all at once: no launcher serves before the event is set. */
struct crowd {
    HANDLE go;
    struct handoff_launcher *launcher;
    struct spawner spawners[AT_ONCE];
};

static DWORD WINAPI spawn_one(void *argument)
{
    spawn_and_wait(argument, FALSE);
    return 0;
}

static DWORD count_launchers(void)
{
    return count_programs(GetCurrentProcessId(), L"faulty-launcher.exe");
}

static void await_launchers(DWORD count)
{
    DWORD start = GetTickCount();

    while (count_launchers() != count) {
        ck_assert_msg(GetTickCount() - start < patience_ms(30000), "there are %lu launchers, not %lu",
                      count_launchers(), count);
        Sleep(1);
    }
}

/* The variable stays until disperse(): all launchers are to wait. */
static void gather(struct crowd *crowd, int width, DWORD limit)
{
    char name[64], fault[64];

    memset(crowd, 0, sizeof *crowd);
    snprintf(name, sizeof name, "handoff-await-%lu", GetCurrentProcessId());
    snprintf(fault, sizeof fault, "await %lu", GetCurrentProcessId());
    crowd->go = CreateEventA(NULL, TRUE, FALSE, name);
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    crowd->launcher = open_launcher(width, L"faulty-launcher.exe");
    handoff_launcher_limit(crowd->launcher, limit);
    for (size_t i = 0; i < AT_ONCE; i++) {
        crowd->spawners[i].width = width;
        crowd->spawners[i].launcher = crowd->launcher;
        crowd->spawners[i].thread = CreateThread(NULL, 0, spawn_one, &crowd->spawners[i], 0, NULL);
    }
}

static void disperse(struct crowd *crowd)
{
    SetEvent(crowd->go);
    for (size_t i = 0; i < AT_ONCE; i++) {
        ck_assert(comes(crowd->spawners[i].thread));
        CloseHandle(crowd->spawners[i].thread);
        ck_assert_str_eq(crowd->spawners[i].trouble, "");
    }
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    CloseHandle(crowd->go);
}

/* That many launchers, which become idle, and stay as long as one that is idle does. */
static struct handoff_launcher *open_several(int width)
{
    struct crowd crowd;
    DWORD start, count;

    gather(&crowd, width, 0);
    await_launchers(AT_ONCE);
    start = GetTickCount();
    disperse(&crowd);
    count = count_launchers();
    ck_assert(count == AT_ONCE || GetTickCount() - start >= IDLE_MOST_MS);
    return crowd.launcher;
}

START_TEST(spawns_are_under_way_at_once)
{
    DWORD before;

    handoff_launcher_close(open_several(_i));
    before = count_own_handles();
    handoff_launcher_close(open_several(_i));
    ck_assert_uint_eq(count_own_handles(), before);
    ck_assert_uint_eq(count_launchers(), 0);
    assert_nobody_left();
}
END_TEST

START_TEST(there_are_no_more_launchers_than_the_limit)
{
    struct crowd crowd;
    struct handoff_request request;
    PROCESS_INFORMATION child;
    struct handoff_error error;

    gather(&crowd, _i, 2);
    await_launchers(2);
    request = ask(crowd.launcher, _i, L"exit 0");
    request.timeout_ms = HANG_MS;
    ck_assert(!handoff_spawn(&request, &child, &error));
    ck_assert(error.stage == HANDOFF_STAGE_PREPARE && error.code == ERROR_TIMEOUT);
    ck_assert_uint_eq(count_launchers(), 2);
    handoff_launcher_limit(crowd.launcher, 3); /* which one has waited for */
    await_launchers(3);
    handoff_launcher_limit(crowd.launcher, 0);
    await_launchers(AT_ONCE);
    handoff_launcher_limit(crowd.launcher, 1);
    disperse(&crowd);
    spawn_good(crowd.launcher, _i);
    await_launchers(1);
    handoff_launcher_close(crowd.launcher);
    assert_nobody_left();
}
END_TEST

/* Nobody but spawns ends them, and one that fails does. */
static void await_one_left(struct handoff_launcher *launcher, int width, const wchar_t *name)
{
    DWORD start = GetTickCount();

    while (count_programs(GetCurrentProcessId(), name) > 1) {
        ck_assert_msg(GetTickCount() - start < patience_ms(30000), "there are still %lu launchers",
                      count_programs(GetCurrentProcessId(), name));
        spawn_either(launcher, width, TRUE);
        Sleep(100);
    }
}

START_TEST(launchers_that_are_idle_go)
{
    struct handoff_launcher *launcher = open_several(OWN_WIDTH);
    DWORD process_id = spawn_good(launcher, OWN_WIDTH);

    await_one_left(launcher, OWN_WIDTH, L"faulty-launcher.exe");
    ck_assert_uint_eq(spawn_good(launcher, OWN_WIDTH), process_id);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

static DWORD WINAPI fail_several(void *argument)
{
    struct spawner *spawner = argument;

    for (int i = 0; i < 3 && spawner->trouble[0] == '\0'; i++)
        spawn_and_wait(spawner, TRUE);
    return 0;
}

/* Some of them start children; those of the others fail, which takes a launcher just as well. */
static void burst(struct handoff_launcher *launcher)
{
    static struct spawner spawners[BURST];

    for (size_t i = 0; i < BURST; i++) {
        spawners[i] = (struct spawner){.width = OWN_WIDTH, .launcher = launcher};
        spawners[i].thread = CreateThread(NULL, 0, i % 4 == 0 ? spawn_several : fail_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < BURST; i++) {
        ck_assert(comes(spawners[i].thread));
        CloseHandle(spawners[i].thread);
        ck_assert_str_eq(spawners[i].trouble, "");
    }
}

/* Bytes of the heap that are in use. What the process has committed goes up and down with its threads. */
static SIZE_T heap_in_use(void)
{
    PROCESS_HEAP_ENTRY entry = {.lpData = NULL};
    SIZE_T sum = 0;

    while (HeapWalk(GetProcessHeap(), &entry))
        sum += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0 ? entry.cbData : 0;
    return sum;
}

/* What is left of a burst of its own. */
static SIZE_T burst_and_measure(struct handoff_launcher *launcher)
{
    DWORD handles = count_own_handles();
    SIZE_T memory = heap_in_use(), now;
    unsigned views = count_views();

    ck_assert_uint_gt(memory, 0);
    ck_assert_uint_gt(views, 0); /* each program has some of its system's */
    burst(launcher);
    await_one_left(launcher, OWN_WIDTH, L"handoff-launcher.exe");
    ck_assert_uint_eq(count_own_handles(), handles);
    ck_assert_uint_eq(count_views(), views);
    now = heap_in_use();
    return now > memory ? now - memory : 0;
}

/* What the first threads load and keep is not what this looks for, and a heap that keeps what is given back, to have it
 * at hand, has enough of it after some bursts. What is lost is lost in each of them. */
START_TEST(a_burst_of_threads_leaves_nothing)
{
    enum { NOISE = 1024, MOST_BURSTS = 4 };
    struct handoff_launcher *launcher = open_good(OWN_WIDTH);
    SIZE_T left = NOISE + 1;

    burst(launcher);
    handoff_launcher_close(launcher);
    launcher = open_good(OWN_WIDTH);
    for (int i = 0; i < MOST_BURSTS && left > NOISE; i++)
        left = burst_and_measure(launcher);
    ck_assert_msg(left <= NOISE, "%lu bytes are left each time", (unsigned long)left);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* Each of the others does its next spawn, and so do those that replace the dead. */
START_TEST(idle_launchers_that_die_are_missed_by_nobody)
{
    struct handoff_launcher *launcher = open_several(_i);
    struct spawner spawners[AT_ONCE] = {{NULL, 0, NULL, ""}};
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    unsigned seen = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == GetCurrentProcessId() &&
            wcscmp(entry.szExeFile, L"faulty-launcher.exe") == 0 && seen++ % 2 == 0)
            kill_process(entry.th32ProcessID);
    }
    CloseHandle(snapshot);
    for (size_t i = 0; i < AT_ONCE; i++) {
        spawners[i] = (struct spawner){.width = _i, .launcher = launcher};
        spawners[i].thread = CreateThread(NULL, 0, spawn_several, &spawners[i], 0, NULL);
    }
    for (size_t i = 0; i < AT_ONCE; i++) {
        ck_assert(comes(spawners[i].thread));
        CloseHandle(spawners[i].thread);
        ck_assert_str_eq(spawners[i].trouble, "");
    }
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* ---- for all who name none ---- */

static DWORD parent_of(const PROCESS_INFORMATION *child)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD parent_id = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ProcessID == child->dwProcessId)
            parent_id = entry.th32ParentProcessID;
    }
    CloseHandle(snapshot);
    return parent_id;
}

/* Each returns the launcher's pid. */
static DWORD spawn_unnamed(const wchar_t *launcher)
{
    struct handoff_request request = ask(NULL, OWN_WIDTH, L"exit 3");
    PROCESS_INFORMATION child;

    request.launcher = launcher;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 3);
    return trace.launcher_id;
}

static DWORD spawn_by_drop_in(void)
{
    struct handoff_request request = ask(NULL, OWN_WIDTH, L"exit 4");
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION child;
    BOOL done = FALSE;
    DWORD parent_id;

    for (int tries = 0; tries < START_TRIES && !done; tries++)
        done = handoff_CreateProcessW(NULL, request.command_line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL,
                                      &startup, &child);
    ck_assert(done);
    parent_id = parent_of(&child);
    ResumeThread(child.hThread);
    ck_assert_uint_eq(finish_child(&child), 4);
    return parent_id;
}

START_TEST(a_default_is_used_by_all_who_name_none)
{
    const wchar_t *path = program(OWN_WIDTH, L"handoff-launcher.exe");
    struct handoff_launcher *launcher = open_good(OWN_WIDTH), *other = open_good(OWN_WIDTH);
    DWORD process_id = spawn_good(launcher, OWN_WIDTH), other_id = spawn_good(other, OWN_WIDTH);

    ck_assert_uint_ne(spawn_unnamed(NULL), process_id);
    ck_assert_uint_ne(spawn_by_drop_in(), process_id);
    handoff_launcher_default(launcher);
    ck_assert_uint_eq(spawn_unnamed(NULL), process_id);
    ck_assert_uint_eq(spawn_by_drop_in(), process_id);
    ck_assert_uint_eq(spawn_good(other, OWN_WIDTH), other_id); /* which is named */
    ck_assert_uint_ne(spawn_unnamed(path), process_id);        /* so is this */
    handoff_launcher_default(other);
    ck_assert_uint_eq(spawn_by_drop_in(), other_id);
    handoff_launcher_close(launcher); /* which is no default any more */
    ck_assert_uint_eq(spawn_by_drop_in(), other_id);
    handoff_launcher_default(NULL);
    ck_assert_uint_ne(spawn_by_drop_in(), other_id);
    handoff_launcher_default(other);
    handoff_launcher_close(other);
    ck_assert_uint_ne(spawn_by_drop_in(), other_id);
    ck_assert_uint_ne(spawn_unnamed(NULL), other_id);
    assert_nobody_left();
}
END_TEST

/* ---- the ends ---- */

START_TEST(closing_ends_it)
{
    struct handoff_launcher *launcher = open_good(_i);
    PROCESS_INFORMATION staying = spawn_staying(launcher, _i);
    HANDLE process = open_closed(OpenProcess, SYNCHRONIZE | PROCESS_QUERY_INFORMATION, trace.launcher_id);
    DWORD before, code = STILL_ACTIVE;

    ck_assert_ptr_nonnull(process);
    handoff_launcher_close(launcher);
    ck_assert(WaitForSingleObject(process, 0) == WAIT_OBJECT_0);
    ck_assert(GetExitCodeProcess(process, &code));
    ck_assert_uint_eq(code, 0); /* it ended by itself */
    CloseHandle(process);
    handoff_launcher_close(NULL);
    before = count_own_handles();
    handoff_launcher_close(open_good(_i)); /* before it had anything to do, or even time to start */
    ck_assert_uint_eq(count_own_handles(), before);
    end_staying(&staying);
    assert_nobody_left();
}
END_TEST

START_TEST(closing_ends_one_that_hangs)
{
    struct handoff_launcher *launcher;
    HANDLE process;
    char fault[32];

    snprintf(fault, sizeof fault, "hang-before %d", what_it_leaves(OWN_WIDTH, "count", 1));
    launcher = open_faulty(OWN_WIDTH, fault);
    process = open_closed(OpenProcess, SYNCHRONIZE, spawn_good(launcher, OWN_WIDTH));
    ck_assert_ptr_nonnull(process);
    handoff_launcher_close(launcher);
    ck_assert(comes(process));
    CloseHandle(process);
}
END_TEST

/* As any process of the test's. */
static HANDLE open_up(DWORD process_id)
{
    HANDLE process = open_closed(OpenProcess, PROCESS_ALL_ACCESS, process_id);
    SECURITY_DESCRIPTOR everybody;

    ck_assert_ptr_nonnull(process);
    ck_assert(InitializeSecurityDescriptor(&everybody, SECURITY_DESCRIPTOR_REVISION));
    ck_assert(SetSecurityDescriptorDacl(&everybody, TRUE, NULL, FALSE));
    ck_assert(SetKernelObjectSecurity(process, DACL_SECURITY_INFORMATION, &everybody));
    return process;
}

/* It may be somebody else's, of which a service is told. Closing is an end, and the next spawn has another launcher. */
START_TEST(g10_a_logoff_is_no_end_of_a_launcher)
{
    static const DWORD events[] = {CTRL_C_EVENT, CTRL_BREAK_EVENT, CTRL_LOGOFF_EVENT, CTRL_CLOSE_EVENT};
    struct handoff_launcher *launcher = open_good(OWN_WIDTH);
    PROCESS_INFORMATION process = {.dwProcessId = spawn_good(launcher, OWN_WIDTH)};

    process.hProcess = open_up(process.dwProcessId);
    for (size_t i = 0; i < ARRAYSIZE(events); i++) {
        HANDLE thread = send_console_event(&process, events[i]);

        if (thread == NULL) {
            skip("there is no CtrlRoutine, where Windows has it, in kernelbase.dll or kernel32.dll");
            break;
        }
        ck_assert_uint_eq(WaitForSingleObject(thread, 60000), WAIT_OBJECT_0);
        CloseHandle(thread);
        ck_assert_int_eq(spawn_good(launcher, OWN_WIDTH) == process.dwProcessId, events[i] != CTRL_CLOSE_EVENT);
    }
    CloseHandle(process.hProcess);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

START_TEST(g11_a_launcher_that_cannot_be_opened)
{
    static const wchar_t *const paths[] = {L"C:\\no\\such\\launcher.exe", L"no-such-launcher.exe", L""};
    struct handoff_error error;
    wchar_t text[512];
    DWORD before = 0;

    for (size_t i = 0; i < 2 * ARRAYSIZE(paths); i++) {
        const wchar_t *path = paths[i % ARRAYSIZE(paths)];
        struct handoff_launcher *launcher;
        DWORD last_error;

        if (i == ARRAYSIZE(paths))
            before = count_own_handles();
        launcher = handoff_launcher_open(path, &error);
        last_error = GetLastError();
        ck_assert_ptr_null(launcher);
        ck_assert_uint_eq(last_error, error.code);
        ck_assert_uint_eq(error.stage, HANDOFF_STAGE_LAUNCHER);
        ck_assert_uint_ne(error.code, ERROR_SUCCESS);
        ck_assert_uint_ne(error.code, ERROR_NOT_ENOUGH_MEMORY);
        handoff_error_text(&error, text, ARRAYSIZE(text));
        ck_assert_msg(wcsstr(text, path) != NULL, "no name in: %ls", text);
    }
    ck_assert_uint_eq(count_own_handles(), before);
}
END_TEST

struct test_case {
    const char *name;
    const TTest *tests[8];
};

static void add_case(Suite *suite, const struct test_case *from)
{
    TCase *to = tcase_create(from->name);

    for (size_t i = 0; from->tests[i] != NULL; i++)
        tcase_add_loop_test(to, from->tests[i], 0, WIDTH_COUNT);
    suite_add_tcase(suite, to);
}

Suite *resident_suite(void)
{
    const struct test_case cases[] = {
        {"resident results",
         {the_child_is_as_one_of_a_launcher_of_its_own, g2_g9_exactly_the_selected_handles_each_time}},
        {"resident surroundings",
         {the_environment_is_that_of_the_moment, the_directory_is_that_of_the_moment_and_is_not_held,
          a_relative_program_is_looked_for_where_the_parent_is, the_priority_is_that_of_the_moment}},
        {"resident failures",
         {g4_a_failed_spawn_is_no_concern_of_the_next, a_launcher_that_died_is_replaced,
          a_launcher_is_replaced_by_the_same_program, closing_ends_it}},
        {"resident sizes",
         {a_hundred_spawns_leave_nothing, a_request_larger_than_a_resident_launcher_takes,
          more_handles_than_a_resident_launcher_takes}},
        {"resident threads", {several_threads_with_one_launcher, a_launcher_for_each_thread}},
        {"resident at once",
         {spawns_are_under_way_at_once, there_are_no_more_launchers_than_the_limit,
          idle_launchers_that_die_are_missed_by_nobody}},
    };

    Suite *suite = suite_create("resident");
    TCase *struck = tcase_create("resident strikes");
    TCase *ends = tcase_create("resident ends");
    TCase *changed = tcase_create("resident standing");
    TCase *places = tcase_create("resident places");

    for (size_t i = 0; i < ARRAYSIZE(cases); i++)
        add_case(suite, &cases[i]);
    tcase_add_loop_test(changed, g9_a_launcher_stands_for_its_parent_as_that_is_now, 0, ARRAYSIZE(changes));
    tcase_add_test(changed, a_launcher_of_a_parent_that_has_not_changed_stays);
    suite_add_tcase(suite, changed);
    tcase_add_loop_test(struck, g4_a_launcher_that_lies_is_not_used_again, 0, ARRAYSIZE(lies));
    tcase_add_loop_test(struck, g4_a_launcher_that_dies_or_hangs_during_its_second_spawn, 0, ARRAYSIZE(strikes));
    suite_add_tcase(suite, struck);
    tcase_add_test(ends, closing_ends_one_that_hangs);
    tcase_add_test(ends, g10_a_logoff_is_no_end_of_a_launcher);
    tcase_add_test(ends, g11_a_launcher_that_cannot_be_opened);
    suite_add_tcase(suite, ends);
    tcase_add_test(places, places_are_taken_up_to_the_limit);
    tcase_add_test(places, things_that_are_idle_go);
    tcase_add_test(places, launchers_that_are_idle_go);
    tcase_add_test(places, a_burst_of_threads_leaves_nothing);
    tcase_add_test(places, a_default_is_used_by_all_who_name_none);
    suite_add_tcase(suite, places);
    return suite;
}
