/*
 * The steps die (G3, G4, G5): launchers that end, hang or lie at each of their OS calls, parents
 * that are terminated at each of theirs. The launcher and the library of these programs are the
 * product's own, with their calls counted (tests/faulty/faults.h).
 */
#include "system.h"

#include "channel.h"
#include "closed.h"
#include "wire.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <string.h>
#include <wchar.h>

enum { MOST_CALLS = 200, DIED = 0x100, RESUMED = 1, COMMITTED = 2, SUSPENDED = 4, INHERITABLE = 0x200 };

static void set_fault(const char *kind, int at)
{
    char value[64];

    snprintf(value, sizeof value, "%s %d", kind, at);
    SetEnvironmentVariableA("HANDOFF_FAULT", value);
}

static void clear_fault(void)
{
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
}

/* ---- launchers ---- */

/* What one spawn with a faulty launcher came to. */
struct outcome {
    BOOL spawned;
    BOOL ran;
    struct handoff_error error;
};

/* A launcher that hangs once the child is committed is no concern of the parent's any more, so the
 * test has to end it. */
static void end_committed_launchers(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        HANDLE launcher;

        if (entry.th32ParentProcessID != GetCurrentProcessId() || wcscmp(entry.szExeFile, L"faulty-launcher.exe") != 0)
            continue;
        launcher = open_closed(OpenProcess, PROCESS_TERMINATE, entry.th32ProcessID);
        TerminateProcess(launcher, 0);
        CloseHandle(launcher);
    }
    CloseHandle(snapshot);
}

/*
 * Spawns a child that sets an event, and asserts what must hold whatever the launcher did: without
 * success no child ran or stays, no launcher stays, and the parent's handle table is what it was
 * but for what is counted as unreclaimed.
 */
static struct outcome spawn_with_fault(int width, DWORD timeout_ms)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {
        .name = L"h", .handle = event, .flags = width == X64 ? HANDOFF_SAME_NUMBER : 0 /* more calls to die at */};
    struct handoff_request request = request_child(width, width, L"signal {h}");
    struct outcome outcome = {0};
    PROCESS_INFORMATION child;
    DWORD before = count_own_handles(), after;

    request.launcher = program(width, L"faulty-launcher.exe");
    request.passes = &pass;
    request.pass_count = 1;
    request.timeout_ms = timeout_ms;
    outcome.spawned = spawn_patiently(&request, &child, &outcome.error);
    clear_fault();
    if (outcome.spawned) {
        ck_assert_uint_eq(finish_child(&child), 0);
        end_committed_launchers();
    }
    after = count_own_handles();
    assert_nobody_left();
    outcome.ran = is_set(event);
    ck_assert_msg(outcome.ran == outcome.spawned, "spawned %d, but ran %d", outcome.spawned, outcome.ran);
    ck_assert_uint_le(outcome.error.unreclaimed, 1);
    ck_assert_msg(after >= before && after - before <= outcome.error.unreclaimed,
                  "%lu handles before, %lu after, %lu unreclaimed", before, after, outcome.error.unreclaimed);
    ck_assert(CloseHandle(event));
    return outcome;
}

static struct outcome strike(const char *how, const char *when, int at, int width, DWORD timeout_ms)
{
    char kind[32];

    snprintf(kind, sizeof kind, "%s-%s", how, when);
    set_fault(kind, at);
    return spawn_with_fault(width, timeout_ms);
}

/* A hang leaves what a death at the same call left, or the child runs; unless the time was up too early for that. */
static struct outcome strike_with_hang(HANDLE hang, const char *when, int at, int width, const struct outcome *dead)
{
    DWORD timeout_ms = patience_ms(HANG_MS);
    struct outcome hung = strike("hang", when, at, width, timeout_ms);

    while (!hung.spawned && (!is_set(hang) || dead->spawned || hung.error.unreclaimed != dead->error.unreclaimed)) {
        timeout_ms = wait_longer(hang, timeout_ms);
        hung = strike("hang", when, at, width, timeout_ms);
    }
    ResetEvent(hang);
    if (!hung.spawned)
        ck_assert_msg(hung.error.stage == HANDOFF_STAGE_EXCHANGE && hung.error.code == ERROR_TIMEOUT,
                      "hang-%s %d: stage %lu, code %lu", when, at, hung.error.stage, hung.error.code);
    ck_assert_uint_eq(hung.error.unreclaimed, dead->error.unreclaimed);
    return hung;
}

/* Goes on to the next call until no call is left to strike at, and counts the unreclaimed. */
static DWORD strike_each_call(const char *when, int width, BOOL *any_death, BOOL *any_hang)
{
    HANDLE hang = await_hang(); /* for the deaths, too: a handle that is open here changes how many calls there are */
    DWORD unreclaimed = 0;
    BOOL done = FALSE;

    for (int at = 1; at < MOST_CALLS && !done; at++) {
        struct outcome dead = strike("die", when, at, width, 0);
        struct outcome hung = strike_with_hang(hang, when, at, width, &dead);

        unreclaimed += dead.error.unreclaimed;
        *any_death |= !dead.spawned;
        *any_hang |= !hung.spawned;
        done = dead.spawned && at > 30;
    }
    end_hang(hang);
    ck_assert_msg(done, "%s: there is no end of calls", when);
    return unreclaimed;
}

