/*
 * Every OS call of a spawn fails once (G4): call 1 of the library, call 2, and so on until none is left to fail;
 * then those of the launcher. See counted.h, and rounds.h for what must hold then.
 */
#include "rounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

enum { SAID = 1 << 16 };

/* ---- what is passed ---- */

/* A list of rights by which everybody may do everything. */
static struct {
    SECURITY_DESCRIPTOR_RELATIVE descriptor;
    ACL list;
    ACCESS_ALLOWED_ACE entry;
    DWORD everybody[2];
} described = {.descriptor = {.Revision = SECURITY_DESCRIPTOR_REVISION,
                              .Control = SE_SELF_RELATIVE | SE_DACL_PRESENT,
                              .Dacl = sizeof(SECURITY_DESCRIPTOR_RELATIVE)},
               .list = {.AclRevision = ACL_REVISION, .AceCount = 1, .AclSize = sizeof(ACL) + 20},
               .entry = {.Header = {.AceSize = 20}, .Mask = PROCESS_ALL_ACCESS, .SidStart = 0x0101},
               .everybody = {0x01000000, SECURITY_WORLD_RID}};
static const SECURITY_ATTRIBUTES security = {.nLength = sizeof security, .lpSecurityDescriptor = &described};

static HANDLE event, null, low;
static char ansi_environment[SAID];
static char said[SAID];
static DWORD said_size;

static void make_handles(void)
{
    event = make_event();
    null = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    ck_assert(null != INVALID_HANDLE_VALUE);
}

static void close_handles(void)
{
    CloseHandle(event);
    CloseHandle(null);
}

/* Whatever happened to the call, its handles are the caller's. */
static void assert_intact(HANDLE handle)
{
    DWORD flags = 1;

    assert_round(GetHandleInformation(handle, &flags));
    assert_round(flags == 0);
}

static void assert_carries(HANDLE write, HANDLE read)
{
    char byte = 'x';
    DWORD size;

    assert_round(WriteFile(write, &byte, 1, &size, NULL));
    assert_round(ReadFile(read, &byte, 1, &size, NULL) && size == 1);
}

/* Where the lines that the child says of its handles end and its environment begins. */
static const char *after_lines(const char *text, int lines)
{
    for (; lines > 0; lines--) {
        text = strchr(text, '\n');
        assert_round(text != NULL);
        text++;
    }
    return text;
}

/* In the child's environment is the number, or any that is a handle's. */
static void assert_variable(const char *environment, DWORD number)
{
    static wchar_t units[SAID];
    const wchar_t *at = units;
    unsigned long found = 0;

    memcpy(units, environment, said_size - (size_t)(environment - said));
    while (*at != L'\0' && swscanf(at, L"HANDOFF_SHOWN=%lu", &found) != 1)
        at += wcslen(at) + 1;
    ck_assert_msg(number != 0 ? found == number : found > 1, "%s: the child has %lu for its handle, not %lu",
                  round_name, found, number);
}

/* What the child looks at: the handles that it was given, and the streams that it was not. */
static const wchar_t arguments[] = L"- handle {h} signal {h} fd 3 of 3 fd 0 fd 2 environment";
enum { GIVEN_LINES = 3, STREAM_LINES = 2 };

static BOOL said_given(const char *h, int is_device)
{
    char expected[128];

    snprintf(expected, sizeof expected, "%s\nfd 3 device binary tty=%d type=2\ninheritable\n", h, is_device);
    return strncmp(said, expected, strlen(expected)) == 0;
}

/* Of what it was given it says what is true; what cannot be told to be a device, be it this or another, is a file to
 * it. */
static void assert_given(const char *h)
{
    ck_assert_msg(said_given(h, 1) || (strcmp(of_launcher->failed, "GetFileType") == 0 && said_given(h, 0)),
                  "%s: the child said\n%s", round_name, said);
}

/* Of the streams, which are those of the test or of a prefix, it says the same as when nothing failed. */
static void assert_streams(const char *streams, size_t length)
{
    static char usual[128];

    if (of_library->fail_at == 0 && of_launcher->fail_at == 0)
        snprintf(usual, sizeof usual, "%.*s", (int)length, streams);
    ck_assert_msg(length == strlen(usual) && strncmp(streams, usual, length) == 0, "%s: the child said\n%s", round_name,
                  said);
}

