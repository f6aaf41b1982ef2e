#include "system.h"

#include <tlhelp32.h>
#include <ws2tcpip.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "closed.h"
#include "handle_table.h"

enum { PATH_UNITS = 1024, LONG_LINE_UNITS = 70000, PATIENCE_MS = 30000 };

const wchar_t *const width_names[WIDTH_COUNT] = {L"x64", L"x86"};

/* The test program lies in build/WIDTH. */
const wchar_t *program(int width, const wchar_t *name)
{
    static wchar_t paths[32][PATH_UNITS];
    static SRWLOCK lock = SRWLOCK_INIT;
    wchar_t path[PATH_UNITS], *end;
    size_t i = 0;

    if (width != OWN_WIDTH && width == X86 && !has_x86()) {
        leave_out();
        width = OWN_WIDTH;
    }
    GetModuleFileNameW(NULL, path, PATH_UNITS);
    end = wcsrchr(path, L'\\');
    *end = L'\0';
    end = wcsrchr(path, L'\\') + 1;
    swprintf(end, (size_t)(path + PATH_UNITS - end), L"%ls\\%ls", width_names[width], name);
    AcquireSRWLockExclusive(&lock);
    while (i < ARRAYSIZE(paths) - 1 && paths[i][0] != L'\0' && wcscmp(paths[i], path) != 0)
        i++;
    wcscpy(paths[i], path);
    ReleaseSRWLockExclusive(&lock);
    return paths[i];
}

struct handoff_request request_child(int launcher_width, int child_width, const wchar_t *arguments)
{
    static __thread wchar_t line[LONG_LINE_UNITS];
    static __thread wchar_t launcher[PATH_UNITS];

    swprintf(launcher, PATH_UNITS, L"%ls", program(launcher_width, L"handoff-launcher.exe"));
    swprintf(line, LONG_LINE_UNITS, L"\"%ls\" %ls", program(child_width, L"child.exe"), arguments);
    return (struct handoff_request){.cb = sizeof(struct handoff_request), .command_line = line, .launcher = launcher};
}

BOOL comes(HANDLE object)
{
    return WaitForSingleObject(object, patience_ms(PATIENCE_MS)) == WAIT_OBJECT_0;
}

DWORD finish_child(PROCESS_INFORMATION *child)
{
    DWORD code = 0;

    ck_assert_msg(comes(child->hProcess), "the child does not end");
    ck_assert(GetExitCodeProcess(child->hProcess, &code));
    ck_assert(CloseHandle(child->hProcess) && CloseHandle(child->hThread));
    return code;
}

PROCESS_INFORMATION start_program(const wchar_t *path, wchar_t *line, DWORD creation_flags)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = ERROR_INTERNAL_ERROR;

    for (int tries = 0; tries < START_TRIES && code == ERROR_INTERNAL_ERROR; tries++) {
        if (CreateProcessW(path, line, NULL, NULL, FALSE, creation_flags, NULL, NULL, &startup, &process))
            return process;
        code = GetLastError();
    }
    ck_abort_msg("%ls does not start: error %lu", path, code);
    return process;
}

BOOL spawn_patiently(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    for (int tries = 0; tries < START_TRIES; tries++) {
        if (handoff_spawn(request, child, error))
            return TRUE;
        if (error->code != ERROR_INTERNAL_ERROR)
            return FALSE;
    }
    return FALSE;
}

PROCESS_INFORMATION spawn_or_fail(const struct handoff_request *request)
{
    PROCESS_INFORMATION child;
    struct handoff_error error;

    if (!spawn_patiently(request, &child, &error)) {
        wchar_t text[512];

        handoff_error_text(&error, text, ARRAYSIZE(text));
        ck_abort_msg("%ls", text);
    }
    return child;
}

static char *read_to_end(HANDLE from, DWORD *size)
{
    DWORD capacity = 1 << 16, read;
    char *bytes = malloc(capacity + 2);

    *size = 0;
    while (ReadFile(from, bytes + *size, capacity - *size, &read, NULL) && read > 0) {
        *size += read;
        if (*size == capacity)
            bytes = realloc(bytes, (capacity *= 2) + 2);
    }
    bytes[*size] = bytes[*size + 1] = '\0';
    return bytes;
}