static const struct {
    const char *when;
    int width;
    const char *also; /* where there is time for that */
} strikes[] = {{"before", OWN_WIDTH, NULL}, {"after", OWN_WIDTH, NULL}, {"before", OTHER_WIDTH, "after"}};

/* Ending right before or right after the steal of the pass leaves the one state that nobody can decide, and never
 * otherwise: what else the launcher has was given to it. */
START_TEST(g4_a_launcher_that_dies_or_hangs_at_each_call)
{
    BOOL any_death = FALSE, any_hang = FALSE;

    test_allow(240);
    ck_assert_uint_eq(strike_each_call(strikes[_i].when, strikes[_i].width, &any_death, &any_hang), 1);
    if (strikes[_i].also != NULL && how_often(2, 1) == 2)
        ck_assert_uint_eq(strike_each_call(strikes[_i].also, strikes[_i].width, &any_death, &any_hang), 1);
    ck_assert(any_death && any_hang);
}
END_TEST

static const struct {
    const char *kind;
    DWORD stage, code;
} lies[] = {
    {"pseudo", HANDOFF_STAGE_ADOPT, ERROR_INVALID_HANDLE},   {"self", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"parent", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},     {"pid", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},
    {"thread", HANDOFF_STAGE_ADOPT, ERROR_INVALID_DATA},     {"closed", HANDOFF_STAGE_ADOPT, ERROR_INVALID_HANDLE},
    {"untaken", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA}, {"type", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"none", HANDOFF_STAGE_EXCHANGE, ERROR_PROCESS_ABORTED}, {"nothing", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"half", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},    {"twice", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"ends", HANDOFF_STAGE_EXCHANGE, ERROR_PROCESS_ABORTED}, {"size", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
    {"another", HANDOFF_STAGE_EXCHANGE, ERROR_INVALID_DATA},
};

static struct outcome spawn_with_lie(int width, const char *kind)
{
    char value[64];

    snprintf(value, sizeof value, "lie %s", kind);
    SetEnvironmentVariableA("HANDOFF_FAULT", value);
    return spawn_with_fault(width, 0);
}

START_TEST(g4_a_launcher_that_lies)
{
    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct outcome outcome = spawn_with_lie(width, lies[_i].kind);

        ck_assert_msg(!outcome.spawned, "'%s' was believed", lies[_i].kind);
        ck_assert_msg(outcome.error.stage == lies[_i].stage && outcome.error.code == lies[_i].code &&
                          outcome.error.unreclaimed == 0,
                      "'%s': stage %lu, code %lu, unreclaimed %lu", lies[_i].kind, outcome.error.stage,
                      outcome.error.code, outcome.error.unreclaimed);
    }
}
END_TEST

/* As launchers of these protocols do. */
static const struct {
    int spoken;
    const wchar_t *says;
} protocols[] = {
    {1, L"the launcher is of another version 'protocol 1; this library speaks 2': Win32 error 1306"},
    {3, L"the launcher is of another version 'protocol 3; this library speaks 2': Win32 error 1306"},
};

START_TEST(g11_a_launcher_of_another_version)
{
    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct outcome outcome;
        wchar_t text[512];

        set_fault("speaks", protocols[_i].spoken);
        outcome = spawn_with_fault(width, 0);
        ck_assert(!outcome.spawned);
        handoff_error_text(&outcome.error, text, ARRAYSIZE(text));
        ck_assert_msg(wcsncmp(text, protocols[_i].says, wcslen(protocols[_i].says)) == 0, "%s", shown(text));
    }
}
END_TEST

START_TEST(g4_a_failure_out_of_every_range)
{
    struct outcome outcome = spawn_with_lie(_i, "nonsense");
    wchar_t text[512];

    ck_assert(!outcome.spawned);
    ck_assert_uint_eq(outcome.error.pass, HANDOFF_NO_PASS);
    ck_assert_uint_gt(handoff_error_text(&outcome.error, text, ARRAYSIZE(text)), 0);
}
END_TEST

/* The event alone says nothing. */
START_TEST(an_answer_that_is_announced_too_early)
{
    ck_assert(spawn_with_lie(_i, "early").spawned);
}
END_TEST

/* ---- what a launcher is given ---- */

enum { NONCE = 0x12345678 };

/* A page of one claim with a channel, and what a request may need on it. */
enum { PAGE = 4096, ROOM = PAGE - sizeof(struct claim_page) - sizeof(struct claim) - sizeof(struct channel) };

/* Such a page, and a launcher that has not begun to run. */
struct given {
    HANDLE section, event;
    HANDLE report, far_end; /* of the pipe */
    struct claim_page *page;
    struct channel *channel;
    PROCESS_INFORMATION launcher;
};

