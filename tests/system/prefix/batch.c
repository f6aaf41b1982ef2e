#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tlhelp32.h>
#include <wchar.h>

/* With a blank and beyond ASCII, and gone after each test. */
static wchar_t directory[MAX_PATH];

const wchar_t *in_directory(const wchar_t *name)
{
    static wchar_t paths[8][MAX_PATH + 64];
    static int next;
    wchar_t *path = paths[next++ % 8];

    swprintf(path, MAX_PATH + 64, L"%ls\\%ls", directory, name);
    return path;
}

void set_variable(const wchar_t *name, const char *format, ...)
{
    wchar_t wide[512];
    char value[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    swprintf(wide, ARRAYSIZE(wide), L"%hs", value);
    ck_assert(SetEnvironmentVariableW(name, wide));
}

/* What the batch files know: where things are, and a name for an object that only this process uses. */
void set_up_batch(void)
{
    swprintf(directory, ARRAYSIZE(directory), L"%ls", file_path(L"batch"));
    CreateDirectoryW(directory, NULL);
    SetEnvironmentVariableW(L"DIR", directory);
    SetEnvironmentVariableW(L"HANDOFF", program(OWN_WIDTH, L"handoff.exe"));
    SetEnvironmentVariableW(L"CHILD", program(OWN_WIDTH, L"child.exe"));
    set_variable(L"NAME", "handoff-test-%lu", GetCurrentProcessId());
    set_variable(L"PID", "%lu", GetCurrentProcessId());
}

void tear_down_batch(void)
{
    WIN32_FIND_DATAW found;
    HANDLE search = FindFirstFileW(in_directory(L"*"), &found);
    BOOL more = search != INVALID_HANDLE_VALUE;

    for (; more; more = FindNextFileW(search, &found))
        if (!DeleteFileW(in_directory(found.cFileName)))
            RemoveDirectoryW(in_directory(found.cFileName));
    FindClose(search);
    RemoveDirectoryW(directory);
}

/* As a file, each line as cmd.exe wants it. */
const wchar_t *write_batch(const wchar_t *name, const char *text)
{
    static char lines[16384];
    char *to = lines + sprintf(lines, "@echo off\r\n");

    for (; *text != '\0'; text++) {
        if (*text == '\n')
            *to++ = '\r';
        *to++ = *text;
    }
    *to = '\0';
    write_file(in_directory(name), lines);
    return in_directory(name);
}

static const wchar_t *shell(void)
{
    static wchar_t path[MAX_PATH];

    ck_assert_uint_gt(GetEnvironmentVariableW(L"ComSpec", path, MAX_PATH), 0);
    return path;
}

void run_batch(const char *text)
{
    run(&result, shell(), L"/d /c \"%ls\"", write_batch(L"run.bat", text));
}

struct running start_batch(const char *text, DWORD creation_flags)
{
    wchar_t line[MAX_PATH + 64];

    swprintf(line, ARRAYSIZE(line), L"/d /c \"%ls\"", write_batch(L"run.bat", text));
    return start_running(shell(), line, NULL, creation_flags, NULL, NULL);
}

void assert_content(const wchar_t *name, const char *content)
{
    assert_file(in_directory(name), content);
}

char *make_big_file(const wchar_t *name, DWORD size)
{
    char *bytes = malloc(size);
    HANDLE file = INVALID_HANDLE_VALUE;
    DWORD written, code = ERROR_SHARING_VIOLATION;

    /* A conhost.exe of the test before may have it for a moment: see enter_console(). */
    for (int tries = 0; code == ERROR_SHARING_VIOLATION && tries < 10000; tries++) {
        file = CreateFileW(in_directory(name), GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
        code = file == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
        if (code != ERROR_SUCCESS)
            Sleep(1);
    }
    ck_assert_uint_eq(code, ERROR_SUCCESS);
    for (DWORD i = 0; i < size; i++)
        bytes[i] = (char)('0' + random_below(64));
    ck_assert(WriteFile(file, bytes, size, &written, NULL) && written == size);
    CloseHandle(file);
    return bytes;
}

void assert_big_file(const wchar_t *name, const char *bytes, DWORD size)
{
    HANDLE file = CreateFileW(in_directory(name), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    char *content = malloc(size + 3);
    DWORD read;

    ck_assert_msg(file != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    read = read_all(file, content, size + 3);
    ck_assert_msg(read == size && memcmp(content, bytes, size) == 0, "%lu bytes of %lu", read, size);
    free(content);
}

void assert_out(const char *expected)
{
    ck_assert_msg(strcmp(result.out, expected) == 0 && result.err[0] == '\0', "out '%s', err '%s'", result.out,
                  result.err);
}

const char *last_line(const char *text)
{
    const char *end = text + strlen(text);

    ck_assert_msg(end - text > 2, "'%s'", text);
    for (end -= 2; end > text && end[-1] != '\n'; end--)
        ;
    return end;
}

PROCESS_INFORMATION start_prefixed(const wchar_t *rest, HANDLE in, HANDLE out, HANDLE err)
{
    PROCESS_INFORMATION process;
    wchar_t line[2048], expanded[2048];

    swprintf(line, ARRAYSIZE(line), L"\"%%HANDOFF%%\" %ls", rest);
    ExpandEnvironmentStringsW(line, expanded, ARRAYSIZE(expanded));
    ck_assert(start_directly(expanded, (HANDLE[]){in, out, err}, 0, &process));
    return process;
}

/* ---- looking ---- */

HANDLE open_process(DWORD process_id)
{
    HANDLE process =
        OpenProcess(SYNCHRONIZE | PROCESS_DUP_HANDLE | PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION | PROCESS_VM_READ,
                    FALSE, process_id);

    ck_assert_msg(process != NULL, "no process %lu: error %lu", process_id, GetLastError());
    return process;
}

DWORD number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);

    ck_assert_msg(at != NULL, "no %s in %s", key, text);
    return (DWORD)strtoul(at + strlen(key), NULL, 10);
}

void await_end(HANDLE process)
{
    ck_assert(WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0);
}

DWORD find_child_process(const wchar_t *name, DWORD parent_id)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    DWORD found = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (entry.th32ParentProcessID == parent_id && wcscmp(entry.szExeFile, name) == 0)
            found = entry.th32ProcessID;
    }
    CloseHandle(snapshot);
    return found;
}

