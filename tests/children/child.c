/*
 * The child of the tests: does the one thing that its first argument names. It knows nothing of
 * handoff and finds its handles by number, in its command line, as any program would.
 *
 *   line               writes its own command line, UTF-16, to stdout
 *   note               the same with a line break after it
 *   arguments          writes what Windows makes of its command line, UTF-16, a line break after each
 *   self               writes its own path, UTF-16
 *   exit CODE          ends with it
 *   table NUMBER...    repeats the numbers, lists its handle table, waits for the end of stdin
 *   signal NUMBER...   sets the events
 *   signal-variable NAME  sets the event whose number the environment variable has
 *   hold NUMBER        sets the event and stays
 *   load PATH          loads the DLL, and ends with what it says in the variable `outcome`
 *   read NUMBER        copies what the handle reads to stdout
 *   write NUMBER TEXT  writes the text to the handle
 *   variable NAME      writes the environment variable, UTF-16, to stdout
 *   environment        writes its environment block, UTF-16, to stdout
 *   place              writes its current directory and its window title, UTF-16, to stdout
 *   start              writes how it was started, a line of text to stdout
 *   descriptor NUMBER  copies what the C runtime's descriptor reads to stdout
 *   tell NUMBER TEXT... writes the text to the descriptor and closes it; then so on with the next two
 *   mode NUMBER...     writes of each file, pipe or socket whether it is "overlapped" or "synchronous"
 *   accept NUMBER      accepts one connection of the listening socket and writes "accepted" to it
 *   retire NAME NUMBER...  closes the handles and its streams, leaves its directory, waits for the event
 *   rest NAME          the same, after a thread of its own has come and gone
 *   echo [EVENT]       sets the named event, copies stdin to stdout
 *   family             starts a child that echoes, says so on stdout, and waits for it
 *   close NUMBER       closes the C runtime's descriptor, says "closed" on stdout, waits for the end of stdin
 *   repeat COUNT FLAGS LINE  runs the line again and again with these creation flags; ends with the number of
 *                      times that it did not end with 0
 *   standing           ends with what it has of its creator: the number of its privileges, 0x100 if it ignores Ctrl-C,
 *                      0x200 if its integrity is low, and the size of its default DACL in the upper half
 *   streams [EVENT]    waits for the named event; ends with what its streams are, a hexadecimal digit for each:
 *                      0 NULL, 1 INVALID_HANDLE_VALUE, 2 not open, 3 of a console, 4 another
 *   pry PID TID        tries to open the process, and the thread, with each right, and writes which it got, in bits
 *   rob PID PARENT NUMBER  takes that handle out of the parent, by the handle of the parent that the process has, and
 *                      says how far it came on stdout
 *   console [EVENT]    says "ready" on stdout or sets the named event, and stays until Ctrl-C or Ctrl-Break ends
 *                      it with 1000 and 1001
 *   session EVENT LINE runs the line; presses Ctrl-C (0) or Ctrl-Break (1) on its console for each
 *                      byte from stdin; ends with the line's exit code, or with 2 if
 *                      the key cannot be pressed
 *   terminal EVENT LINE  the same with the console for the line's streams
 */
#include <winsock2.h>

#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle_table.h"
#include "parameter.h"

/* A '*' in a line is no pattern: mingw's start-up code would look through the current directory. */
int _dowildcard = 0;

static HANDLE parse_handle(const char *number)
{
    return (HANDLE)(INT_PTR)(int)strtoul(number, NULL, 10);
}

static BOOL write_all(HANDLE to, const void *bytes, DWORD size)
{
    DWORD written;

    return WriteFile(to, bytes, size, &written, NULL) && written == size;
}

static int copy_all(HANDLE from, HANDLE to)
{
    char buffer[4096];
    DWORD read;

    while (ReadFile(from, buffer, sizeof buffer, &read, NULL) && read > 0) {
        if (!write_all(to, buffer, read))
            return 1;
    }
    return 0;
}

static int list_table(int count, char **numbers)
{
    struct table *table = query_table();
    char line[64];

    if (table == NULL)
        return 1;
    snprintf(line, sizeof line, "pid %lu\n", GetCurrentProcessId());
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "told %s\n", numbers[i]);
        write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    }
    for (ULONG_PTR i = 0; i < table->count; i++) {
        const struct table_entry *entry = &table->entries[i];

        if (entry->process_id != GetCurrentProcessId())
            continue;
        snprintf(line, sizeof line, "has %u %u\n", (unsigned)entry->handle, entry->type);
        write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    }
    free_table(table);
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), "end\n", 4);
    copy_all(GetStdHandle(STD_INPUT_HANDLE), GetStdHandle(STD_OUTPUT_HANDLE));
    return 0;
}