static HANDLE make_section(DWORD protection, DWORD size)
{
    HANDLE section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, protection, 0, size, NULL);

    ck_assert_ptr_nonnull(section);
    return section;
}

static struct claim_page *map(HANDLE section)
{
    struct claim_page *page = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);

    ck_assert_ptr_nonnull(page);
    return page;
}

static struct given start_launcher(int width, const wchar_t *nonce)
{
    struct given given = {.section = make_section(PAGE_READWRITE, PAGE), .event = make_event()};
    wchar_t line[64];

    ck_assert(CreatePipe(&given.report, &given.far_end, NULL, PIPE_SIZE));
    given.page = map(given.section);
    given.page->nonce = NONCE;
    given.page->count = 1;
    given.page->size = PAGE;
    given.channel = channel_of(given.page);
    given.channel->protocol = PROTOCOL;
    claim_offer(&given.page->claims[0], (UINT_PTR)given.event);
    swprintf(line, ARRAYSIZE(line), L"launcher --service=%ls", nonce);
    given.launcher = start_program(program(width, L"handoff-launcher.exe"), line, CREATE_SUSPENDED);
    return given;
}

/* Returns the number there. */
static uint32_t put_there(struct given *given, HANDLE handle, DWORD access)
{
    HANDLE there = NULL;

    ck_assert(DuplicateHandle(GetCurrentProcess(), handle, given->launcher.hProcess, &there, access, FALSE,
                              access != 0 ? 0 : DUPLICATE_SAME_ACCESS));
    return number_of(there);
}

static void put_and_close(struct given *given, HANDLE handle)
{
    put_there(given, handle, 0);
    CloseHandle(handle);
}

static DWORD run_launcher(struct given *given)
{
    ck_assert_uint_ne(ResumeThread(given->launcher.hThread), (DWORD)-1);
    return finish_child(&given->launcher);
}

static void forget(struct given *given)
{
    ck_assert(CloseHandle(given->report) && (given->far_end == NULL || CloseHandle(given->far_end)));
    ck_assert(CloseHandle(given->event) && UnmapViewOfFile(given->page) && CloseHandle(given->section));
}

static void nothing(struct given *given)
{
    (void)given;
}

static void another_nonce(struct given *given)
{
    given->page->nonce++;
    put_there(given, given->section, 0);
}

static void an_endless_page(struct given *given)
{
    given->page->count = 0x10000000;
    put_there(given, given->section, 0);
}

static void a_page_beyond_its_memory(struct given *given)
{
    given->page->size = 1 << 20;
    put_there(given, given->section, 0);
}

/* As it is made for a process that takes what it was offered; the first version does not say its size. */
static void a_page_without_a_channel(struct given *given)
{
    given->page->size = (uint32_t)claim_page_size(1);
    put_there(given, given->section, 0);
}

static void an_empty_page(struct given *given)
{
    given->page->count = 0;
    put_there(given, given->section, 0);
}

static void a_page_to_read(struct given *given)
{
    put_there(given, given->section, FILE_MAP_READ);
}

/* Whoever reads it dies of that. */
static void reserved_memory(struct given *given)
{
    put_and_close(given, make_section(PAGE_READWRITE | SEC_RESERVE, 1 << 16));
}

static void a_small_section(struct given *given)
{
    put_and_close(given, make_section(PAGE_READWRITE, 1));
}

static void no_section(struct given *given)
{
    put_there(given, given->event, 0);
    put_there(given, GetCurrentProcess(), SYNCHRONIZE);
}

static const struct {
    const wchar_t *nonce;
    void (*give)(struct given *);
    DWORD exit_code;
} gifts[] = {
    {L"0x12345678", nothing, ERROR_NOT_FOUND}, /* a stranger has started it, who even knows the nonce */
    {L"0x12345678", another_nonce, ERROR_NOT_FOUND},
    {L"0x12345678", an_endless_page, ERROR_NOT_FOUND},
    {L"0x12345678", an_empty_page, ERROR_NOT_FOUND},
    {L"0x12345678", a_page_beyond_its_memory, ERROR_NOT_FOUND},
    {L"0x12345678", a_page_without_a_channel, ERROR_INVALID_DATA},
    {L"0x12345678", a_page_to_read, ERROR_NOT_FOUND},
    {L"0x12345678", reserved_memory, ERROR_NOT_FOUND},
    {L"0x12345678", a_small_section, ERROR_NOT_FOUND},
    {L"0x12345678", no_section, ERROR_NOT_FOUND},
    {L"", nothing, ERROR_INVALID_PARAMETER},
    {L"0x", nothing, ERROR_INVALID_PARAMETER},
    {L"0x12345678 ", nothing, ERROR_INVALID_PARAMETER},
    {L"0x12345678123456789", nothing, ERROR_INVALID_PARAMETER},
};

