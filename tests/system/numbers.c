/* Handles that have in the child the number that they have here (G14), and both ways to that, each forced. */
#include "talk.h"

#include "steal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { WIDTHS = WIDTH_COUNT * WIDTH_COUNT, OPEN = 5000, MOST_KEPT = 64, HIGH = 0x10000, FIRST = 300, STREAMS = 3 };

/* ---- a parent that has many handles open ---- */

static HANDLE open_handles[HIGH / 4 + 64];
static DWORD open_count;

static void open_more(void)
{
    open_handles[open_count] = make_event();
    open_count++;
}

static void open_many(void)
{
    while (open_count < OPEN)
        open_more();
}

/* The last is the first whose number is not below that one. */
static void open_up_to(DWORD number)
{
    do
        open_more();
    while (number_of(open_handles[open_count - 1]) < number && open_count < ARRAYSIZE(open_handles));
}

static void close_many(void)
{
    while (open_count > 0)
        CloseHandle(open_handles[--open_count]);
}

/* ---- a child that compares ---- */

/* Handles that keep their numbers, each of them passed once more under any number; a descriptor; a handle that keeps
 * nothing. What the child says comes over its stdout, and the other streams are ours. */
struct trial {
    HANDLE kept[MOST_KEPT];
    DWORD flags[MOST_KEPT];
    DWORD count;
    BOOL places; /* the first has a name as well, and stdout keeps its number too */
    struct handoff_pass passes[2 * MOST_KEPT + 3];
    wchar_t names[MOST_KEPT][8];
    wchar_t line[1 << 14];
    DWORD numbers[2 * MOST_KEPT + 3];
    struct thing file, other;
    HANDLE read, write;
    struct handoff_request request;
    char expected[1 << 12];
};

static void add_pass(struct trial *trial, struct handoff_pass pass)
{
    trial->passes[trial->request.pass_count++] = pass;
}

/* The kept ones first, so that pass i is handle i. */
static void set_passes(struct trial *trial)
{
    trial->request.pass_count = 0;
    for (DWORD i = 0; i < trial->count; i++)
        add_pass(trial,
                 (struct handoff_pass){.handle = trial->kept[i], .flags = HANDOFF_SAME_NUMBER | trial->flags[i]});
    for (DWORD i = 0; i < trial->count; i++) {
        swprintf(trial->names[i], ARRAYSIZE(trial->names[i]), L"c%lu", i);
        add_pass(trial, (struct handoff_pass){.name = trial->names[i], .handle = trial->kept[i]});
    }
    add_pass(trial, (struct handoff_pass){.handle = trial->file.handle, .descriptor = 3});
    add_pass(trial, (struct handoff_pass){.name = L"other", .handle = trial->other.handle});
    add_pass(trial, (struct handoff_pass){.handle = trial->write,
                                          .streams = HANDOFF_STDOUT,
                                          .flags = trial->places ? HANDOFF_SAME_NUMBER : 0});
    if (trial->places)
        trial->passes[0].name = L"first";
}

/* The child is told the numbers as they are here. */
static void set_line(struct trial *trial, int child_width)
{
    wchar_t *to = trial->line;
    char *expected = trial->expected;

    to += swprintf(to, 512, L"\"%ls\" - copy 3 1 ", program(child_width, L"descriptor-child.exe"));
    expected += sprintf(expected, "the file");
    for (DWORD i = 0; i < trial->count; i++) {
        to += swprintf(to, 64, L"same %u {c%lu} handle %u ", number_of(trial->kept[i]), i, number_of(trial->kept[i]));
        expected += sprintf(expected, "same\n%s\n",
                            (trial->flags[i] & HANDOFF_SEALED) != 0 ? "not inheritable" : "inheritable");
    }
    swprintf(to, 64, L"handle {other} %ls", trial->places ? L"same {first} {c0}" : L"");
    sprintf(expected, "inheritable\n%s", trial->places ? "same\n" : "");
}

static struct trial *new_trial(int launcher_width, int child_width)
{
    static struct trial trial;

    memset(&trial, 0, sizeof trial);
    trial.file = file_thing(LIBRARY, "the file", FALSE);
    trial.other = nul_thing(TRUE);
    trial.request = request_child(launcher_width, child_width, L"");
    trial.request.command_line = trial.line;
    trial.request.passes = trial.passes;
    trial.request.numbers = trial.numbers;
    return &trial;
}

