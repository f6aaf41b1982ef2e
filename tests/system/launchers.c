#include "launchers.h"

#include <tlhelp32.h>

#include <wchar.h>

#include "closed.h"

struct handoff_trace trace;

struct handoff_launcher *open_launcher(int width, const wchar_t *name)
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

struct handoff_launcher *open_good(int width)
{
    return open_launcher(width, L"handoff-launcher.exe");
}

struct handoff_launcher *open_faulty(int width, const char *fault)
{
    struct handoff_launcher *launcher;

    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    launcher = open_launcher(width, L"faulty-launcher.exe");
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    return launcher;
}

struct handoff_request ask(struct handoff_launcher *launcher, int child_width, const wchar_t *arguments)
{
    struct handoff_request request = request_child(X64, child_width, arguments);

    request.launcher = L"C:\\not\\to\\be\\read.exe";
    request.resident = launcher;
    request.trace = &trace;
    return request;
}

/* The line mentions the event as {h}. */
static PROCESS_INFORMATION spawn_with_event(struct handoff_launcher *launcher, int width, const wchar_t *line,
                                            HANDLE event)
{
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = ask(launcher, width, line);

    request.passes = &pass;
    request.pass_count = 1;
    return spawn_or_fail(&request);
}

DWORD spawn_good(struct handoff_launcher *launcher, int width)
{
    HANDLE event = make_event();
    PROCESS_INFORMATION child = spawn_with_event(launcher, width, L"signal {h}", event);

    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    ck_assert(CloseHandle(event));
    return trace.launcher_id;
}

PROCESS_INFORMATION spawn_staying(struct handoff_launcher *launcher, int width)
{
    HANDLE event = make_event();
    PROCESS_INFORMATION child = spawn_with_event(launcher, width, L"hold {h}", event);

    ck_assert(comes(event));
    CloseHandle(event);
    return child;
}

BOOL is_alive(const PROCESS_INFORMATION *child)
{
    return WaitForSingleObject(child->hProcess, 0) == WAIT_TIMEOUT;
}

void end_staying(PROCESS_INFORMATION *child)
{
    ck_assert_msg(is_alive(child), "a child that had been committed was ended");
    ck_assert(TerminateProcess(child->hProcess, 0));
    finish_child(child);
}

DWORD count_programs(DWORD parent_id, const wchar_t *name)
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

void spawn_either(struct handoff_launcher *launcher, int width, BOOL fails)
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

void kill_process(DWORD process_id)
{
    HANDLE process = open_closed(OpenProcess, PROCESS_TERMINATE | SYNCHRONIZE, process_id);

    ck_assert(process != NULL && TerminateProcess(process, 1));
    ck_assert(comes(process));
    CloseHandle(process);
}