/* It takes nothing, and ends. */
START_TEST(g3_a_launcher_that_is_not_given_its_page)
{
    for (int width = 0; width < WIDTH_COUNT; width++) {
        struct given given = start_launcher(width, gifts[_i].nonce);
        DWORD exit_code;

        gifts[_i].give(&given);
        exit_code = run_launcher(&given);
        ck_assert_uint_eq(claim_state(&given.page->claims[0]), CLAIM_OFFERED);
        ck_assert_uint_eq(given.channel->reached, FALSE);
        forget(&given);
        ck_assert_uint_eq(exit_code, gifts[_i].exit_code);
    }
    assert_nobody_left();
}
END_TEST

/* It says what it speaks where the library looks for that, and not to one that would take it for a launcher of its
 * own. */
START_TEST(g11_a_library_of_another_version)
{
    static const uint32_t spoken[] = {0, 1 /* all is over already */, PROTOCOL + 1};

    for (size_t i = 0; i < ARRAYSIZE(spoken); i++) {
        struct given given = start_launcher(_i, L"0x12345678");

        put_there(&given, given.section, 0);
        given.channel->protocol = spoken[i];
        given.channel->asked = 1;
        ck_assert_uint_eq(run_launcher(&given), ERROR_REVISION_MISMATCH);
        ck_assert_uint_eq(given.channel->reached, spoken[i] > 1 ? PROTOCOL : 0);
        ck_assert_uint_eq(given.channel->reported, FALSE);
        ck_assert_uint_eq(claim_state(&given.page->claims[0]), CLAIM_OFFERED);
        forget(&given);
    }
    assert_nobody_left();
}
END_TEST

/* Its event is both. */
static void equip(struct given *given)
{
    given->channel->parent = put_there(given, GetCurrentProcess(), PROCESS_DUP_HANDLE | SYNCHRONIZE);
    given->channel->heard_event = given->channel->reported_event = put_there(given, given->event, 0);
    given->channel->report_pipe = put_there(given, given->far_end, 0);
}

/* Whatever else is there, with lower numbers. */
START_WIDTH_TEST(g3_a_launcher_finds_its_page_among_others)
{
    struct given given = start_launcher(_i, L"0x12345678");
    HANDLE other = make_section(PAGE_READWRITE, PAGE);
    struct claim_page *page = map(other), before;

    page->nonce = NONCE + 1;
    page->count = 1;
    page->size = PAGE;
    before = *page;
    no_section(&given);
    reserved_memory(&given);
    a_small_section(&given);
    a_page_to_read(&given);
    put_there(&given, other, 0);
    put_there(&given, given.section, 0);
    equip(&given);
    given.channel->over = TRUE; /* nobody asks it for anything */
    ck_assert_uint_eq(run_launcher(&given), 0);
    ck_assert_uint_eq(given.channel->reached, PROTOCOL);
    ck_assert_int_eq(memcmp(page, &before, sizeof before), 0);
    UnmapViewOfFile(page);
    CloseHandle(other);
    forget(&given);
    assert_nobody_left();
}
END_TEST

/* It is there already. */
static struct report read_report(const struct given *given)
{
    struct report report = {0};
    DWORD size = 0;

    ck_assert(PeekNamedPipe(given->report, NULL, 0, NULL, &size, NULL));
    ck_assert_uint_eq(size, REPORT_SIZE);
    ck_assert(ReadFile(given->report, &report, sizeof report, &size, NULL));
    ck_assert_uint_eq(report.size, REPORT_SIZE);
    return report;
}

static const struct {
    const char *what;
    uint32_t size;
    uint8_t byte; /* all of it are this one */
} forgeries[] = {
    {"a byte more than there is room for", ROOM + 1, 0},
    {"the greatest size", UINT32_MAX, 0},
    {"one byte", 1, 0},
    {"zeros", 200, 0},
    {"ones", 200, 0xFF},
    {"all that there is room for", ROOM, 0xFF},
};

/* It says so, takes nothing, and ends. */
START_TEST(g11_a_request_that_is_none)
{
    for (size_t i = 0; i < ARRAYSIZE(forgeries); i++) {
        struct given given = start_launcher(_i, L"0x12345678");
        struct report report;

        put_there(&given, given.section, 0);
        equip(&given);
        memset(given.channel->request, forgeries[i].byte, channel_room(given.page));
        given.channel->asked = forgeries[i].size;
        ck_assert_uint_eq(run_launcher(&given), 0);
        ck_assert(given.channel->reported);
        report = read_report(&given);
        ck_assert_msg(report.request_size == forgeries[i].size && report.type == REPORT_FAILED &&
                          report.stage == HANDOFF_STAGE_EXCHANGE && report.code == ERROR_INVALID_DATA,
                      "%s: stage %u, code %u", forgeries[i].what, report.stage, report.code);
        ck_assert_uint_eq(claim_state(&given.page->claims[0]), CLAIM_OFFERED);
        forget(&given);
    }
    assert_nobody_left();
}
END_TEST

/* ---- a launcher whose console closes ---- */