static void end_trial(struct trial *trial)
{
    close_thing(&trial->file);
    close_thing(&trial->other);
    assert_nobody_left();
}

static void keep(struct trial *trial, HANDLE handle, DWORD flags)
{
    trial->kept[trial->count] = handle;
    trial->flags[trial->count++] = flags;
}

/* Any of the open ones below that, each once; not of the first, whose numbers a launcher gives to what keeps none if
 * it can put nothing on them. */
static void keep_random(struct trial *trial, DWORD count, DWORD end)
{
    trial->count = 0;
    while (trial->count < count) {
        DWORD at = FIRST + random_below(end - FIRST), before = 0;

        while (before < trial->count && trial->kept[before] != open_handles[at])
            before++;
        if (before == trial->count)
            keep(trial, open_handles[at], random_below(4) == 0 ? HANDOFF_SEALED : 0);
    }
}

/* FALSE if it did not start. */
static BOOL start(struct trial *trial, int child_width, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    make_pipe(&trial->read, &trial->write);
    trial->request.creation_flags = CREATE_SUSPENDED;
    set_passes(trial);
    set_line(trial, child_width);
    return spawn_patiently(&trial->request, child, error);
}

/* The child has some of the kept ones twice, as it should, and none of the copies that made way for them. */
static void assert_no_copies(const struct trial *trial, const PROCESS_INFORMATION *child)
{
    enum { LOOKED_AT = 3 };

    for (DWORD i = 0; i < trial->count && i < LOOKED_AT; i++)
        ck_assert_uint_eq(handles_of(child->dwProcessId, trial->kept[i]), 2);
}

static void assert_comparing(struct trial *trial, PROCESS_INFORMATION *child)
{
    static char said[1 << 13];

    CloseHandle(trial->write);
    ResumeThread(child->hThread);
    read_all(trial->read, said, sizeof said);
    ck_assert_uint_eq(finish_child(child), 0);
    ck_assert_msg(strcmp(said, trial->expected) == 0, "the child said\n%s", said);
    for (DWORD i = 0; i < trial->count; i++)
        ck_assert_uint_eq(trial->numbers[i], number_of(trial->kept[i]));
    SetFilePointer(trial->file.handle, 0, NULL, FILE_BEGIN);
}

static void assert_kept(struct trial *trial, int child_width)
{
    PROCESS_INFORMATION child;
    struct handoff_error error;
    wchar_t text[512];

    if (!start(trial, child_width, &child, &error)) {
        handoff_error_text(&error, text, ARRAYSIZE(text));
        ck_abort_msg("%ls", text);
    }
    assert_no_copies(trial, &child);
    assert_comparing(trial, &child);
}

/* Nothing is left of it, and the error says which handle it is about. */
static void assert_nothing(struct trial *trial, const struct handoff_error *error, DWORD code, DWORD before)
{
    wchar_t subject[16];

    CloseHandle(trial->read);
    CloseHandle(trial->write);
    ck_assert_uint_eq(error->stage, HANDOFF_STAGE_NUMBER);
    ck_assert_uint_eq(error->code, code);
    ck_assert_uint_eq(error->unreclaimed, 0);
    ck_assert_uint_lt(error->pass, trial->count);
    swprintf(subject, ARRAYSIZE(subject), L"0x%x", number_of(trial->kept[error->pass]));
    ck_assert(wcscmp(error->subject, subject) == 0);
    ck_assert_uint_eq(count_own_handles(), before);
    if (trial->request.resident == NULL)
        assert_nobody_left();
}

static void assert_refused(struct trial *trial, int child_width, DWORD code)
{
    DWORD before = count_own_handles();
    PROCESS_INFORMATION child;
    struct handoff_error error;

    ck_assert(!start(trial, child_width, &child, &error));
    assert_nothing(trial, &error, code, before);
}

static struct handoff_launcher *open_launcher(int width, const wchar_t *name, const char *fault)
{
    struct handoff_launcher *launcher = NULL;
    struct handoff_error error = {0};

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    for (int tries = 0; tries < START_TRIES && launcher == NULL; tries++)
        launcher = handoff_launcher_open(program(width, name), &error);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert_msg(launcher != NULL, "error %lu", error.code);
    return launcher;
}

/* ---- whatever the numbers are ---- */

