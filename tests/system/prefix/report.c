/* --report: the parent knows the child before that runs. */
#include "prefix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

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
    assert_one_line(result.err);
    ck_assert_msg(strncmp(result.err, "handoff: cannot report to the parent", 36) == 0, "%s", result.err);
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

Suite *report_suite(void)
{
    const struct listed_test tests[] = {
        {the_report_has_the_child, "report", COMBINATIONS},
        {the_child_runs_only_after_the_report, "report", COMBINATIONS},
        {without_a_reader_the_child_never_runs, "report", COMBINATIONS},
        {a_failure_is_reported, "report", WIDTH_COUNT},
    };
    Suite *suite = suite_create("report");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