static int set_all(int count, char **numbers)
{
    for (int i = 0; i < count; i++) {
        if (!SetEvent(parse_handle(numbers[i])))
            return 1;
    }
    return 0;
}

static int hold(HANDLE event)
{
    SetEvent(event);
    Sleep(INFINITE);
    return 0;
}

static int copy_descriptor(int descriptor)
{
    char buffer[4096];
    int size;

    while ((size = _read(descriptor, buffer, sizeof buffer)) > 0) {
        if (!write_all(GetStdHandle(STD_OUTPUT_HANDLE), buffer, (DWORD)size))
            return 1;
    }
    return size < 0;
}

static int tell_all(int count, char **pairs)
{
    for (int i = 0; i + 1 < count; i += 2) {
        int descriptor = atoi(pairs[i]), size = (int)strlen(pairs[i + 1]);

        if (_write(descriptor, pairs[i + 1], (unsigned)size) != size || _close(descriptor) != 0)
            return 1;
    }
    return 0;
}

static int write_modes(int count, char **numbers)
{
    enum { FILE_MODE_INFORMATION = 16, SYNCHRONOUS = 0x10 | 0x20 /* FILE_SYNCHRONOUS_IO_ALERT, ..._NONALERT */ };
    LONG(WINAPI * query)
    (HANDLE, ULONG_PTR *, void *, ULONG, int) = (LONG(WINAPI *)(HANDLE, ULONG_PTR *, void *, ULONG, int))(
        void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationFile");
    ULONG_PTR status[2];
    ULONG mode;

    for (int i = 0; i < count; i++) {
        if (query(parse_handle(numbers[i]), status, &mode, sizeof mode, FILE_MODE_INFORMATION) < 0)
            return 1;
        printf("%s\n", (mode & SYNCHRONOUS) != 0 ? "synchronous" : "overlapped");
    }
    return 0;
}

static BOOL has_low_integrity(HANDLE token)
{
    static _Alignas(8) BYTE memory[128];
    const TOKEN_MANDATORY_LABEL *label = (const TOKEN_MANDATORY_LABEL *)(const void *)memory;
    DWORD size;

    return GetTokenInformation(token, TokenIntegrityLevel, memory, sizeof memory, &size) &&
           *GetSidSubAuthority(label->Label.Sid, 0) < SECURITY_MANDATORY_MEDIUM_RID;
}

static int tell_standing(void)
{
    static _Alignas(8) BYTE privileges[4096], list[4096];
    DWORD flags = (DWORD)(UINT_PTR)own_parameter(PARAMETER_CONSOLE_FLAGS), size;
    const TOKEN_DEFAULT_DACL *dacl = (const TOKEN_DEFAULT_DACL *)(const void *)list;
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) ||
        !GetTokenInformation(token, TokenPrivileges, privileges, sizeof privileges, &size) ||
        !GetTokenInformation(token, TokenDefaultDacl, list, sizeof list, &size))
        return -1;
    return (int)(*(const DWORD *)(const void *)privileges | (flags & 1) << 8 | (has_low_integrity(token) ? 0x200u : 0) |
                 (dacl->DefaultDacl != NULL ? (DWORD)dacl->DefaultDacl->AclSize << 16 : 0));
}

static UINT kind_of_stream(DWORD which)
{
    HANDLE stream = GetStdHandle(which);
    DWORD mode;

    if (stream == NULL || stream == INVALID_HANDLE_VALUE)
        return stream == NULL ? 0 : 1;
    if (!GetHandleInformation(stream, &mode))
        return 2;
    return GetConsoleMode(stream, &mode) ? 3 : 4;
}

static void end_with_streams(const char *event)
{
    if (event != NULL)
        WaitForSingleObject(OpenEventA(SYNCHRONIZE, FALSE, event), INFINITE);
    ExitProcess(kind_of_stream(STD_INPUT_HANDLE) << 8 | kind_of_stream(STD_OUTPUT_HANDLE) << 4 |
                kind_of_stream(STD_ERROR_HANDLE));
}