char *spawn_reading(struct handoff_request *request, DWORD *size, DWORD *exit_code)
{
    struct handoff_pass passes[64];
    PROCESS_INFORMATION child;
    HANDLE read, write;
    char *bytes;

    make_pipe(&read, &write);
    ck_assert_uint_lt(request->pass_count, ARRAYSIZE(passes));
    for (DWORD i = 0; i < request->pass_count; i++)
        passes[i] = request->passes[i];
    passes[request->pass_count] = (struct handoff_pass){.handle = write, .streams = HANDOFF_STDOUT};
    request->passes = passes;
    request->pass_count++;
    child = spawn_or_fail(request);
    request->passes = NULL;
    CloseHandle(write);
    bytes = read_to_end(read, size);
    CloseHandle(read);
    *exit_code = finish_child(&child);
    return bytes;
}

static BOOL start_with_list(wchar_t *line, STARTUPINFOEXW *startup, DWORD creation_flags, const wchar_t *environment,
                            const wchar_t *directory, PROCESS_INFORMATION *process)
{
    HANDLE listed[3] = {startup->StartupInfo.hStdInput, startup->StartupInfo.hStdOutput,
                        startup->StartupInfo.hStdError};
    DWORD count = listed[1] != listed[2] ? 3 : 2;

    for (DWORD i = 0; i < count; i++)
        SetHandleInformation(listed[i], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    return UpdateProcThreadAttribute(startup->lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, listed,
                                     count * sizeof *listed, NULL, NULL) &&
           CreateProcessW(NULL, line, NULL, NULL, TRUE,
                          creation_flags | EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT,
                          (void *)(UINT_PTR)environment, directory, &startup->StartupInfo, process);
}

BOOL start_with(wchar_t *line, const STARTUPINFOW *startup, DWORD creation_flags, const wchar_t *environment,
                const wchar_t *directory, PROCESS_INFORMATION *process)
{
    _Alignas(16) char attributes[256];
    SIZE_T size = sizeof attributes;
    STARTUPINFOEXW extended = {.StartupInfo = *startup,
                               .lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)attributes};

    extended.StartupInfo.cb = sizeof extended;
    extended.StartupInfo.dwFlags |= STARTF_USESTDHANDLES;
    if (!InitializeProcThreadAttributeList(extended.lpAttributeList, 1, 0, &size))
        return FALSE;
    for (int tries = 0; tries < START_TRIES; tries++) {
        if (start_with_list(line, &extended, creation_flags, environment, directory, process))
            return TRUE;
        if (GetLastError() != ERROR_INTERNAL_ERROR)
            return FALSE;
    }
    return FALSE;
}

BOOL start_directly(wchar_t *line, const HANDLE streams[3], DWORD creation_flags, PROCESS_INFORMATION *process)
{
    STARTUPINFOW startup = {.hStdInput = streams[0], .hStdOutput = streams[1], .hStdError = streams[2]};

    return start_with(line, &startup, creation_flags, NULL, NULL, process);
}

void assert_one_line(const char *text)
{
    const char *end = strstr(text, "\r\n");

    ck_assert_msg(strncmp(text, "handoff: ", 9) == 0 && end != NULL && end[2] == '\0', "not one line: %s", text);
}

void assert_ended(HANDLE pipe)
{
    char byte;
    DWORD size;

    ck_assert_msg(!ReadFile(pipe, &byte, 1, &size, NULL) && GetLastError() == ERROR_BROKEN_PIPE,
                  "the pipe goes on with '%c'", byte);
}

DWORD read_all(HANDLE from, char *to, DWORD capacity)
{
    DWORD size = 0, read;

    while (size + 2 < capacity && ReadFile(from, to + size, capacity - 2 - size, &read, NULL) && read > 0)
        size += read;
    to[size] = to[size + 1] = '\0';
    CloseHandle(from);
    return size;
}

BOOL try_run(struct result *result, const wchar_t *path, const wchar_t *line)
{
    HANDLE nul = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE out = NULL, err = NULL, streams[3] = {nul, NULL, NULL};
    PROCESS_INFORMATION process;
    DWORD code;
    BOOL started = CreatePipe(&out, &streams[1], NULL, 0) && CreatePipe(&err, &streams[2], NULL, 0);

    swprintf(result->line, LINE_UNITS, L"\"%ls\" ", path);
    wcscat(result->line, line);
    started = started && start_directly(result->line, streams, 0, &process);
    code = GetLastError();
    for (int i = 0; i < 3; i++)
        CloseHandle(streams[i]);
    if (!started) {
        CloseHandle(out);
        CloseHandle(err);
        SetLastError(code);
        return FALSE;
    }
    result->out_size = read_all(out, result->out, sizeof result->out);
    read_all(err, result->err, sizeof result->err);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &result->exit_code);
    return CloseHandle(process.hProcess) && CloseHandle(process.hThread);
}