START_WIDTH_TEST(random_sets_keep_their_numbers)
{
    int launcher_width = _i % WIDTH_COUNT, child_width = _i / WIDTH_COUNT % WIDTH_COUNT;
    struct trial *trial = new_trial(launcher_width, child_width);

    if (_i / WIDTHS == 1)
        trial->request.resident = open_launcher(launcher_width, L"handoff-launcher.exe", NULL);
    trial->places = TRUE;
    for (int i = 0; i < 4; i++) {
        keep_random(trial, i == 0 ? MOST_KEPT : 1 + random_below(MOST_KEPT), OPEN);
        assert_kept(trial, child_width);
    }
    handoff_launcher_close(trial->request.resident);
    end_trial(trial);
}
END_TEST

static const struct {
    const char *fault;
    BOOL resident;
} ways[] = {{"nowhere", FALSE}, {"nowhere", TRUE}, {"late", FALSE},   {"late", TRUE},
            {"crowded", FALSE}, {"crowded", TRUE}, {"strict", FALSE}, {"strict", TRUE}};

/* In the launcher alone, there also where a freed number comes late; in the child alone; and with nothing that Windows
 * would not let do. */
START_TEST(each_way_by_itself)
{
    const char *fault = ways[_i / WIDTH_COUNT].fault;
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);

    if (ways[_i / WIDTH_COUNT].resident)
        trial->request.resident = open_launcher(width, L"faulty-launcher.exe", fault);
    trial->request.launcher = program(width, L"faulty-launcher.exe");
    trial->places = TRUE;
    for (int i = 0; i < 2; i++) {
        keep_random(trial, 1 + random_below(MOST_KEPT), 1000); /* under Wine a child takes long for each number */
        for (DWORD k = 0; strcmp(fault, "strict") != 0 && k < trial->count; k++)
            trial->flags[k] = strcmp(fault, "crowded") == 0 ? trial->flags[k] : 0; /* to be sealed, it must be put */
        SetEnvironmentVariableA("HANDOFF_FAULT", trial->request.resident == NULL ? fault : NULL);
        assert_kept(trial, width);
        SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    }
    handoff_launcher_close(trial->request.resident);
    end_trial(trial);
}
END_TEST

START_WIDTH_TEST(high_numbers_are_kept)
{
    static const char *const faults[] = {"none", "crowded"};
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);

    open_up_to(HIGH);
    trial->request.resident = open_launcher(width, L"faulty-launcher.exe", faults[_i / WIDTH_COUNT]);
    for (int i = 0; i < 2; i++) {
        trial->count = 0;
        keep(trial, open_handles[open_count - 1], 0);
        keep(trial, open_handles[1000], HANDOFF_SEALED);
        assert_kept(trial, width);
    }
    ck_assert_uint_ge(trial->numbers[0], HIGH);
    handoff_launcher_close(trial->request.resident);
    end_trial(trial);
}
END_TEST

/* The system looks at streams only if something is inherited, and of these nothing can be. Each is in the child
 * once. */
START_TEST(streams_alone_that_are_put)
{
    int width = _i;
    struct thing in = file_thing(LIBRARY, "the file", FALSE), error = nul_thing(TRUE);
    HANDLE read, write;
    struct handoff_request request = request_child(width, width, L"");
    PROCESS_INFORMATION child;
    wchar_t line[MAX_PATH];
    char said[256], expected[256];

    make_pipe(&read, &write);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" - streams copy 0 1", program(width, L"descriptor-child.exe"));
    request.command_line = line;
    request.launcher = program(width, L"faulty-launcher.exe");
    request.creation_flags = CREATE_SUSPENDED;
    request.pass_count = STREAMS;
    request.passes = (struct handoff_pass[]){
        {.handle = in.handle, .streams = HANDOFF_STDIN, .flags = HANDOFF_SAME_NUMBER},
        {.handle = write, .streams = HANDOFF_STDOUT, .flags = HANDOFF_SAME_NUMBER | HANDOFF_SEALED},
        {.handle = error.handle, .streams = HANDOFF_STDERR, .flags = HANDOFF_SAME_NUMBER}};
    SetEnvironmentVariableA("HANDOFF_FAULT", "crowded");
    child = spawn_or_fail(&request);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    for (int stream = 0; stream < STREAMS; stream++)
        ck_assert_uint_eq(handles_of(child.dwProcessId, request.passes[stream].handle), 1);
    snprintf(expected, sizeof expected, "streams %u %u %u\nthe file", number_of(in.handle), number_of(write),
             number_of(error.handle));
    CloseHandle(write);
    ResumeThread(child.hThread);
    read_all(read, said, sizeof said);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert_str_eq(said, expected);
    close_thing(&in);
    close_thing(&error);
    assert_nobody_left();
}
END_TEST

