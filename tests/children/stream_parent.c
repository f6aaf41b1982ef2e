/*
 * A parent that starts children with streams which are none: directly, and in each of handoff's ways.
 *
 *   stream-parent LAUNCHER HANDOFF CHILD
 *
 * Writes what the children have for stdin, stdout and stderr, a line for each way: "FLAGS STREAMS WAY WHAT DIRECTLY",
 * and " differs" behind it if that is not the same. WHAT is a digit for each stream, as "child.exe streams" ends with
 * it. Ends with 0 if all were started.
 */
#include <windows.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "handoff.h"
#include "parameter.h"

enum { FAILED = 0xFFF };

static const wchar_t *launcher_path, *prefix_path, *child_path;
static HANDLE out, file, inheritable_file;
static int failures;

static void write_line(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

static void write_line(const char *format, ...)
{
    char line[256];
    va_list arguments;
    DWORD size;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    WriteFile(out, line, (DWORD)strlen(line), &size, NULL);
}

static DWORD finish(BOOL started, PROCESS_INFORMATION *child)
{
    DWORD code = FAILED;

    if (!started) {
        write_line("error %lu\n", GetLastError());
        failures++;
        return FAILED;
    }
    WaitForSingleObject(child->hProcess, INFINITE);
    GetExitCodeProcess(child->hProcess, &code);
    CloseHandle(child->hProcess);
    CloseHandle(child->hThread);
    return code;
}

/* f: a file, n: NULL, i: INVALID_HANDLE_VALUE, s: a number that is not open, here or in the child. */
static HANDLE stream_of(char kind, HANDLE open)
{
    switch (kind) {
    case 'f': return open;
    case 'n': return NULL;
    case 'i': return INVALID_HANDLE_VALUE;
    default: return (HANDLE)0x7FF0;
    }
}

static STARTUPINFOW startup_of(const char *streams, HANDLE open)
{
    return (STARTUPINFOW){.cb = sizeof(STARTUPINFOW),
                          .dwFlags = STARTF_USESTDHANDLES,
                          .hStdInput = stream_of(streams[0], open),
                          .hStdOutput = stream_of(streams[1], open),
                          .hStdError = stream_of(streams[2], open)};
}

static void set_own(const char *streams, HANDLE open)
{
    SetStdHandle(STD_INPUT_HANDLE, stream_of(streams[0], open));
    SetStdHandle(STD_OUTPUT_HANDLE, stream_of(streams[1], open));
    SetStdHandle(STD_ERROR_HANDLE, stream_of(streams[2], open));
}

static DWORD start_directly(DWORD flags, STARTUPINFOW startup)
{
    wchar_t line[] = L"child streams";
    PROCESS_INFORMATION child;

    return finish(CreateProcessW(child_path, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &child), &child);
}

static DWORD drop_in(DWORD flags, STARTUPINFOW startup)
{
    PROCESS_INFORMATION child;

    return finish(
        handoff_CreateProcessW(child_path, L"child streams", NULL, NULL, TRUE, flags, NULL, NULL, &startup, &child),
        &child);
}

/* What is i is closed, and the rest the file. */
static DWORD spawn(DWORD flags, const char *streams)
{
    struct handoff_pass pass = {.handle = file};
    struct handoff_request request = {.cb = sizeof request,
                                      .application = child_path,
                                      .command_line = L"child streams",
                                      .creation_flags = flags,
                                      .launcher = launcher_path,
                                      .passes = &pass};
    PROCESS_INFORMATION child;

    for (int stream = 0; stream < 3; stream++)
        *(streams[stream] == 'i' ? &request.closed_streams : &pass.streams) |= 1u << stream;
    request.pass_count = pass.streams != 0;
    return finish(handoff_spawn(&request, &child, NULL), &child);
}

/* What is i has an empty name, and the rest are the prefix' own. It ends with the command's code, or writes its pid. */
static DWORD run_prefix(DWORD flags, const char *streams, const wchar_t *options, HANDLE output)
{
    static const wchar_t *const names[] = {L"stdin", L"stdout", L"stderr"};
    STARTUPINFOW startup = startup_of("fff", inheritable_file);
    PROCESS_INFORMATION child;
    wchar_t line[1024];

    swprintf(line, ARRAYSIZE(line), L"handoff %ls", options);
    for (int stream = 0; stream < 3; stream++) {
        if (streams[stream] == 'i')
            swprintf(line + wcslen(line), 64, L" --%ls \"\"", names[stream]);
    }
    swprintf(line + wcslen(line), 600, L" -- \"%ls\" streams %ls", child_path,
             output != NULL ? L"handoff-streams" : L"");
    if (output != NULL)
        startup.hStdOutput = output;
    return finish(CreateProcessW(prefix_path, line, NULL, NULL, TRUE, flags, NULL, NULL, &startup, &child), &child);
}

static DWORD run_detached(DWORD flags)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    HANDLE read, write, event = CreateEventW(NULL, TRUE, FALSE, L"handoff-streams"), process = NULL;
    DWORD size, code = FAILED;
    char text[32] = "";

    CreatePipe(&read, &write, &inheritable, 0);
    SetHandleInformation(read, HANDLE_FLAG_INHERIT, 0);
    run_prefix(flags, "fff", L"--detach", write);
    CloseHandle(write);
    if (ReadFile(read, text, sizeof text - 1, &size, NULL))
        process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, strtoul(text, NULL, 10));
    SetEvent(event);
    WaitForSingleObject(process, INFINITE);
    GetExitCodeProcess(process, &code);
    CloseHandle(process);
    CloseHandle(read);
    CloseHandle(event);
    return code;
}