void run(struct result *result, const wchar_t *path, const wchar_t *line, ...)
{
    static wchar_t text[LINE_UNITS];
    va_list arguments;

    va_start(arguments, line);
    ck_assert_int_gt(vswprintf(text, LINE_UNITS, line, arguments), -1);
    va_end(arguments);
    for (int tries = 0; tries < START_TRIES; tries++) {
        ck_assert_msg(try_run(result, path, text), "%ls does not start: error %lu", path, GetLastError());
        if (strstr(result->err, "Win32 error 1359") == NULL || wcsstr(text, L"--steal") != NULL ||
            wcsstr(text, L"--report") != NULL)
            return;
    }
}

struct running start_running(const wchar_t *path, const wchar_t *line, const STARTUPINFOW *startup,
                             DWORD creation_flags, const wchar_t *environment, const wchar_t *directory)
{
    static wchar_t text[LINE_UNITS];
    struct running running;
    STARTUPINFOW streams = {0};

    if (startup != NULL)
        streams = *startup;
    make_pipe(&streams.hStdInput, &running.in);
    make_pipe(&running.out, &streams.hStdOutput);
    make_pipe(&running.err, &streams.hStdError);
    ck_assert_int_gt(swprintf(text, LINE_UNITS, L"\"%ls\" %ls", path, line), 0);
    ck_assert_msg(start_with(text, &streams, creation_flags, environment, directory, &running.process),
                  "%ls does not start: error %lu", path, GetLastError());
    CloseHandle(streams.hStdInput);
    CloseHandle(streams.hStdOutput);
    CloseHandle(streams.hStdError);
    return running;
}

/* Not inheritable on our side. */
struct running make_streams(STARTUPINFOW *startup)
{
    struct running running;

    *startup = (STARTUPINFOW){.cb = sizeof *startup, .dwFlags = STARTF_USESTDHANDLES};
    make_pipe(&startup->hStdInput, &running.in);
    make_pipe(&running.out, &startup->hStdOutput);
    make_pipe(&running.err, &startup->hStdError);
    make_inheritable(startup->hStdInput);
    make_inheritable(startup->hStdOutput);
    make_inheritable(startup->hStdError);
    return running;
}

void close_streams(const STARTUPINFOW *startup)
{
    CloseHandle(startup->hStdInput);
    CloseHandle(startup->hStdOutput);
    CloseHandle(startup->hStdError);
}

void start_with_all(struct running *running, const wchar_t *path, const wchar_t *line, STARTUPINFOW *startup,
                    DWORD creation_flags)
{
    DWORD code = ERROR_INTERNAL_ERROR;
    wchar_t text[4096];

    swprintf(text, ARRAYSIZE(text), L"\"%ls\" %ls", path, line);
    for (int tries = 0; tries < START_TRIES && code == ERROR_INTERNAL_ERROR; tries++) {
        if (CreateProcessW(NULL, text, NULL, NULL, TRUE, creation_flags, NULL, NULL, startup, &running->process))
            return;
        code = GetLastError();
    }
    ck_abort_msg("%ls does not start: error %lu", path, code);
}

struct running start_with_rubbish(const wchar_t *path, const wchar_t *line, DWORD creation_flags)
{
    STARTUPINFOW startup;
    struct running running = make_streams(&startup);

    start_with_all(&running, path, line, &startup, creation_flags);
    close_streams(&startup);
    return running;
}

DWORD finish_running(struct running *running)
{
    CloseHandle(running->in);
    CloseHandle(running->out);
    CloseHandle(running->err);
    return finish_child(&running->process);
}

DWORD press(DWORD event, const wchar_t *command)
{
    wchar_t line[4096];
    char text[16];
    struct running running;
    DWORD size;

    swprintf(line, ARRAYSIZE(line), L"session %lu %ls", event, command);
    running = start_with_rubbish(program(OWN_WIDTH, L"child.exe"), line, CREATE_NO_WINDOW);
    ck_assert(read_line(running.out, text, sizeof text));
    ck_assert_str_eq(text, "ready");
    ck_assert(WriteFile(running.in, "!", 1, &size, NULL));
    return finish_running(&running);
}