/* ---- where it cannot be ---- */

START_TEST(neither_way_is_no_child)
{
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);

    trial->request.resident = open_launcher(width, L"faulty-launcher.exe", "neither");
    for (int i = 0; i < 2; i++) {
        keep_random(trial, 3, OPEN);
        assert_refused(trial, width, ERROR_ACCESS_DENIED);
        trial->count = 0; /* and the launcher is as good as before */
        assert_kept(trial, width);
    }
    handoff_launcher_close(trial->request.resident);
    end_trial(trial);
}
END_TEST

START_TEST(one_number_is_not_for_two)
{
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);

    keep(trial, open_handles[7], 0);
    keep(trial, open_handles[7], 0);
    assert_refused(trial, width, ERROR_NO_MORE_ITEMS);
    end_trial(trial);
}
END_TEST

/* Whether a process that has not run has a handle of its own under that number. */
static BOOL start_takes(int width, DWORD number)
{
    wchar_t line[MAX_PATH];
    PROCESS_INFORMATION process = start_program(wcscpy(line, program(width, L"child.exe")), NULL, CREATE_SUSPENDED);
    HANDLE handle;
    BOOL taken = DuplicateHandle(process.hProcess, (HANDLE)(UINT_PTR)number, GetCurrentProcess(), &handle, 0, FALSE,
                                 DUPLICATE_SAME_ACCESS);

    if (taken)
        CloseHandle(handle);
    TerminateProcess(process.hProcess, 0);
    finish_child(&process);
    return taken;
}

/* What lies under the lowest numbers here, one after another: there launcher and child have handles of their own. What
 * the one's start has taken is free in the other, but for the very first numbers. */
START_TEST(the_lowest_numbers)
{
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);
    DWORD refused = 0, kept = 0;

    for (DWORD number = 4; number <= 0x60; number += 4) {
        DWORD before = count_own_handles();
        HANDLE found;
        PROCESS_INFORMATION child;
        struct handoff_error error;

        if (handle_copy(GetCurrentProcess(), number, FALSE, &found) != ERROR_SUCCESS)
            continue;
        CloseHandle(found);
        trial->count = 0;
        keep(trial, handle_from_number(number), 0);
        if (start(trial, width, &child, &error)) {
            assert_comparing(trial, &child);
            kept++;
        } else {
            assert_nothing(trial, &error, ERROR_NO_MORE_ITEMS, before);
            ck_assert_msg(start_takes(width, number), "0x%lx is refused", number);
            refused++;
        }
    }
    ck_assert_uint_lt(refused, kept);
    end_trial(trial);
}
END_TEST

/* A launcher that stays keeps its table full up to the highest number, but for those under which the parent puts its
 * streams for each spawn, and has little more than that, however many spawns there were. */
START_TEST(a_resident_table_is_full_and_does_not_grow)
{
    enum { SPAWNS = 40, FEW_SPAWNS = 15, OWN = 10 }; /* handles of its own, of which it has fewer */
    int width = _i % WIDTH_COUNT;
    struct trial *trial = new_trial(width, width);
    DWORD full = number_of(open_handles[2000]) / 4 - STREAMS, count = 0;
    struct handoff_trace trace;

    trial->request.resident = open_launcher(width, L"handoff-launcher.exe", NULL);
    trial->request.trace = &trace;
    for (int i = 0, spawns = how_often(SPAWNS, FEW_SPAWNS); i < spawns; i++) {
        trial->count = 0;
        keep(trial, open_handles[100], 0);
        keep(trial, open_handles[i == 0 ? 2000 : 1000 + random_below(1000)], 0);
        assert_kept(trial, width);
    }
    for (int tries = 0; tries < 1000 && count < full; tries++) { /* it may be at it still */
        Sleep(5);
        count = count_handles(trace.launcher_id);
    }
    ck_assert_uint_ge(count, full);
    ck_assert_uint_lt(count, full + OWN);
    handoff_launcher_close(trial->request.resident);
    end_trial(trial);
}
END_TEST

/* ---- the drop-in ---- */