/* Generic rights, and all that processes and threads have. */
static int pry(DWORD process_id, DWORD thread_id)
{
    DWORD of_process = 0, of_thread = 0;

    for (DWORD bit = 1; bit != 0; bit <<= 1) {
        HANDLE process = OpenProcess(bit, FALSE, process_id), thread = OpenThread(bit, FALSE, thread_id);

        of_process |= process != NULL ? bit : 0;
        of_thread |= thread != NULL ? bit : 0;
        CloseHandle(process);
        CloseHandle(thread);
    }
    printf("%lx %lx\n", of_process, of_thread);
    return 0;
}

static int rob(DWORD process_id, DWORD parent_id, HANDLE number)
{
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, process_id), self = GetCurrentProcess(), parent, booty;
    BOOL found = FALSE, taken = FALSE;

    for (UINT_PTR there = 4; process != NULL && !found && there < 0x1000; there += 4) {
        if (!DuplicateHandle(process, (HANDLE)there, self, &parent, 0, FALSE, DUPLICATE_SAME_ACCESS))
            continue;
        found = GetProcessId(parent) == parent_id;
        taken = found &&
                DuplicateHandle(parent, number, self, &booty, 0, FALSE, DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE);
        CloseHandle(parent);
    }
    puts(process == NULL ? "closed" : taken ? "robbed" : found ? "reached" : "opened");
    return 0;
}

static int close_descriptor(int descriptor)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);

    return _close(descriptor) != 0 || !write_all(out, "closed\n", 7) || copy_all(GetStdHandle(STD_INPUT_HANDLE), out);
}

static void set_named(const char *event_name)
{
    HANDLE event = OpenEventA(EVENT_MODIFY_STATE, FALSE, event_name);

    SetEvent(event);
    CloseHandle(event);
}

static int echo(const char *event_name)
{
    if (event_name != NULL)
        set_named(event_name);
    return copy_all(GetStdHandle(STD_INPUT_HANDLE), GetStdHandle(STD_OUTPUT_HANDLE));
}

static int write_units(const wchar_t *units)
{
    return !write_all(GetStdHandle(STD_OUTPUT_HANDLE), units, (DWORD)(wcslen(units) * sizeof *units));
}

/* shell32.dll is loaded for this alone: it takes longer than all the rest of this program. */
static int write_arguments(void)
{
    wchar_t **(WINAPI * split)(const wchar_t *, int *) = (wchar_t * *(WINAPI *)(const wchar_t *, int *))(
        void *)GetProcAddress(LoadLibraryW(L"shell32.dll"), "CommandLineToArgvW");
    int count = 0;
    wchar_t **arguments = split(GetCommandLineW(), &count);

    for (int i = 0; i < count; i++) {
        if (write_units(arguments[i]) != 0 || write_units(L"\n") != 0)
            return 1;
    }
    return arguments == NULL;
}

static int write_self(void)
{
    wchar_t path[1024];

    return GetModuleFileNameW(NULL, path, 1024) == 0 || write_units(path);
}

static int write_environment(void)
{
    const wchar_t *block = GetEnvironmentStringsW(), *end = block;

    while (*end != L'\0')
        end += wcslen(end) + 1;
    return !write_all(GetStdHandle(STD_OUTPUT_HANDLE), block, (DWORD)((const char *)end - (const char *)block));
}

static int write_start(void)
{
    STARTUPINFOW startup;

    GetStartupInfoW(&startup);
    return printf("title %ls, flags 0x%lx, show %u, at %lu %lu, size %lu %lu, priority 0x%lx\n",
                  startup.lpTitle != NULL ? startup.lpTitle : L"", startup.dwFlags, startup.wShowWindow, startup.dwX,
                  startup.dwY, startup.dwXSize, startup.dwYSize, GetPriorityClass(GetCurrentProcess())) < 0;
}

static int write_variable(const char *name)
{
    wchar_t wide[64], value[1024];

    swprintf(wide, 64, L"%hs", name);
    return GetEnvironmentVariableW(wide, value, 1024) == 0 || write_units(value);
}

static int write_place(void)
{
    wchar_t text[1024];
    STARTUPINFOW startup;

    GetStartupInfoW(&startup);
    text[GetCurrentDirectoryW(512, text)] = L'\0';
    wcscat(text, L"|");
    wcscat(text, startup.lpTitle != NULL ? startup.lpTitle : L"");
    return write_units(text);
}

