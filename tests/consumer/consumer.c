/*
 * A program of somebody else's that uses the library: built against the installed one, in C and in C++, in each way
 * that there is (../scripts/installed.sh). It calls every function, since each is a name of its own to the linker.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <handoff.h>

/* Ends the program if a call that has to succeed did not. */
static void need(BOOL holds, const char *what)
{
    if (holds)
        return;
    printf("%s: error %lu\n", what, GetLastError());
    exit(1);
}

static DWORD finish(PROCESS_INFORMATION *child)
{
    DWORD code = 0;

    WaitForSingleObject(child->hProcess, INFINITE);
    GetExitCodeProcess(child->hProcess, &code);
    CloseHandle(child->hProcess);
    CloseHandle(child->hThread);
    return code;
}

static void pass_a_pipe(struct handoff_launcher *resident)
{
    HANDLE end, write;
    struct handoff_pass pass;
    struct handoff_request request;
    PROCESS_INFORMATION child;
    char text[16];
    DWORD size = 0;

    memset(&pass, 0, sizeof pass);
    memset(&request, 0, sizeof request);
    need(CreatePipe(&end, &write, NULL, 0), "CreatePipe");
    pass.handle = write;
    pass.streams = HANDOFF_STDOUT;
    request.cb = sizeof request;
    request.command_line = L"cmd /c echo passed";
    request.passes = &pass;
    request.pass_count = 1;
    request.resident = resident;
    need(handoff_spawn(&request, &child, NULL), "handoff_spawn");
    CloseHandle(write);
    need(ReadFile(end, text, sizeof text, &size, NULL) && size >= 6 && memcmp(text, "passed", 6) == 0, "the pipe");
    need(finish(&child) == 0, "the child");
    CloseHandle(end);
}

static void fail_to_spawn(void)
{
    struct handoff_request request;
    struct handoff_error error;
    PROCESS_INFORMATION child;
    wchar_t text[256];

    memset(&request, 0, sizeof request);
    request.cb = sizeof request;
    request.command_line = L"no-such-program";
    need(!handoff_spawn(&request, &child, &error) && error.stage == HANDOFF_STAGE_FIND, "the stage");
    need(handoff_error_text(&error, text, 256) == wcslen(text), "handoff_error_text");
}

static void drop_in(void)
{
    STARTUPINFOW wide;
    STARTUPINFOA narrow;
    PROCESS_INFORMATION child;

    memset(&wide, 0, sizeof wide);
    memset(&narrow, 0, sizeof narrow);
    wide.cb = sizeof wide;
    narrow.cb = sizeof narrow;
    need(handoff_CreateProcessW(NULL, L"cmd /c exit 7", NULL, NULL, TRUE, 0, NULL, NULL, &wide, &child),
         "handoff_CreateProcessW");
    need(finish(&child) == 7, "the exit code");
    need(handoff_CreateProcessA(NULL, "cmd /c exit 8", NULL, NULL, TRUE, 0, NULL, NULL, &narrow, &child),
         "handoff_CreateProcessA");
    need(finish(&child) == 8, "the exit code");
}

/* The types are those of the SDK's CreateProcess, by UNICODE. */
static void drop_in_as_the_sdk_names_it(void)
{
    BOOL(WINAPI * create)
    (LPCTSTR, LPCTSTR, LPSECURITY_ATTRIBUTES, LPSECURITY_ATTRIBUTES, BOOL, DWORD, LPVOID, LPCTSTR, LPSTARTUPINFO,
     LPPROCESS_INFORMATION) = handoff_CreateProcess;

    need(!create(NULL, NULL, NULL, NULL, TRUE, 0, NULL, NULL, NULL, NULL) && GetLastError() == ERROR_INVALID_PARAMETER,
         "a call of nothing");
}

static void offer(void)
{
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL), taken = NULL;
    struct handoff_offering *offering = handoff_offer(event, token);

    need(offering != NULL, "handoff_offer");
    need(handoff_take(token, &taken) && SetEvent(taken) && WaitForSingleObject(event, 0) == WAIT_OBJECT_0,
         "handoff_take");
    need(!handoff_withdraw(offering), "handoff_withdraw");
    CloseHandle(taken);
    CloseHandle(event);
}

int main(void)
{
    struct handoff_launcher *launcher = handoff_launcher_open(NULL, NULL);

    need(launcher != NULL, "handoff_launcher_open");
    handoff_launcher_limit(launcher, 2);
    handoff_launcher_default(launcher);
    pass_a_pipe(launcher);
    drop_in();
    drop_in_as_the_sdk_names_it();
    handoff_launcher_default(NULL);
    handoff_launcher_close(launcher);
    pass_a_pipe(NULL);
    fail_to_spawn();
    offer();
    printf("handoff %s\n", handoff_version());
    return 0;
}