/* One start through it. Its stdout is a pipe, which is listed too, as libuv does. */
struct call {
    STARTUPINFOEXW startup;
    _Alignas(16) char attributes[256];
    HANDLE listed[MOST_KEPT + 1];
    DWORD count;
    HANDLE read, write;
    wchar_t line[1 << 12], environment[64];
    PROCESS_INFORMATION child;
};

static void begin_call(struct call *call, int width, const wchar_t *arguments)
{
    memset(call, 0, sizeof *call);
    make_pipe(&call->read, &call->write);
    call->listed[call->count++] = call->write;
    swprintf(call->line, ARRAYSIZE(call->line), L"\"%ls\" - %ls", program(width, L"descriptor-child.exe"), arguments);
    call->startup.StartupInfo = (STARTUPINFOW){.cb = sizeof call->startup,
                                               .dwFlags = STARTF_USESTDHANDLES,
                                               .hStdOutput = call->write,
                                               .hStdError = call->write};
}

static BOOL make_call(struct call *call)
{
    SIZE_T room = sizeof call->attributes;
    BOOL done = FALSE;

    call->startup.lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)call->attributes;
    ck_assert(InitializeProcThreadAttributeList(call->startup.lpAttributeList, 1, 0, &room));
    ck_assert(UpdateProcThreadAttribute(call->startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                        call->listed, call->count * sizeof *call->listed, NULL, NULL));
    for (int tries = 0; tries < START_TRIES && !done; tries++) {
        done = handoff_CreateProcessW(
            NULL, call->line, NULL, NULL, TRUE, EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT,
            call->environment[0] != L'\0' ? call->environment : NULL, NULL, &call->startup.StartupInfo, &call->child);
        if (GetLastError() != ERROR_INTERNAL_ERROR)
            break;
    }
    return done;
}

static const char *end_call(struct call *call)
{
    static char said[1 << 12];

    CloseHandle(call->write);
    read_all(call->read, said, sizeof said);
    ck_assert_uint_eq(finish_child(&call->child), 0);
    return said;
}

/* As a Go program does with AdditionalInheritedHandles: the child is told the number in its environment. */
START_WIDTH_TEST(a_number_told_in_the_environment)
{
    static struct call call;
    HANDLE event = open_handles[random_below(OPEN)];

    begin_call(&call, _i, L"told HANDOFF_EVENT");
    call.listed[call.count++] = event;
    swprintf(call.environment, ARRAYSIZE(call.environment), L"HANDOFF_EVENT=%u", number_of(event));
    ck_assert_msg(make_call(&call), "error %lu", GetLastError());
    ck_assert_str_eq(end_call(&call), "");
    ck_assert(is_set(event));
    assert_nobody_left();
}
END_TEST

/* In the line without braces, which is told apart; inheritable, as it would be. */
static void assert_listed(int width, DWORD count)
{
    static struct call call;
    static char expected[1 << 12];
    wchar_t *to;

    begin_call(&call, width, L"");
    to = call.line + wcslen(call.line);
    for (DWORD i = 0; i < count; i++) {
        HANDLE event = open_handles[i * (OPEN / MOST_KEPT) + random_below(OPEN / MOST_KEPT)];

        call.listed[call.count++] = event;
        to += swprintf(to, 64, L"handle %u signal %u ", number_of(event), number_of(event));
        sprintf(expected + i * strlen("inheritable\n"), "inheritable\n");
    }
    ck_assert_msg(make_call(&call), "error %lu", GetLastError());
    ck_assert_str_eq(end_call(&call), expected);
    for (DWORD i = 1; i < call.count; i++) {
        ck_assert(is_set(call.listed[i]));
        ResetEvent(call.listed[i]);
    }
    for (DWORD i = 0; i < open_count; i++)
        ck_assert(!is_set(open_handles[i]));
}