static void assert_said(const char *h, DWORD number)
{
    const char *streams = after_lines(said, GIVEN_LINES), *environment = after_lines(streams, STREAM_LINES);

    assert_given(h);
    assert_streams(streams, (size_t)(environment - streams));
    assert_variable(environment, number);
}

/* Whether the call came to an end or not, the handles are still the caller's, and carry what they carried. */
static void assert_not_passed(HANDLE write, HANDLE read)
{
    assert_round(!is_set(event));
    assert_carries(write, read);
    CloseHandle(write);
    CloseHandle(read);
}

static void assert_passed(HANDLE write, HANDLE read, PROCESS_INFORMATION *child)
{
    CloseHandle(write);
    said_size = read_all(read, said, SAID);
    assert_round(finish_child(child) == 0);
}

static wchar_t *child_line(int width, const wchar_t *after)
{
    static wchar_t line[2048];

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" %ls", program(width, L"descriptor-child.exe"), after);
    return line;
}

/* ---- handoff_spawn() ---- */

static struct outcome spawn_through(struct handoff_launcher *resident, int width, DWORD flags)
{
    HANDLE read, write;
    DWORD numbers[4];
    struct handoff_pass passes[] = {{.name = L"h", .handle = event, .flags = HANDOFF_SEALED | flags},
                                    {.streams = HANDOFF_STDOUT},
                                    {.handle = null, .descriptor = 3},
                                    {.handle = low, .flags = HANDOFF_SAME_NUMBER}};
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = child_line(width, arguments),
                                      .variables = L"HANDOFF_SHOWN={h}\0",
                                      .passes = passes,
                                      .pass_count = flags != 0 ? 4 : 3,
                                      .numbers = numbers,
                                      .launcher = program(OWN_WIDTH, L"calls-launcher.exe"),
                                      .resident = resident,
                                      .process_security = &security};
    PROCESS_INFORMATION child;
    struct handoff_error error;
    struct outcome outcome;

    make_pipe(&read, &write);
    passes[1].handle = write;
    ResetEvent(event);
    outcome.done = handoff_spawn(&request, &child, &error);
    outcome.stage = error.stage;
    outcome.code = error.code;
    assert_round(GetLastError() == error.code && error.unreclaimed == 0);
    assert_intact(event);
    assert_intact(null);
    assert_intact(write);
    if (outcome.done) {
        assert_passed(write, read, &child);
        assert_round(is_set(event));
        assert_said("not inheritable", numbers[0]);
        assert_round(flags == 0 || numbers[0] == number_of(event));
    } else {
        assert_round(child.hProcess == NULL && child.hThread == NULL && child.dwProcessId == 0);
        assert_not_passed(write, read);
    }
    return outcome;
}

static struct outcome spawn_once(void)
{
    return spawn_through(NULL, OWN_WIDTH, 0);
}

/* Whether that launcher can start a child that has the handle under its number. */
static BOOL can_keep(HANDLE handle, const wchar_t *launcher, const char *fault)
{
    struct handoff_pass pass = {.handle = handle, .flags = HANDOFF_SAME_NUMBER};
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = child_line(OWN_WIDTH, L"-"),
                                      .passes = &pass,
                                      .pass_count = 1,
                                      .launcher = program(OWN_WIDTH, launcher)};
    PROCESS_INFORMATION child;
    struct handoff_error error;
    BOOL done;

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    done = spawn_patiently(&request, &child, &error);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    if (done)
        finish_child(&child);
    return done;
}

/* One that has a number of the launcher's own, so that it must be put into the child: something of the test's start. */
static HANDLE find_low(void)
{
    DWORD number = 4;

    while (number < 0x100 && (!can_keep((HANDLE)(UINT_PTR)number, L"handoff-launcher.exe", NULL) ||
                              can_keep((HANDLE)(UINT_PTR)number, L"faulty-launcher.exe", "nowhere")))
        number += 4;
    assert_round(number < 0x100);
    return (HANDLE)(UINT_PTR)number;
}