/* As the library says it. */
static void ask_for_child(struct given *given, const wchar_t *program_path)
{
    struct request request = {.application = program_path, .command_line = L"child exit 7"};

    given->channel->asked = (uint32_t)wire_encode(given->channel->request, channel_room(given->page), &request);
}

static HANDLE await_child(const struct given *given)
{
    struct report report;
    HANDLE child = NULL;

    while (given->channel->reported == FALSE)
        Sleep(1); /* the watch over all tests ends it */
    report = read_report(given);
    ck_assert_uint_eq(report.type, REPORT_SPAWNED);
    ck_assert(DuplicateHandle(given->launcher.hProcess, (HANDLE)(UINT_PTR)report.process, GetCurrentProcess(), &child,
                              0, FALSE, DUPLICATE_SAME_ACCESS));
    return child;
}

/* It ends, but not before its child is somebody's, or has ended. */
START_TEST(g4_g10_a_launcher_whose_console_closes_leaves_no_child)
{
    static const DWORD events[] = {CTRL_CLOSE_EVENT, CTRL_SHUTDOWN_EVENT};
    BOOL commits = _i >= (int)ARRAYSIZE(events);
    struct given given = start_launcher(OWN_WIDTH, L"0x12345678");
    HANDLE child, closing;

    put_there(&given, given.section, 0);
    equip(&given);
    ask_for_child(&given, program(OWN_WIDTH, L"child.exe"));
    ResumeThread(given.launcher.hThread);
    child = await_child(&given);
    closing = send_console_event(&given.launcher, events[_i % (int)ARRAYSIZE(events)]);
    if (closing == NULL)
        skip("there is no CtrlRoutine, where Windows has it, in kernelbase.dll or kernel32.dll");
    else
        ck_assert_msg(WaitForSingleObject(closing, 300) == WAIT_TIMEOUT, "the launcher left its child behind");
    given.channel->committed = commits ? TRUE : FALSE;
    given.channel->over = TRUE;
    SetEvent(given.event);
    ck_assert_uint_eq(WaitForSingleObject(given.launcher.hProcess, 60000), WAIT_OBJECT_0);
    ck_assert_uint_eq(WaitForSingleObject(child, commits ? 0 : 60000), commits ? WAIT_TIMEOUT : WAIT_OBJECT_0);
    TerminateProcess(child, 0);
    CloseHandle(child);
    if (closing != NULL)
        CloseHandle(closing);
    finish_child(&given.launcher);
    forget(&given);
    assert_nobody_left();
}
END_TEST

/* ---- parents ---- */

struct parent_outcome {
    DWORD exit_code;
    DWORD alive; /* processes of its job that are left: launchers, children */
    BOOL ran;
};

/* Waits until the job has at most `most` processes, told by Windows, not by the clock. */
static DWORD wait_for_job(HANDLE job, HANDLE port, DWORD most)
{
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION accounting;
    DWORD message;
    ULONG_PTR key;
    OVERLAPPED *data;

    do {
        ck_assert(
            QueryInformationJobObject(job, JobObjectBasicAccountingInformation, &accounting, sizeof accounting, NULL));
    } while (accounting.ActiveProcesses > most &&
             GetQueuedCompletionStatus(port, &message, &key, &data, patience_ms(10000)));
    return accounting.ActiveProcesses;
}

/* One that is being started just then may be missed: so once more. */
static void end_job(HANDLE job, HANDLE port)
{
    DWORD left = 1;

    for (int tries = 0; tries < START_TRIES && left != 0; tries++) {
        TerminateJobObject(job, 0);
        left = wait_for_job(job, port, 0);
    }
    ck_assert_uint_eq(left, 0);
}

static HANDLE make_watched_job(HANDLE *port)
{
    HANDLE job = CreateJobObjectW(NULL, NULL);
    JOBOBJECT_ASSOCIATE_COMPLETION_PORT association = {.CompletionKey = job};

    *port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    association.CompletionPort = *port;
    ck_assert(
        SetInformationJobObject(job, JobObjectAssociateCompletionPortInformation, &association, sizeof association));
    return job;
}

/* Runs faulty-parent.exe in a job; its child sets the event and stays. So does the one that a resident
 * launcher, if that is what it uses, started before: it is not counted. */
static struct parent_outcome run_parent_of(const wchar_t *launcher, int width, BOOL resident)
{
    static int runs;
    struct parent_outcome outcome = {0};
    DWORD before = resident ? 1 : 0;
    BOOL stays;
    wchar_t name[64], line[2048];
    PROCESS_INFORMATION parent;
    HANDLE event, port, job = make_watched_job(&port);