const wchar_t *file_path(const wchar_t *name)
{
    static wchar_t paths[8][MAX_PATH];
    static int next;
    wchar_t *path = paths[next++ % 8];

    GetTempPathW(MAX_PATH, path);
    swprintf(path + wcslen(path), 64, L"handoff test \x263a %lu %ls", GetCurrentProcessId(), name);
    return path;
}

void assert_can_be_removed(const wchar_t *directory)
{
    for (DWORD tries = 0; !RemoveDirectoryW(directory); tries++) {
        ck_assert_msg(tries < 10000, "somebody stays in the directory: error %lu", GetLastError());
        Sleep(1);
    }
}

void write_file(const wchar_t *path, const char *text)
{
    HANDLE file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    DWORD written;

    ck_assert(file != INVALID_HANDLE_VALUE && WriteFile(file, text, (DWORD)strlen(text), &written, NULL));
    CloseHandle(file);
}

HANDLE make_event(void)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);

    ck_assert_ptr_nonnull(event);
    return event;
}

BOOL is_set(HANDLE event)
{
    return WaitForSingleObject(event, 0) == WAIT_OBJECT_0;
}

void make_pipe(HANDLE *read, HANDLE *write)
{
    ck_assert(CreatePipe(read, write, NULL, 0));
}

void make_inheritable(HANDLE handle)
{
    ck_assert(SetHandleInformation(handle, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT));
}

BOOL is_inheritable(HANDLE handle)
{
    DWORD flags = 0;

    ck_assert(GetHandleInformation(handle, &flags));
    return (flags & HANDLE_FLAG_INHERIT) != 0;
}

SOCKET bind_socket(int family, WORD port)
{
    SOCKADDR_STORAGE address = {.ss_family = (short)family};
    int size = family == AF_INET ? sizeof(SOCKADDR_IN) : sizeof(SOCKADDR_IN6);
    SOCKET s = socket(family, SOCK_STREAM, 0);

    if (family == AF_INET)
        ((SOCKADDR_IN *)&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((SOCKADDR_IN6 *)&address)->sin6_addr.s6_addr[15] = 1;
    ((SOCKADDR_IN *)&address)->sin_port = htons(port);
    ck_assert(SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0));
    if (bind(s, (SOCKADDR *)&address, size) == 0)
        return s;
    closesocket(s);
    return INVALID_SOCKET;
}

SOCKET bound_socket(int family, BOOL listens, WORD *port)
{
    SOCKADDR_STORAGE address;
    int size = sizeof address;
    SOCKET s = bind_socket(family, 0);

    ck_assert(s != INVALID_SOCKET && (!listens || listen(s, 1) == 0));
    ck_assert(getsockname(s, (SOCKADDR *)&address, &size) == 0);
    *port = ntohs(((SOCKADDR_IN *)&address)->sin_port);
    return s;
}

BOOL lives(HANDLE process)
{
    return WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
}

BOOL same_object(HANDLE a, HANDLE b, BOOL *known)
{
    BOOL(WINAPI * compare)
    (HANDLE, HANDLE) = (BOOL(WINAPI *)(HANDLE, HANDLE))(void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"),
                                                                              "CompareObjectHandles");

    *known = compare != NULL;
    return compare != NULL && compare(a, b);
}

BOOL is_open_for(HANDLE number, HANDLE object)
{
    BOOL known, same = same_object(number, object, &known);

    ck_assert_msg(known, "this Windows cannot compare objects");
    return same;
}