/* In the launcher's table, and in the child's. */
static struct outcome spawn_keeping(void)
{
    if (low == NULL)
        low = find_low();
    return spawn_through(NULL, OWN_WIDTH, HANDOFF_SAME_NUMBER);
}

static struct outcome spawn_without_list(void)
{
    of_launcher->no_list = TRUE;
    return spawn_once();
}

static struct outcome spawn_other_width(void)
{
    return spawn_through(NULL, OTHER_WIDTH, 0);
}

/* The launcher among them. */
static DWORD count_children(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    DWORD count = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry))
        count += entry.th32ParentProcessID == GetCurrentProcessId();
    CloseHandle(snapshot);
    return count;
}

/* Whatever failed, the next spawn does not. */
static struct outcome spawn_resident(void)
{
    struct handoff_error error = {0};
    struct handoff_launcher *resident = handoff_launcher_open(program(OWN_WIDTH, L"calls-launcher.exe"), &error);
    struct outcome outcome = {FALSE, error.stage, error.code};

    if (resident == NULL) {
        assert_round(count_children() == 0);
        return outcome;
    }
    outcome = spawn_through(resident, OWN_WIDTH, 0);
    if (!outcome.done && outcome.code != ERROR_INTERNAL_ERROR)
        assert_round(spawn_through(resident, OWN_WIDTH, 0).done);
    handoff_launcher_close(resident);
    return outcome;
}

/* Whatever fails, the thread goes on as whom it impersonates, or is told that it does not; or that this is not
 * known. */
static struct outcome impersonate(scenario *once)
{
    struct outcome outcome;
    HANDLE token;
    BOOL lasts;

    assert_round(ImpersonateSelf(SecurityImpersonation));
    outcome = once();
    lasts = OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, &token);
    if (lasts)
        CloseHandle(token);
    assert_round(RevertToSelf());
    assert_round(lasts || outcome.stage == HANDOFF_STAGE_IDENTITY);
    assert_round(!lasts || outcome.stage != HANDOFF_STAGE_IDENTITY ||
                 strcmp(of_library->failed, "NtSetInformationThread") != 0);
    return outcome;
}

static struct outcome spawn_impersonating(void)
{
    return impersonate(spawn_once);
}

static struct outcome spawn_resident_impersonating(void)
{
    return impersonate(spawn_resident);
}

/* ---- offers ---- */

static struct outcome offer_and_take(void)
{
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);
    struct outcome outcome = {offering != NULL, 0, GetLastError()};
    HANDLE taken = NULL;

    if (offering == NULL) {
        assert_intact(event);
        return outcome;
    }
    outcome.done = handoff_take(token, &taken);
    outcome.code = GetLastError();
    ResetEvent(event);
    if (outcome.done) {
        assert_round(SetEvent(taken) && CloseHandle(taken));
        assert_round(is_set(event));
    }
    assert_round(!handoff_withdraw(offering) || !outcome.done);
    assert_intact(event);
    return outcome;
}

static struct outcome offer_and_withdraw(void)
{
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);
    struct outcome outcome = {offering != NULL, 0, GetLastError()};

    if (offering != NULL)
        assert_round(handoff_withdraw(offering));
    assert_intact(event);
    return outcome;
}

/* ---- handoff_CreateProcessW() ---- */

static struct outcome create_process(BOOL inherit)
{
    _Alignas(16) char attributes[256];
    SIZE_T size = sizeof attributes;
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES},
                              .lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)attributes};
    HANDLE read, write, listed[] = {event, null};
    wchar_t line[128];
    PROCESS_INFORMATION child;
    struct outcome outcome = {0};

    make_pipe(&read, &write);
    ResetEvent(event);
    startup.StartupInfo.hStdOutput = startup.StartupInfo.hStdError = write;
    startup.StartupInfo.hStdInput = null;
    ck_assert(InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size) &&
              UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, listed,
                                        sizeof listed, NULL, NULL));
    /* A name alone, which is looked for: this program lies beside it. */
    swprintf(line, ARRAYSIZE(line),
             inherit ? L"descriptor-child - signal {0x%x} environment" : L"descriptor-child - environment",
             (unsigned)(UINT_PTR)event);
    outcome.done = handoff_CreateProcessW(NULL, line, NULL, NULL, inherit, inherit ? EXTENDED_STARTUPINFO_PRESENT : 0,
                                          ansi_environment, NULL, &startup.StartupInfo, &child);
    outcome.code = GetLastError();
    assert_intact(event);
    assert_intact(null);
    assert_intact(write);
    if (outcome.done) {
        assert_passed(write, read, &child);
        assert_round(is_set(event) == inherit);
        if (inherit)
            assert_variable(said, 1);
    } else {
        assert_not_passed(write, read);
    }
    return outcome;
}