    swprintf(name, ARRAYSIZE(name), L"handoff-test-%lu-%d", GetCurrentProcessId(), runs++);
    event = CreateEventW(NULL, TRUE, FALSE, name);
    swprintf(line, ARRAYSIZE(line), L"faulty-parent \"%ls\" %ls \"\\\"%ls\\\" hold {event}\"", program(width, launcher),
             name, program(width, L"child.exe"));
    if (resident)
        swprintf(line + wcslen(line), 1024, L" \"\\\"%ls\\\" hold 0\"", program(width, L"child.exe"));
    parent = start_program(program(width, L"faulty-parent.exe"), line, CREATE_SUSPENDED);
    ck_assert(AssignProcessToJobObject(job, parent.hProcess));
    ResumeThread(parent.hThread);
    outcome.exit_code = finish_child(&parent);
    clear_fault();
    /* Without a commit the launcher ends the child and itself; after one only the child stays. */
    stays = outcome.exit_code == 0 || (outcome.exit_code & (COMMITTED | SUSPENDED)) != 0;
    outcome.alive = wait_for_job(job, port, before + (stays ? 1u : 0u));
    ck_assert_msg(outcome.alive >= before, "the child before was ended");
    outcome.alive -= before;
    if (outcome.alive != 0 && (outcome.exit_code & SUSPENDED) == 0)
        ck_assert_msg(comes(event), "the parent ended with 0x%lx, %lu processes live, and the child does not run",
                      outcome.exit_code, outcome.alive);
    outcome.ran = is_set(event);
    end_job(job, port);
    CloseHandle(job);
    CloseHandle(port);
    CloseHandle(event);
    return outcome;
}

static struct parent_outcome run_parent(int width, BOOL resident)
{
    return run_parent_of(L"handoff-launcher.exe", width, resident);
}

/* Who dies with a launcher that is not let run yet leaves it so, as one that dies within CreateProcessW may. */
static void strike_parent(const char *kind, int width, BOOL resident)
{
    DWORD seen = 0;

    for (int at = 1; at < MOST_CALLS; at++) {
        struct parent_outcome outcome;

        set_fault(kind, at);
        outcome = run_parent(width, resident);
        if (outcome.exit_code == 0)
            break;
        ck_assert_msg((outcome.exit_code & DIED) != 0, "%s %d: exit code 0x%lx", kind, at, outcome.exit_code);
        seen |= outcome.exit_code;
        if ((outcome.exit_code & RESUMED) == 0)
            ck_assert_msg(!outcome.ran, "%s %d: the child ran, and its parent never held it", kind, at);
        if ((outcome.exit_code & SUSPENDED) != 0)
            ck_assert_msg(outcome.alive == 1 && !outcome.ran, "%s %d: the launcher ran before it was let", kind, at);
        else if ((outcome.exit_code & COMMITTED) == 0)
            ck_assert_msg(outcome.alive == 0, "%s %d: %lu processes stay", kind, at, outcome.alive);
        else
            ck_assert_msg(outcome.alive == 1 && outcome.ran, "%s %d: the committed child was hurt", kind, at);
    }
    /* all phases were struck */
    ck_assert_uint_eq(seen, DIED | RESUMED | COMMITTED | (resident ? 0u : (DWORD)SUSPENDED));
    assert_nobody_left();
}

START_TEST(g5_a_parent_that_dies_before_each_call)
{
    strike_parent("die-before", _i, FALSE);
}
END_TEST

START_TEST(g5_a_parent_that_dies_after_each_call)
{
    strike_parent("die-after", _i, FALSE);
}
END_TEST

START_TEST(g5_the_child_is_suspended_until_the_parent_has_it)
{
    ck_assert_uint_eq(run_parent(_i, FALSE).exit_code, 0);
}
END_TEST

/* The parent itself looks at all its handles after each of its OS calls. */
START_TEST(g1_no_handle_is_ever_inheritable)
{
    set_fault("watch", 0);
    ck_assert_uint_eq(run_parent(_i, FALSE).exit_code, 0);
}
END_TEST

/* Whom a thread impersonates may be allowed nothing: neither does he own the launcher, nor is anything opened as
 * him. */
START_TEST(g9_g13_nothing_is_done_as_the_one_who_is_impersonated)
{
    for (int resident = FALSE; resident <= TRUE; resident++) {
        set_fault("impersonate", 0);
        ck_assert_uint_eq(run_parent(_i, resident).exit_code, 0);
    }
}
END_TEST

/* He may not be allowed to open what the process has started either. */
START_TEST(g4_g13_a_thread_that_impersonates_cleans_up)
{
    struct parent_outcome outcome;

    for (int resident = FALSE; resident <= TRUE; resident++) {
        set_fault("impersonate", 0);
        outcome = run_parent_of(L"faulty-launcher.exe", _i, resident);
        ck_assert_uint_eq(outcome.exit_code, 1);
        ck_assert_uint_eq(outcome.alive, 0);
    }
}
END_TEST

/* Then the child stays, and that is the error. */
START_TEST(g4_a_parent_that_cannot_list_processes_says_so)
{
    struct parent_outcome outcome;

    set_fault("blind", 0);
    outcome = run_parent_of(L"faulty-launcher.exe", _i, FALSE);
    ck_assert_uint_eq(outcome.exit_code, HANDOFF_STAGE_CLEAN_UP << 16 | ERROR_PROC_NOT_FOUND);
    ck_assert_uint_eq(outcome.alive, 1);
    assert_nobody_left();
}
END_TEST