BOOL read_start(HANDLE process, HANDLE console_and_streams[4])
{
    enum {
        PARAMETERS = sizeof(void *) == 8 ? 0x20 : 0x10, /* of the process environment block */
        STREAMS = sizeof(void *) == 8 ? 0x20 : 0x18,    /* of the parameters */
        CONSOLE = 0x10
    };
    struct {
        LONG_PTR status;
        BYTE *block;
        ULONG_PTR others[4];
    } basic;
    LONG(WINAPI * query)
    (HANDLE, int, void *, ULONG, ULONG *) = (LONG(WINAPI *)(HANDLE, int, void *, ULONG, ULONG *))(void *)GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "NtQueryInformationProcess");
    BYTE *parameters;
    DWORD console_flags;

    ck_assert(query(process, 0, &basic, sizeof basic, NULL) >= 0);
    ck_assert(ReadProcessMemory(process, basic.block + PARAMETERS, &parameters, sizeof parameters, NULL));
    ck_assert(ReadProcessMemory(process, parameters + CONSOLE, console_and_streams, sizeof(HANDLE), NULL));
    ck_assert(ReadProcessMemory(process, parameters + STREAMS, console_and_streams + 1, 3 * sizeof(HANDLE), NULL));
    ck_assert(
        ReadProcessMemory(process, parameters + CONSOLE + sizeof(HANDLE), &console_flags, sizeof console_flags, NULL));
    return (console_flags & 1) != 0;
}

/* ---- a witness ---- */

struct witness witness;

struct running start_batch_witness(const char *text)
{
    struct running running = start_batch(text, 0);

    begin_witness(&witness, &running);
    return running;
}

HANDLE of_witness(int which)
{
    HANDLE handle;

    ck_assert_int_lt(which, (int)witness.told_count);
    handle = copy_from_child(&witness, witness.told[which]);
    ck_assert_msg(handle != NULL, "the command has no handle %lu", witness.told[which]);
    return handle;
}

/* ---- what a command is given ---- */

/* Wine's conhost.exe, which it starts for each console, inherits what its program has, and ends a little later. */
HANDLE make_named_event(void)
{
    wchar_t name[64];
    HANDLE event;

    GetEnvironmentVariableW(L"NAME", name, ARRAYSIZE(name));
    for (DWORD tries = 0;; tries++) {
        event = CreateEventW(NULL, TRUE, FALSE, name);
        if (GetLastError() != ERROR_ALREADY_EXISTS)
            break;
        ck_assert_msg(tries < 10000, "somebody still has the event");
        CloseHandle(event);
        Sleep(1);
    }
    ck_assert_ptr_nonnull(event);
    return event;
}

const wchar_t *pipe_name(void)
{
    static wchar_t name[128];

    swprintf(name, ARRAYSIZE(name), L"\\\\.\\pipe\\handoff-test-%lu", GetCurrentProcessId());
    return name;
}

HANDLE make_pipe_server(DWORD direction)
{
    HANDLE server = CreateNamedPipeW(pipe_name(), direction, PIPE_TYPE_BYTE, 1, 4096, 4096, 0, NULL);

    ck_assert_msg(server != INVALID_HANDLE_VALUE, "error %lu", GetLastError());
    return server;
}

void assert_arrives(HANDLE server, const char *expected)
{
    char text[16] = "";
    DWORD size;

    ck_assert(ReadFile(server, text, sizeof text - 1, &size, NULL));
    ck_assert_str_eq(text, expected);
}

static const wchar_t every_source[] =
    L"--read \"r=%ls\\in\" --write \"w=%ls\\out\" --append \"a=%ls\\log\" --update \"u=%ls\\kept\" "
    L"--pipe p=\\\\.\\pipe\\handoff-test-%lu --listen l=127.0.0.1:0 --listen l6=[::1]:0 --connect c=127.0.0.1:%u "
    L"--event e= --mutex m= --semaphore s= --mapping f=,4096 --process x=%lu";
const wchar_t every_name[] = L"{r} {w} {a} {u} {p} {l} {l6} {c} {e} {m} {s} {f} {x}";

void put_every_source(wchar_t to[SOURCES_UNITS], WORD port)
{
    swprintf(to, SOURCES_UNITS, every_source, directory, directory, directory, directory, GetCurrentProcessId(), port,
             GetCurrentProcessId());
}
