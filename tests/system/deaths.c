/* Launchers that stay, and what befalls them: only the spawn under way may notice. */
#include "launchers.h"
#include "handle_table.h"
#include "closed.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

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

    /* One that succeeds after each, of the first turn at least; then they all fail five times more, which is more than
     * can be about to be closed at the first count. */
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
        if (round < (size_t)how_often(6, 1) * ARRAYSIZE(failures))
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

/* A heap takes its pages many at a time, so the launcher counts what it has of it: few bytes of each spawn would
 * show. */
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

/* Each that strikes before the answer is a loss. Then the parent may have read it, and a hang, or a death that comes
 * too late, is nobody's; and at its first call the second spawn may not have begun. */
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
    ck_assert_msg(!lives(process), "it is still there");
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

Suite *deaths_suite(void)
{
    const struct listed_test tests[] = {
        {g4_a_failed_spawn_is_no_concern_of_the_next, "deaths", WIDTH_COUNT},
        {a_launcher_that_died_is_replaced, "deaths", WIDTH_COUNT},
        {a_launcher_is_replaced_by_the_same_program, "deaths", WIDTH_COUNT},
        {a_hundred_spawns_leave_nothing, "deaths", WIDTH_COUNT},
        {closing_ends_it, "deaths", WIDTH_COUNT},
        {g4_a_launcher_that_lies_is_not_used_again, "strikes", ARRAYSIZE(lies)},
        {g4_a_launcher_that_dies_or_hangs_during_its_second_spawn, "strikes", ARRAYSIZE(strikes)},
        {closing_ends_one_that_hangs, "ends", 1},
        {g10_a_logoff_is_no_end_of_a_launcher, "ends", 1},
        {g11_a_launcher_that_cannot_be_opened, "ends", 1},
    };
    Suite *suite = suite_create("deaths");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