/* The launcher ends with its parent, and only the child that had no owner yet with it. */
START_TEST(g5_a_parent_of_a_resident_launcher_that_dies_at_each_call)
{
    strike_parent(_i == X64 ? "die-before" : "die-after", _i, TRUE);
}
END_TEST

START_TEST(g1_no_handle_is_ever_inheritable_with_a_resident_launcher)
{
    struct parent_outcome outcome;

    set_fault("watch", 0);
    outcome = run_parent(_i, TRUE);
    ck_assert_uint_eq(outcome.exit_code, 0);
    ck_assert_uint_eq(outcome.alive, 1);
}
END_TEST

/* It is none for the child, and the other one is. */
START_TEST(a_descriptor_that_is_closed_meanwhile)
{
    struct parent_outcome outcome;

    set_fault("closing", 0);
    outcome = run_parent(_i, FALSE);
    ck_assert_uint_eq(outcome.exit_code, 0);
    ck_assert(outcome.ran);
}
END_TEST

/* Before Windows 8 a wait counts the time that the machine slept, and a deadline does not. */
START_TEST(g13_a_wait_that_ends_too_early_is_repeated)
{
    set_fault("slept", 0);
    ck_assert_uint_eq(run_parent(_i, TRUE).exit_code, 0);
}
END_TEST

/* ---- what a parent is told, or waits for ---- */

/* What the parent that is told this fault leaves; of a resident launcher, if it is to have started a child before. */
static DWORD what_parent_leaves_after(int width, const char *fault, const wchar_t *first)
{
    PROCESS_INFORMATION parent;
    wchar_t name[64], line[2048];
    HANDLE event;
    DWORD exit_code;

    swprintf(name, ARRAYSIZE(name), L"handoff-test-%lu-failing", GetCurrentProcessId());
    event = CreateEventW(NULL, TRUE, FALSE, name);
    swprintf(line, ARRAYSIZE(line), L"faulty-parent \"%ls\" %ls \"\\\"%ls\\\" signal {event}\" %ls",
             program(width, L"handoff-launcher.exe"), name, program(width, L"child.exe"), first);
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    parent = start_program(program(width, L"faulty-parent.exe"), line, 0);
    clear_fault();
    exit_code = finish_child(&parent);
    CloseHandle(event);
    return exit_code;
}

static DWORD what_parent_leaves(int width, const char *fault)
{
    return what_parent_leaves_after(width, fault, L"");
}

/* For a moment such a launcher refuses what is put into it, and is not signalled: that is its death all the same. What
 * is put into it are page, parent, two events and the pipe while it is started, and the parent's stream. */
START_TEST(g4_a_launcher_that_is_dying_is_no_fault_of_the_handles)
{
    enum { STARTED_WITH = 5, PUT = 6 };
    int width = _i;

    for (int at = 1; at <= PUT; at++) {
        DWORD stage = at <= STARTED_WITH ? HANDOFF_STAGE_LAUNCHER : HANDOFF_STAGE_EXCHANGE, found;
        char fault[32];

        snprintf(fault, sizeof fault, "dying %d", at);
        found = what_parent_leaves(width, fault);
        ck_assert_msg(found == (stage << 16 | ERROR_PROCESS_ABORTED), "%s: stage %lu, code %lu", fault, found >> 16,
                      found & 0xFFFF);
        snprintf(fault, sizeof fault, "denied %d", at);
        stage = at <= STARTED_WITH ? HANDOFF_STAGE_LAUNCHER : HANDOFF_STAGE_DUPLICATE;
        found = what_parent_leaves(width, fault);
        ck_assert_msg(found == (stage << 16 | ERROR_ACCESS_DENIED), "%s: stage %lu, code %lu", fault, found >> 16,
                      found & 0xFFFF);
    }
    assert_nobody_left();
}
END_TEST

/* Two minutes are said in handoff.h, and of the drop-in that CreateProcessW has no deadline. Some of them may have
 * passed before the first wait. */
START_TEST(deadlines_are_what_is_said)
{
    enum { TWO_MINUTES = 120000, PASSED = 60000 };
    DWORD patience = what_parent_leaves(_i, "patience");

    ck_assert_uint_le(patience, TWO_MINUTES);
    ck_assert_uint_gt(patience, TWO_MINUTES - PASSED);
    ck_assert_uint_eq(what_parent_leaves(_i, "dropin"), INFINITE);
    assert_nobody_left();
}
END_TEST

/* An event that announces an answer at each look, and there never is one, does not put the deadline off. */
START_TEST(g4_a_launcher_that_makes_noise)
{
    DWORD found = what_parent_leaves(_i, "noise");

    ck_assert_msg(found == (HANDOFF_STAGE_EXCHANGE << 16 | ERROR_TIMEOUT), "stage %lu, code %lu", found >> 16,
                  found & 0xFFFF);
    assert_nobody_left();
}
END_TEST