static void compare(DWORD flags, const char *streams, const char *way, DWORD what, DWORD directly)
{
    write_line("0x%lx %s %s %03lx %03lx%s\n", flags, streams, way, what, directly, what != directly ? " differs" : "");
}

static void compare_given(DWORD flags, const char *streams, struct handoff_launcher *launcher)
{
    const char as_is[] = {streams[0] == 's' ? 'i' : streams[0], streams[1] == 's' ? 'i' : streams[1],
                          streams[2] == 's' ? 'i' : streams[2], '\0'};
    DWORD directly = start_directly(flags, startup_of(as_is, inheritable_file));

    handoff_launcher_default(NULL);
    compare(flags, streams, "drop-in", drop_in(flags, startup_of(streams, file)), directly);
    handoff_launcher_default(launcher);
    compare(flags, streams, "resident", drop_in(flags, startup_of(streams, file)), directly);
    if (strspn(streams, "fi") == 3) {
        compare(flags, streams, "request", spawn(flags, streams), directly);
        if ((flags & DETACHED_PROCESS) == 0)
            compare(flags, streams, "prefix", run_prefix(flags, streams, L"", NULL), directly);
    }
}

/* The parent's own, where the child is on its console. */
static void compare_own(const char *streams, struct handoff_launcher *launcher)
{
    DWORD directly;

    set_own(streams, inheritable_file);
    directly = start_directly(0, (STARTUPINFOW){.cb = sizeof(STARTUPINFOW)});
    handoff_launcher_default(NULL);
    set_own(streams, file);
    compare(0, streams, "own", drop_in(0, (STARTUPINFOW){.cb = sizeof(STARTUPINFOW)}), directly);
    handoff_launcher_default(launcher);
    compare(0, streams, "own-resident", drop_in(0, (STARTUPINFOW){.cb = sizeof(STARTUPINFOW)}), directly);
}

int wmain(int argc, wchar_t **argv)
{
    static const DWORD flags[] = {0, CREATE_NO_WINDOW, CREATE_NEW_CONSOLE, DETACHED_PROCESS};
    static const char *const streams[] = {"iii", "nnn", "sss", "fii", "iff", "fni", "inf", "nif", "snf", "fff"};
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};
    struct handoff_launcher *launcher;

    if (argc != 4)
        return 2;
    launcher_path = argv[1];
    prefix_path = argv[2];
    child_path = argv[3];
    out = GetStdHandle(STD_OUTPUT_HANDLE);
    SetHandleInformation(out, HANDLE_FLAG_INHERIT, 0);
    file = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
                       NULL);
    inheritable_file = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
                                   &inheritable, OPEN_EXISTING, 0, NULL);
    launcher = handoff_launcher_open(launcher_path, NULL);
    if (launcher == NULL)
        return 2;
    for (size_t i = 0; i < ARRAYSIZE(flags); i++) {
        for (size_t j = 0; j < ARRAYSIZE(streams); j++)
            compare_given(flags[i], streams[j], launcher);
    }
    compare(CREATE_NO_WINDOW, "iii", "detached", run_detached(0),
            start_directly(CREATE_NO_WINDOW, startup_of("iii", inheritable_file)));
    for (size_t j = 0; j < ARRAYSIZE(streams) && has_console(); j++) {
        if (strchr(streams[j], 's') == NULL)
            compare_own(streams[j], launcher);
    }
    handoff_launcher_close(launcher);
    return failures;
}