static int accept_one(SOCKET listener)
{
    WSADATA data;
    SOCKET peer;

    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return 1;
    peer = accept(listener, NULL, NULL);
    return peer == INVALID_SOCKET || send(peer, "accepted", 8, 0) != 8;
}

static int retire(const char *event_name, int count, char **numbers)
{
    static const DWORD streams[] = {STD_INPUT_HANDLE, STD_ERROR_HANDLE, STD_OUTPUT_HANDLE};
    HANDLE event = OpenEventA(SYNCHRONIZE, FALSE, event_name);
    char directory[MAX_PATH];

    if (event == NULL || GetSystemDirectoryA(directory, sizeof directory) == 0 || !SetCurrentDirectoryA(directory))
        return 1;
    for (int i = 0; i < count; i++) {
        if (!CloseHandle(parse_handle(numbers[i])))
            return 2;
    }
    for (int i = 0; i < 3; i++) {
        if (!CloseHandle(GetStdHandle(streams[i])))
            return 3;
    }
    return WaitForSingleObject(event, INFINITE) != WAIT_OBJECT_0;
}

static DWORD WINAPI come_and_go(void *nothing)
{
    (void)nothing;
    return 0;
}

static int rest(const char *event_name)
{
    HANDLE thread = CreateThread(NULL, 0, come_and_go, NULL, 0, NULL);

    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    return retire(event_name, 0, NULL);
}

/* With this process' streams. */
static BOOL start_line(char *line, DWORD creation_flags, PROCESS_INFORMATION *process)
{
    STARTUPINFOA startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = GetStdHandle(STD_INPUT_HANDLE),
                            .hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE),
                            .hStdError = GetStdHandle(STD_ERROR_HANDLE)};

    return CreateProcessA(NULL, line, NULL, NULL, TRUE, creation_flags, NULL, NULL, &startup, process);
}

static int raise_family(void)
{
    char path[1024], line[1100];
    PROCESS_INFORMATION child;

    GetModuleFileNameA(NULL, path, sizeof path);
    snprintf(line, sizeof line, "\"%s\" echo", path);
    if (!start_line(line, 0, &child))
        return 1;
    snprintf(line, sizeof line, "%lu %lu\n", GetCurrentProcessId(), child.dwProcessId);
    write_all(GetStdHandle(STD_OUTPUT_HANDLE), line, (DWORD)strlen(line));
    return WaitForSingleObject(child.hProcess, INFINITE) != WAIT_OBJECT_0;
}

static BOOL WINAPI end_with_event(DWORD event)
{
    ExitProcess(1000 + event);
}

static int wait_for_console_event(const char *event_name)
{
    SetConsoleCtrlHandler(end_with_event, TRUE);
    if (event_name == NULL)
        write_all(GetStdHandle(STD_OUTPUT_HANDLE), "ready\n", 6);
    else
        set_named(event_name);
    Sleep(INFINITE);
    return 0;
}

static BOOL WINAPI outlive_event(DWORD event)
{
    (void)event;
    return TRUE;
}

/* Presses the key for each byte from `keys`. */
static int hold_session(HANDLE keys, DWORD event, char *line)
{
    PROCESS_INFORMATION process;
    DWORD code = 0, read;
    char byte;

    SetConsoleCtrlHandler(outlive_event, TRUE);
    if (!start_line(line, 0, &process))
        return 1;
    while (ReadFile(keys, &byte, 1, &read, NULL) && read == 1) {
        if (!GenerateConsoleCtrlEvent(event, 0))
            TerminateProcess(process.hProcess, 1);
    }
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    ExitProcess(code);
}

static void use_console(DWORD stream, const char *name)
{
    SECURITY_ATTRIBUTES inherited = {.nLength = sizeof inherited, .bInheritHandle = TRUE};

    SetStdHandle(stream, CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                                     OPEN_EXISTING, 0, NULL));
}

static int hold_terminal(DWORD event, char *line)
{
    HANDLE keys = GetStdHandle(STD_INPUT_HANDLE);

    use_console(STD_INPUT_HANDLE, "CONIN$");
    use_console(STD_OUTPUT_HANDLE, "CONOUT$");
    use_console(STD_ERROR_HANDLE, "CONOUT$");
    return hold_session(keys, event, line);
}

