#include "system.h"

#include <tlhelp32.h>

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "handle_table.h"

enum { PATH_UNITS = 1024, LINE_UNITS = 70000, END_TIMEOUT_MS = 20000 };

const wchar_t *const width_names[WIDTH_COUNT] = {L"x64", L"x86"};

/* The test program lies in build/WIDTH. */
const wchar_t *program(int width, const wchar_t *name)
{
    static wchar_t paths[32][PATH_UNITS];
    static volatile LONG next;
    wchar_t *path = paths[InterlockedIncrement(&next) % 32];
    wchar_t *end;

    GetModuleFileNameW(NULL, path, PATH_UNITS);
    end = wcsrchr(path, L'\\');
    *end = L'\0';
    end = wcsrchr(path, L'\\') + 1;
    swprintf(end, (size_t)(path + PATH_UNITS - end), L"%ls\\%ls", width_names[width], name);
    return path;
}

struct handoff_request request_child(int launcher_width, int child_width, const wchar_t *arguments)
{
    static __thread wchar_t line[LINE_UNITS];
    static __thread wchar_t launcher[PATH_UNITS];

    swprintf(launcher, PATH_UNITS, L"%ls", program(launcher_width, L"handoff-launcher.exe"));
    swprintf(line, LINE_UNITS, L"\"%ls\" %ls", program(child_width, L"child.exe"), arguments);
    return (struct handoff_request){.cb = sizeof(struct handoff_request), .command_line = line, .launcher = launcher};
}

DWORD finish_child(PROCESS_INFORMATION *child)
{
    DWORD code = 0;

    ck_assert_msg(WaitForSingleObject(child->hProcess, END_TIMEOUT_MS) == WAIT_OBJECT_0, "the child does not end");
    ck_assert(GetExitCodeProcess(child->hProcess, &code));
    ck_assert(CloseHandle(child->hProcess) && CloseHandle(child->hThread));
    return code;
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

static BOOL start_with_list(wchar_t *line, STARTUPINFOEXW *startup, HANDLE *listed, DWORD creation_flags,
                            PROCESS_INFORMATION *process)
{
    DWORD count = listed[1] != listed[2] ? 3 : 2;

    return UpdateProcThreadAttribute(startup->lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, listed,
                                     count * sizeof *listed, NULL, NULL) &&
           CreateProcessW(NULL, line, NULL, NULL, TRUE, creation_flags | EXTENDED_STARTUPINFO_PRESENT, NULL, NULL,
                          &startup->StartupInfo, process);
}

BOOL start_directly(wchar_t *line, const HANDLE streams[3], DWORD creation_flags, PROCESS_INFORMATION *process)
{
    static const DWORD inherit = HANDLE_FLAG_INHERIT;
    _Alignas(16) char attributes[256];
    SIZE_T size = sizeof attributes;
    HANDLE listed[3] = {streams[0], streams[1], streams[2]};
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup,
                                              .dwFlags = STARTF_USESTDHANDLES,
                                              .hStdInput = streams[0],
                                              .hStdOutput = streams[1],
                                              .hStdError = streams[2]},
                              .lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)attributes};

    for (int i = 0; i < 3; i++)
        SetHandleInformation(streams[i], inherit, inherit);
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size))
        return FALSE;
    for (int tries = 0; tries < START_TRIES; tries++) {
        if (start_with_list(line, &startup, listed, creation_flags, process))
            return TRUE;
        if (GetLastError() != ERROR_INTERNAL_ERROR)
            return FALSE;
    }
    return FALSE;
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

BOOL same_object(HANDLE a, HANDLE b, BOOL *known)
{
    BOOL(WINAPI * compare)
    (HANDLE, HANDLE) = (BOOL(WINAPI *)(HANDLE, HANDLE))(void *)GetProcAddress(GetModuleHandleW(L"kernelbase.dll"),
                                                                              "CompareObjectHandles");

    *known = compare != NULL;
    return compare != NULL && compare(a, b);
}

DWORD count_handles(DWORD process_id)
{
    struct table *table = query_table();
    DWORD count = 0;

    ck_assert_ptr_nonnull(table);
    for (ULONG_PTR i = 0; i < table->count; i++)
        count += table->entries[i].process_id == process_id;
    free_table(table);
    return count;
}

static BOOL is_ours(const wchar_t *name)
{
    return wcscmp(name, L"child.exe") == 0 || wcscmp(name, L"handoff-launcher.exe") == 0 ||
           wcscmp(name, L"faulty-launcher.exe") == 0;
}

/* A launcher that was let go with a commit may still be on its way out: it is waited for. */
static BOOL lives_on(DWORD process_id)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, process_id);
    BOOL lives = process != NULL && WaitForSingleObject(process, END_TIMEOUT_MS) != WAIT_OBJECT_0;

    if (process != NULL)
        CloseHandle(process);
    return lives;
}

void assert_nobody_left(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

    ck_assert(snapshot != INVALID_HANDLE_VALUE);
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (is_ours(entry.szExeFile) && lives_on(entry.th32ProcessID))
            ck_abort_msg("%ls, pid %lu, is still there", entry.szExeFile, entry.th32ProcessID);
    }
    CloseHandle(snapshot);
}