START_TEST(listed_handles_keep_their_numbers)
{
    int width = _i % WIDTH_COUNT;
    struct handoff_launcher *launcher = NULL;

    if (_i / WIDTH_COUNT == 1)
        handoff_launcher_default(launcher = open_launcher(width, L"handoff-launcher.exe", NULL));
    for (int i = 0; i < 3; i++)
        assert_listed(width, i == 0 ? MOST_KEPT : 1 + random_below(MOST_KEPT));
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* With a launcher that can put nothing anywhere. What the child finds without its number need not keep it. */
START_TEST(what_is_found_without_its_number_pays_nothing)
{
    static struct call call;
    HANDLE event = open_handles[OPEN / 2], own = GetStdHandle(STD_INPUT_HANDLE),
           own_out = GetStdHandle(STD_OUTPUT_HANDLE);
    struct thing file = file_thing(LIBRARY, "the file", FALSE);
    const HANDLE handles[] = {NULL, NULL, NULL, file.handle};
    struct handoff_launcher *launcher = open_launcher(OWN_WIDTH, L"faulty-launcher.exe", "neither");
    wchar_t arguments[64];

    handoff_launcher_default(launcher);
    /* a stream, and one by braces */
    swprintf(arguments, ARRAYSIZE(arguments), L"signal {0x%x}", number_of(event));
    begin_call(&call, _i, arguments);
    call.listed[call.count++] = event;
    ck_assert_msg(make_call(&call), "error %lu", GetLastError());
    end_call(&call);
    ck_assert(is_set(event));
    /* braces that are none */
    swprintf(arguments, ARRAYSIZE(arguments), L"note {{0x%x}}", number_of(event));
    begin_call(&call, _i, arguments);
    call.listed[call.count++] = event;
    ck_assert(!make_call(&call) && GetLastError() == ERROR_ACCESS_DENIED);
    CloseHandle(call.read);
    CloseHandle(call.write);
    /* one in the runtime's block */
    begin_call(&call, _i, L"copy 3 1");
    call.listed[call.count++] = file.handle;
    call.startup.StartupInfo.lpReserved2 =
        (BYTE *)(UINT_PTR)make_block(sizeof(void *), ARRAYSIZE(handles), (const uint8_t[]){0, 0, 0, 1}, handles,
                                     &call.startup.StartupInfo.cbReserved2);
    ck_assert_msg(make_call(&call), "error %lu", GetLastError());
    ck_assert_str_eq(end_call(&call), "the file");
    /* a stream that the child has without being given it */
    begin_call(&call, _i, L"streams");
    SetStdHandle(STD_INPUT_HANDLE, event);
    SetStdHandle(STD_OUTPUT_HANDLE, call.write);
    call.listed[call.count++] = event;
    call.startup.StartupInfo.dwFlags = 0;
    ck_assert_msg(make_call(&call), "error %lu", GetLastError());
    SetStdHandle(STD_INPUT_HANDLE, own);
    SetStdHandle(STD_OUTPUT_HANDLE, own_out);
    end_call(&call);
    close_thing(&file);
    handoff_launcher_close(launcher);
    assert_nobody_left();
}
END_TEST

/* ---- */

static void add(Suite *suite, const char *name, const TTest *test, int to, BOOL many)
{
    TCase *tcase = tcase_create(name);

    if (many)
        tcase_add_checked_fixture(tcase, open_many, close_many);
    else
        tcase_add_checked_fixture(tcase, NULL, close_many);
    tcase_add_loop_test(tcase, test, 0, to);
    suite_add_tcase(suite, tcase);
}

Suite *numbers_suite(void)
{
    Suite *suite = suite_create("same numbers");

    add(suite, "kept numbers", random_sets_keep_their_numbers, 2 * WIDTHS, TRUE);
    add(suite, "ways to a number", each_way_by_itself, (int)ARRAYSIZE(ways) * WIDTH_COUNT, TRUE);
    add(suite, "streams alone", streams_alone_that_are_put, WIDTH_COUNT, TRUE);
    add(suite, "high numbers", high_numbers_are_kept, 2 * WIDTH_COUNT, FALSE);
    add(suite, "no number", neither_way_is_no_child, WIDTH_COUNT, TRUE);
    add(suite, "a number twice", one_number_is_not_for_two, WIDTH_COUNT, TRUE);
    add(suite, "low numbers", the_lowest_numbers, WIDTH_COUNT, FALSE);
    add(suite, "a full table", a_resident_table_is_full_and_does_not_grow, WIDTH_COUNT, TRUE);
    add(suite, "numbers told", a_number_told_in_the_environment, WIDTH_COUNT, TRUE);
    add(suite, "numbers listed", listed_handles_keep_their_numbers, 2 * WIDTH_COUNT, TRUE);
    add(suite, "numbers that nobody needs", what_is_found_without_its_number_pays_nothing, WIDTH_COUNT, TRUE);
    return suite;
}