static int repeat(int count, DWORD creation_flags, char *line)
{
    PROCESS_INFORMATION process;
    int failed = count;
    DWORD code;

    while (count-- > 0 && start_line(line, creation_flags, &process)) {
        WaitForSingleObject(process.hProcess, INFINITE);
        failed -= GetExitCodeProcess(process.hProcess, &code) && code == 0;
        CloseHandle(process.hProcess);
        CloseHandle(process.hThread);
    }
    return failed;
}

static int load(const char *path)
{
    HMODULE module = LoadLibraryA(path);
    const DWORD *outcome = module != NULL ? (const DWORD *)(void *)GetProcAddress(module, "outcome") : NULL;

    return outcome != NULL ? (int)*outcome : (int)GetLastError();
}

/* The rest of the command line after so many arguments behind the action. */
static char *line_behind(const char *action, int arguments)
{
    char *at = strstr(GetCommandLineA(), action) + strlen(action);

    for (; arguments > 0; arguments--)
        at = strchr(at + 1, ' ');
    return at + 1;
}

int main(int argc, char **argv)
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    const char *action = argc > 1 ? argv[1] : "";
    HANDLE handle = argc > 2 ? parse_handle(argv[2]) : NULL;

    if (strcmp(action, "line") == 0)
        return write_units(GetCommandLineW());
    if (strcmp(action, "place") == 0)
        return write_place();
    if (strcmp(action, "table") == 0)
        return list_table(argc - 2, argv + 2);
    if (strcmp(action, "note") == 0)
        return write_units(GetCommandLineW()) || write_units(L"\n");
    if (strcmp(action, "arguments") == 0)
        return write_arguments();
    if (strcmp(action, "self") == 0)
        return write_self();
    if (strcmp(action, "environment") == 0)
        return write_environment();
    if (strcmp(action, "start") == 0)
        return write_start();
    if (strcmp(action, "echo") == 0)
        return echo(argc > 2 ? argv[2] : NULL);
    if (strcmp(action, "standing") == 0)
        ExitProcess((UINT)tell_standing());
    if (strcmp(action, "streams") == 0)
        end_with_streams(argc > 2 ? argv[2] : NULL);
    if (strcmp(action, "family") == 0)
        return raise_family();
    if (strcmp(action, "console") == 0)
        return wait_for_console_event(argc > 2 ? argv[2] : NULL);
    if (argc < 3)
        return 2;
    if (strcmp(action, "session") == 0)
        return hold_session(GetStdHandle(STD_INPUT_HANDLE), (DWORD)atoi(argv[2]), line_behind(" session", 1));
    if (strcmp(action, "terminal") == 0)
        return hold_terminal((DWORD)atoi(argv[2]), line_behind(" terminal", 1));
    if (strcmp(action, "repeat") == 0)
        return repeat(atoi(argv[2]), (DWORD)atoi(argv[3]), line_behind(" repeat", 2));
    if (strcmp(action, "close") == 0)
        return close_descriptor(atoi(argv[2]));
    if (strcmp(action, "tell") == 0)
        return tell_all(argc - 2, argv + 2);
    if (strcmp(action, "mode") == 0)
        return write_modes(argc - 2, argv + 2);
    if (strcmp(action, "retire") == 0)
        return retire(argv[2], argc - 3, argv + 3);
    if (strcmp(action, "rest") == 0)
        return rest(argv[2]);
    if (strcmp(action, "pry") == 0)
        return argc != 4 ? 2 : pry(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
    if (strcmp(action, "rob") == 0)
        return argc != 5 ? 2 : rob(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), parse_handle(argv[4]));
    if (strcmp(action, "exit") == 0)
        ExitProcess(strtoul(argv[2], NULL, 0));
    if (strcmp(action, "variable") == 0)
        return write_variable(argv[2]);
    if (strcmp(action, "signal") == 0)
        return set_all(argc - 2, argv + 2);
    if (strcmp(action, "signal-variable") == 0)
        return getenv(argv[2]) == NULL || !SetEvent(parse_handle(getenv(argv[2])));
    if (strcmp(action, "hold") == 0)
        return hold(handle);
    if (strcmp(action, "load") == 0)
        return load(argv[2]);
    if (strcmp(action, "descriptor") == 0)
        return copy_descriptor(atoi(argv[2]));
    if (strcmp(action, "read") == 0)
        return copy_all(handle, out);
    if (strcmp(action, "write") == 0)
        return argc < 4 || !write_all(handle, argv[3], (DWORD)strlen(argv[3]));
    if (strcmp(action, "accept") == 0)
        return accept_one((SOCKET)handle);
    return 2;
}