static struct outcome create_inheriting(void)
{
    return create_process(TRUE);
}

static struct outcome create_directly(void)
{
    return create_process(FALSE);
}

/* ---- the prefix ---- */

enum { EXIT_LOST = 122 /* all went well, but for what was to be written */ };

static struct result result;

/* With these the child runs, or has run, and only its exit code cannot be had. */
static BOOL is_wait(const char *function)
{
    return strcmp(function, "WaitForSingleObject") == 0 || strcmp(function, "WaitForMultipleObjects") == 0 ||
           strcmp(function, "GetExitCodeProcess") == 0;
}

/* The code in the one line that the prefix ends with. */
static DWORD told_code(void)
{
    const char *failed = of_launcher->failed, *code = strstr(result.err, "Win32 error ");

    if (is_wait(failed))
        return INJECTED;
    return code != NULL && strchr(code, '\n') == code + strlen(code) - 1 ? strtoul(code + 12, NULL, 0) : 0;
}

/* Steals one handle and copies another; opens a file, and where it waits holds a lock. */
static struct outcome run_prefix(HANDLE report, const wchar_t *options)
{
    HANDLE stolen = duplicate(event);
    wchar_t line[2048], more[MAX_PATH + 64];
    struct outcome outcome = {0};
    BOOL gone;

    ResetEvent(event);
    if (report != NULL)
        swprintf(more, ARRAYSIZE(more), L"--report %u", number_of(report));
    else
        swprintf(more, ARRAYSIZE(more), L"--wait 1h --lock \"%ls\" %ls", file_path(L"calls"), options);
    swprintf(line, ARRAYSIZE(line),
             L"--parent %lu --steal h=%u --copy n=%u --fd 3=n --fd 4=n --extend e=NUL --fd 5=e --env HANDOFF_SHOWN={h} "
             L"%ls -- %ls",
             GetCurrentProcessId(), number_of(stolen), number_of(null), more, child_line(OWN_WIDTH, arguments));
    ck_assert_msg(try_run(&result, program(OWN_WIDTH, L"calls-prefix.exe"), line), "the prefix does not start");
    DeleteFileW(file_path(L"calls"));
    outcome.done = result.exit_code == 0 || result.exit_code == EXIT_LOST;
    outcome.code = told_code();
    assert_round(result.exit_code != EXIT_LOST || outcome.code != 0);
    assert_round(outcome.done || result.exit_code == EXIT_HANDOFF || result.exit_code == EXIT_CANNOT_RUN ||
                 result.exit_code == EXIT_NOT_FOUND);
    gone = !is_open_for(stolen, event);
    if (!gone)
        CloseHandle(stolen);
    ck_assert_msg(gone == (result.exit_code != EXIT_HANDOFF), "%s: exit code %lu, but the handle is%s gone", round_name,
                  result.exit_code, gone ? "" : " not");
    ck_assert_msg(outcome.done == is_set(event) || is_wait(of_launcher->failed), "%s: exit code %lu, %s", round_name,
                  result.exit_code, result.err);
    assert_intact(event);
    assert_intact(null);
    return outcome;
}

static struct outcome wait_with(const wchar_t *options)
{
    struct outcome outcome = run_prefix(NULL, options);

    if (outcome.done) {
        said_size = min(result.out_size, SAID - 2);
        memcpy(said, result.out, said_size);
        said[said_size] = said[said_size + 1] = '\0';
        assert_said("inheritable", 0);
    }
    return outcome;
}

static struct outcome prefix_waiting(void)
{
    return wait_with(L"--kill-on-exit ");
}

static struct outcome prefix_waiting_for_all(void)
{
    return wait_with(L"--wait-tree --timeout 1h --trace=json:NUL ");
}