HANDLE duplicate(HANDLE handle)
{
    HANDLE other = NULL;

    ck_assert(
        DuplicateHandle(GetCurrentProcess(), handle, GetCurrentProcess(), &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
    return other;
}

unsigned number_of(HANDLE handle)
{
    return (unsigned)(UINT_PTR)handle;
}

BOOL read_line(HANDLE from, char *line, size_t capacity)
{
    size_t length = 0;
    DWORD read;

    while (ReadFile(from, line + length, 1, &read, NULL) && read == 1 && line[length] != '\n') {
        length++;
        ck_assert_uint_lt(length + 1, capacity);
    }
    line[length] = '\0';
    return length > 0;
}

void read_table(struct witness *witness)
{
    char line[64];
    unsigned number;

    while (read_line(witness->stdout_read, line, sizeof line) && strcmp(line, "end") != 0) {
        if (sscanf(line, "told %u", &number) == 1 && witness->told_count < MOST_HANDLES)
            witness->told[witness->told_count++] = number;
        else if (sscanf(line, "pid %u", &number) == 1)
            witness->process_id = number;
        else if (sscanf(line, "has %u", &number) == 1 && witness->has_count < MOST_ENTRIES)
            witness->has[witness->has_count++] = number;
        else
            ck_abort_msg("the child wrote '%s'", line);
    }
    ck_assert_str_eq(line, "end");
}

void start_witness(struct witness *witness, struct handoff_request *request, struct handoff_pass *passes, DWORD count)
{
    HANDLE stdin_read, stdout_write;

    memset(witness, 0, sizeof *witness);
    make_pipe(&stdin_read, &witness->stdin_write);
    make_pipe(&witness->stdout_read, &stdout_write);
    passes[count] = (struct handoff_pass){.handle = stdin_read, .streams = HANDOFF_STDIN};
    passes[count + 1] = (struct handoff_pass){.handle = stdout_write, .streams = HANDOFF_STDOUT | HANDOFF_STDERR};
    request->passes = passes;
    request->pass_count = count + 2;
    request->creation_flags = DETACHED_PROCESS;
    witness->child = spawn_or_fail(request);
    CloseHandle(stdin_read);
    CloseHandle(stdout_write);
    read_table(witness);
}

void begin_witness(struct witness *witness, const struct running *running)
{
    memset(witness, 0, sizeof *witness);
    witness->stdin_write = running->in;
    witness->stdout_read = running->out;
    read_table(witness);
    witness->child.hProcess = OpenProcess(PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION, FALSE, witness->process_id);
    ck_assert_ptr_nonnull(witness->child.hProcess);
}

void finish_witness(struct witness *witness, struct running *running)
{
    CloseHandle(witness->child.hProcess);
    ck_assert_uint_eq(finish_running(running), 0);
}

void end_witness(struct witness *witness)
{
    CloseHandle(witness->stdin_write);
    ck_assert_uint_eq(finish_child(&witness->child), 0);
    CloseHandle(witness->stdout_read);
}

HANDLE copy_from_child(const struct witness *witness, DWORD number)
{
    HANDLE handle = NULL;

    DuplicateHandle(witness->child.hProcess, (HANDLE)(INT_PTR)(LONG)number, GetCurrentProcess(), &handle, 0, FALSE,
                    DUPLICATE_SAME_ACCESS);
    return handle;
}

BOOL child_number_is(const struct witness *witness, DWORD number, HANDLE object)
{
    HANDLE handle = copy_from_child(witness, number);
    BOOL known, same = handle != NULL && same_object(handle, object, &known);

    ck_assert_msg(handle == NULL || known, "this Windows cannot compare objects");
    if (handle != NULL)
        CloseHandle(handle);
    return same;
}

SIZE_T private_memory(HANDLE process)
{
    MEMORY_BASIC_INFORMATION region;
    SIZE_T sum = 0;

    for (char *at = NULL; VirtualQueryEx(process, at, &region, sizeof region) != 0;
         at = (char *)region.BaseAddress + region.RegionSize) {
        if (region.State == MEM_COMMIT && region.Type == MEM_PRIVATE)
            sum += region.RegionSize;
        if ((UINT_PTR)region.BaseAddress + region.RegionSize < (UINT_PTR)at)
            break; /* the end of the address space */
    }
    return sum;
}

DWORD count_handles(DWORD process_id)
{
    DWORD count;

    ck_assert_msg(table_count(process_id, &count), "there is no list of handles");
    return count;
}

HANDLE await_hang(void)
{
    char name[64];
    HANDLE event;

    snprintf(name, sizeof name, "handoff-hangs-%lu", GetCurrentProcessId());
    SetEnvironmentVariableA("HANDOFF_HANGS", name);
    event = CreateEventA(NULL, TRUE, FALSE, name);
    ck_assert_ptr_nonnull(event);
    return event;
}

DWORD wait_longer(HANDLE hang, DWORD timeout_ms)
{
    ck_assert_msg(timeout_ms < patience_ms(PATIENCE_MS), "in %lu ms it did not hang as it should", timeout_ms);
    ResetEvent(hang);
    return 2 * timeout_ms;
}

void end_hang(HANDLE hang)
{
    CloseHandle(hang);
    SetEnvironmentVariableA("HANDOFF_HANGS", NULL);
}

static DWORD_PTR own_processors;

void use_all_processors(void)
{
    DWORD_PTR all;

    ck_assert(GetProcessAffinityMask(GetCurrentProcess(), &own_processors, &all));
    ck_assert(own_processors == all || SetProcessAffinityMask(GetCurrentProcess(), all));
}

void use_own_processors(void)
{
    SetProcessAffinityMask(GetCurrentProcess(), own_processors);
}

/* What this process has at an address, in a process of the same width that has the same module elsewhere. */
static void *find_there(DWORD process_id, const wchar_t *module, const char *name)
{
    MODULEENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot;
    BOOL more;
    char *here = (char *)(void *)GetProcAddress(GetModuleHandleW(module), name);

    do
        snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, process_id);
    while (snapshot == INVALID_HANDLE_VALUE && GetLastError() == ERROR_BAD_LENGTH); /* it is loading one */
    more = snapshot != INVALID_HANDLE_VALUE && Module32FirstW(snapshot, &entry);
    while (more && _wcsicmp(entry.szModule, module) != 0)
        more = Module32NextW(snapshot, &entry);
    CloseHandle(snapshot);
    return more && here != NULL ? entry.modBaseAddr + (here - (char *)GetModuleHandleW(module)) : NULL;
}

HANDLE send_console_event(const PROCESS_INFORMATION *process, DWORD console_event)
{
    void *routine = find_there(process->dwProcessId, L"kernelbase.dll", "CtrlRoutine");
    HANDLE thread;

    if (routine == NULL)
        routine = find_there(process->dwProcessId, L"kernel32.dll", "CtrlRoutine");
    if (routine == NULL)
        return NULL;
    thread = CreateRemoteThread(process->hProcess, NULL, 0, (LPTHREAD_START_ROUTINE)routine,
                                (void *)(UINT_PTR)console_event, 0, NULL);
    ck_assert_ptr_nonnull(thread);
    return thread;
}

static BOOL is_ours(const wchar_t *name)
{
    return wcscmp(name, L"child.exe") == 0 || wcscmp(name, L"handoff-launcher.exe") == 0 ||
           wcscmp(name, L"handoff.exe") == 0 || wcscmp(name, L"handoffw.exe") == 0 ||
           wcscmp(name, L"faulty-launcher.exe") == 0 || wcscmp(name, L"descriptor-child.exe") == 0 ||
           wcscmp(name, L"faulty-prefix.exe") == 0 || wcscmp(name, L"calls-launcher.exe") == 0 ||
           wcscmp(name, L"calls-prefix.exe") == 0;
}

/* By its id, and only if it is a program of build\\WIDTH, as this one is. */
static void end_ours(HANDLE process)
{
    wchar_t own[PATH_UNITS], path[PATH_UNITS];
    DWORD length = PATH_UNITS;

    GetModuleFileNameW(NULL, own, PATH_UNITS);
    wcsrchr(own, L'\\')[-3] = L'\0';
    if (QueryFullProcessImageNameW(process, 0, path, &length) && _wcsnicmp(path, own, wcslen(own)) == 0)
        TerminateProcess(process, 1);
}

/* A launcher that was let go with a commit may still be on its way out: it is waited for. What stays is
 * ended, or each test to come would wait for it and fail. */
static BOOL lives_on(DWORD process_id)
{
    HANDLE process =
        open_closed(OpenProcess, SYNCHRONIZE | PROCESS_TERMINATE | PROCESS_QUERY_LIMITED_INFORMATION, process_id);
    BOOL lives;

    if (process == NULL)
        return GetLastError() == ERROR_ACCESS_DENIED;
    lives = !comes(process);
    if (lives)
        end_ours(process);
    CloseHandle(process);
    return lives;
}

void assert_nobody_left(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    char left[512] = "";

    ck_assert(snapshot != INVALID_HANDLE_VALUE);
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        size_t length = strlen(left);

        if (is_ours(entry.szExeFile) && lives_on(entry.th32ProcessID))
            snprintf(left + length, sizeof left - length, " %ls (%lu)", entry.szExeFile, entry.th32ProcessID);
    }
    CloseHandle(snapshot);
    ck_assert_msg(left[0] == '\0', "still there:%s", left);
}