/* The thread can do nothing for that somebody any more, though Windows said of success. */
START_TEST(g13_a_token_that_comes_back_with_less_is_an_error)
{
    DWORD found = what_parent_leaves(_i, "lowered");

    ck_assert_msg(found == (HANDOFF_STAGE_IDENTITY << 16 | ERROR_NO_IMPERSONATION_TOKEN), "stage %lu, code %lu",
                  found >> 16, found & 0xFFFF);
    assert_nobody_left();
}
END_TEST

/* A launcher outside of its parent's job is good where a direct child would be outside too. */
START_TEST(g9_a_launcher_is_in_the_job_that_a_child_would_be_in)
{
    enum { REPLACED = 0x1000 };
    static const struct {
        const char *fault;
        DWORD code;
    } rows[] = {{"job silent", 0}, {"job kept", REPLACED}, {"job untold", 0}};
    wchar_t first[MAX_PATH];

    swprintf(first, ARRAYSIZE(first), L"\"\\\"%ls\\\" exit 0\"", program(OWN_WIDTH, L"child.exe"));
    ck_assert_uint_eq(what_parent_leaves_after(OWN_WIDTH, rows[_i].fault, first), rows[_i].code);
    assert_nobody_left();
}
END_TEST

Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *launchers = tcase_create("launchers");
    TCase *given = tcase_create("what a launcher is given");
    TCase *parents = tcase_create("parents");
    TCase *residents = tcase_create("parents of resident launchers");
    TCase *impersonation = tcase_create("impersonation");

    tcase_add_loop_test(launchers, g4_a_launcher_that_dies_or_hangs_at_each_call, 0, ARRAYSIZE(strikes));
    tcase_add_loop_test(launchers, g4_a_launcher_that_lies, 0, ARRAYSIZE(lies));
    tcase_add_loop_test(launchers, g11_a_launcher_of_another_version, 0, ARRAYSIZE(protocols));
    tcase_add_loop_test(launchers, g4_a_failure_out_of_every_range, 0, WIDTH_COUNT);
    tcase_add_loop_test(launchers, an_answer_that_is_announced_too_early, 0, WIDTH_COUNT);
    tcase_add_loop_test(launchers, g4_a_launcher_that_makes_noise, 0, WIDTH_COUNT);
    tcase_add_loop_test(launchers, deadlines_are_what_is_said, 0, WIDTH_COUNT);
    tcase_add_loop_test(launchers, g4_a_launcher_that_is_dying_is_no_fault_of_the_handles, 0, WIDTH_COUNT);
    suite_add_tcase(suite, launchers);
    tcase_add_loop_test(given, g3_a_launcher_that_is_not_given_its_page, 0, ARRAYSIZE(gifts));
    tcase_add_loop_test(given, g3_a_launcher_finds_its_page_among_others, 0, WIDTH_COUNT);
    tcase_add_loop_test(given, g11_a_request_that_is_none, 0, WIDTH_COUNT);
    tcase_add_loop_test(given, g11_a_library_of_another_version, 0, WIDTH_COUNT);
    tcase_add_loop_test(given, g4_g10_a_launcher_whose_console_closes_leaves_no_child, 0, 4);
    suite_add_tcase(suite, given);
    tcase_add_loop_test(parents, g5_a_parent_that_dies_before_each_call, 0, WIDTH_COUNT);
    tcase_add_loop_test(parents, g5_a_parent_that_dies_after_each_call, 0, WIDTH_COUNT);
    tcase_add_loop_test(parents, g5_the_child_is_suspended_until_the_parent_has_it, 0, WIDTH_COUNT);
    tcase_add_loop_test(parents, g1_no_handle_is_ever_inheritable, 0, WIDTH_COUNT);
    tcase_add_loop_test(parents, a_descriptor_that_is_closed_meanwhile, 0, WIDTH_COUNT);
    tcase_add_loop_test(parents, g4_a_parent_that_cannot_list_processes_says_so, 0, WIDTH_COUNT);
    suite_add_tcase(suite, parents);
    tcase_add_loop_test(impersonation, g9_g13_nothing_is_done_as_the_one_who_is_impersonated, 0, WIDTH_COUNT);
    tcase_add_loop_test(impersonation, g4_g13_a_thread_that_impersonates_cleans_up, 0, WIDTH_COUNT);
    tcase_add_loop_test(impersonation, g13_a_token_that_comes_back_with_less_is_an_error, 0, WIDTH_COUNT);
    suite_add_tcase(suite, impersonation);
    tcase_add_loop_test(residents, g9_a_launcher_is_in_the_job_that_a_child_would_be_in, 0, 3);
    tcase_add_loop_test(residents, g5_a_parent_of_a_resident_launcher_that_dies_at_each_call, 0, WIDTH_COUNT);
    tcase_add_loop_test(residents, g1_no_handle_is_ever_inheritable_with_a_resident_launcher, 0, WIDTH_COUNT);
    tcase_add_loop_test(residents, g13_a_wait_that_ends_too_early_is_repeated, 0, WIDTH_COUNT);
    suite_add_tcase(suite, residents);
    return suite;
}