static struct outcome prefix_reporting(void)
{
    struct outcome outcome;
    HANDLE read, write;
    char report[1024];
    unsigned pid = 0, process = 0;

    make_pipe(&read, &write);
    outcome = run_prefix(write, L"");
    assert_intact(write);
    CloseHandle(write);
    read_all(read, report, sizeof report);
    if (sscanf(report, "pid=%u\nprocess=%u\n", &pid, &process) == 2) {
        assert_round(comes((HANDLE)(UINT_PTR)process));
        assert_round(CloseHandle((HANDLE)(UINT_PTR)process));
    }
    assert_round(outcome.done == (process != 0 && strstr(report, "error=") == NULL));
    return outcome;
}

/* ---- the suite ---- */

static const struct {
    const char *name;
    scenario *run;
    enum side side;
    BOOL launcher_fails;
} scenarios[] = {
    {"a spawn", spawn_once, LIBRARY, FALSE},
    {"a spawn", spawn_once, LAUNCHER, FALSE},
    {"a spawn that fails", spawn_once, LIBRARY, TRUE},
    {"a spawn without a handle list", spawn_without_list, LAUNCHER, FALSE},
    {"a spawn of the other width", spawn_other_width, LAUNCHER, FALSE},
    {"a spawn that keeps numbers", spawn_keeping, LAUNCHER, FALSE},
    {"a resident launcher", spawn_resident, LIBRARY, FALSE},
    {"a resident launcher", spawn_resident, LAUNCHER, FALSE},
    {"a thread that impersonates", spawn_impersonating, LIBRARY, FALSE},
    {"a thread that impersonates", spawn_resident_impersonating, LIBRARY, FALSE},
    {"CreateProcessW", create_inheriting, LIBRARY, FALSE},
    {"CreateProcessW without inheriting", create_directly, LIBRARY, FALSE},
    {"an offer", offer_and_take, LIBRARY, FALSE},
    {"a withdrawn offer", offer_and_withdraw, LIBRARY, FALSE},
    {"a prefix", prefix_waiting, LAUNCHER, FALSE},
    {"a prefix that waits for all", prefix_waiting_for_all, LAUNCHER, FALSE},
    {"a prefix that reports", prefix_reporting, LAUNCHER, FALSE},
};

static void fail_each_call_of(int i)
{
    test_allow(180);
    fail_each_call(scenarios[i].name, scenarios[i].run, scenarios[i].side, scenarios[i].launcher_fails);
}

START_TEST(g4_every_call_fails_once)
{
    fail_each_call_of(_i);
}
END_TEST

START_WIDTH_TEST(g4_every_call_of_the_other_width_fails_once)
{
    fail_each_call_of(_i);
}
END_TEST

static Suite *calls_suite(void)
{
    Suite *suite = suite_create("calls");
    TCase *tcase = NULL;

    for (int i = 0; i < (int)ARRAYSIZE(scenarios); i++) {
        if (i == 0 || strcmp(scenarios[i].name, scenarios[i - 1].name) != 0) {
            tcase = tcase_create(scenarios[i].name);
            tcase_add_checked_fixture(tcase, make_handles, close_handles);
            suite_add_tcase(suite, tcase);
        }
        if (scenarios[i].run == spawn_other_width)
            tcase_add_loop_test(tcase, g4_every_call_of_the_other_width_fails_once, i, i + 1);
        else
            tcase_add_loop_test(tcase, g4_every_call_fails_once, i, i + 1);
    }
    return suite;
}

/* The variable is another where it is not the child's own, and an ANSI block has it. */
static void make_environment(void)
{
    wchar_t *block;

    SetEnvironmentVariableA("HANDOFF_SHOWN", "1");
    block = GetEnvironmentStringsW();
    for (size_t i = 0; i < SAID - 2 && (i == 0 || block[i - 1] != L'\0' || block[i] != L'\0'); i++)
        ansi_environment[i] = (char)block[i];
    FreeEnvironmentStringsW(block);
}

int main(int argc, char **argv)
{
    static suite_maker *const suites[] = {calls_suite};

    share_calls();
    make_environment();
    return harness_run(argc, argv, suites, ARRAYSIZE(suites));
}
