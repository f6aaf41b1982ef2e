#include "talk.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "handle_table.h"

/* ---- what is passed ---- */

static HANDLE open_shared(const wchar_t *path, DWORD access, DWORD disposition)
{
    HANDLE file =
        CreateFileW(path, access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, disposition, 0, NULL);

    ck_assert(file != INVALID_HANDLE_VALUE);
    return file;
}

struct thing file_thing(enum door door, const char *content, BOOL write)
{
    struct thing thing = {.write = write, .is_file = TRUE};
    wchar_t directory[MAX_PATH];
    DWORD written;

    GetTempPathW(MAX_PATH, directory);
    GetTempFileNameW(directory, L"hof", 0, thing.path);
    thing.handle = open_shared(thing.path, GENERIC_READ | GENERIC_WRITE, CREATE_ALWAYS);
    ck_assert(WriteFile(thing.handle, content, (DWORD)strlen(content), &written, NULL));
    SetFilePointer(thing.handle, 0, NULL, FILE_BEGIN);
    if (door == COMMAND) { /* which opens it itself, and shares it with readers only */
        CloseHandle(thing.handle);
        thing.handle = open_shared(thing.path, GENERIC_READ, OPEN_EXISTING);
    }
    return thing;
}

struct thing nul_thing(BOOL write)
{
    struct thing thing = {.write = write, .path = L"NUL"};

    thing.handle = open_shared(L"NUL", write ? GENERIC_WRITE : GENERIC_READ, OPEN_EXISTING);
    return thing;
}

struct thing pipe_thing(enum door door, BOOL write)
{
    static unsigned number;
    struct thing thing = {.write = write};

    swprintf(thing.path, MAX_PATH, L"\\\\.\\pipe\\handoff-test-%lu-%u", GetCurrentProcessId(), number++);
    thing.ours = CreateNamedPipeW(thing.path, PIPE_ACCESS_DUPLEX, PIPE_TYPE_BYTE, 1, 1 << 16, 1 << 16, 0, NULL);
    ck_assert(thing.ours != INVALID_HANDLE_VALUE);
    if (door == COMMAND)
        return thing;
    thing.handle = open_shared(thing.path, write ? GENERIC_WRITE : GENERIC_READ, OPEN_EXISTING);
    return thing;
}

static void close_one(HANDLE *handle)
{
    if (*handle != NULL)
        ck_assert(CloseHandle(*handle));
    *handle = NULL;
}

void close_thing(struct thing *thing)
{
    close_one(&thing->handle);
    close_one(&thing->ours);
    if (thing->is_file)
        ck_assert(DeleteFileW(thing->path));
    thing->is_file = FALSE;
}

void assert_thing_holds(struct thing *file, const char *content)
{
    char found[256];
    DWORD size;

    SetFilePointer(file->handle, 0, NULL, FILE_BEGIN);
    ck_assert(ReadFile(file->handle, found, sizeof found - 1, &size, NULL));
    found[size] = '\0';
    ck_assert_str_eq(found, content);
}

/* ---- starting ---- */

struct talk *new_talk(enum door door, int launcher_width, int child_width, const wchar_t *arguments)
{
    static struct talk talk;

    if (launcher_width == X86 || child_width == X86)
        need_x86(); /* a 64-bit program has another block */
    memset(&talk, 0, sizeof talk);
    talk.door = door;
    talk.launcher_width = launcher_width;
    talk.child_width = child_width;
    talk.arguments = arguments;
    talk.report = pipe_thing(door, TRUE);
    talk.go = pipe_thing(door, FALSE);
    talk_pass(&talk, L"report", &talk.report);
    talk_pass(&talk, L"go", &talk.go);
    return &talk;
}

struct handoff_pass *talk_pass(struct talk *talk, const wchar_t *name, struct thing *thing)
{
    struct handoff_pass *pass = &talk->passes[talk->count];

    ck_assert_uint_lt(talk->count, TALK_PASSES);
    *pass = (struct handoff_pass){.name = name, .handle = thing->handle};
    talk->things[talk->count++] = thing;
    return pass;
}

struct handoff_pass *talk_pass_handle(struct talk *talk, const wchar_t *name, HANDLE handle)
{
    struct thing thing = {.handle = handle};
    struct handoff_pass *pass = talk_pass(talk, name, &thing);

    talk->things[talk->count - 1] = NULL;
    return pass;
}

BOOL start_inheriting_with(DWORD creation_flags, wchar_t *line, const HANDLE streams[3], const HANDLE *inherited,
                           DWORD count, const void *reserved, WORD reserved_size, const wchar_t *environment,
                           PROCESS_INFORMATION *process)
{
    static const DWORD inherit = HANDLE_FLAG_INHERIT;
    _Alignas(16) char attributes[256];
    SIZE_T size = sizeof attributes;
    HANDLE listed[16];
    DWORD listed_count = 0;
    BOOL started = FALSE;
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup,
                                              .dwFlags = STARTF_USESTDHANDLES,
                                              .hStdInput = streams[0],
                                              .hStdOutput = streams[1],
                                              .hStdError = streams[2],
                                              .cbReserved2 = reserved_size,
                                              .lpReserved2 = (BYTE *)(UINT_PTR)reserved},
                              .lpAttributeList = (LPPROC_THREAD_ATTRIBUTE_LIST)(void *)attributes};

    for (DWORD i = 0; i < 3 + count; i++) {
        HANDLE handle = i < 3 ? streams[i] : inherited[i - 3];
        DWORD before = 0;

        while (before < listed_count && listed[before] != handle)
            before++;
        if (handle != NULL && before == listed_count)
            listed[listed_count++] = handle;
    }
    for (DWORD i = 0; i < listed_count; i++)
        SetHandleInformation(listed[i], inherit, inherit);
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size) ||
        (listed_count > 0 && !UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                                                        listed, listed_count * sizeof *listed, NULL, NULL)))
        return FALSE;
    for (int tries = 0; tries < START_TRIES && !started; tries++)
        started = CreateProcessW(NULL, line, NULL, NULL, listed_count > 0,
                                 CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT | creation_flags,
                                 (void *)(UINT_PTR)environment, NULL, &startup.StartupInfo, process);
    for (DWORD i = 0; i < listed_count; i++)
        SetHandleInformation(listed[i], inherit, 0);
    return started;
}

/* A console of its own would take longer than all the rest. */
BOOL start_inheriting(wchar_t *line, const HANDLE streams[3], const HANDLE *inherited, DWORD count,
                      const void *reserved, WORD reserved_size, const wchar_t *environment,
                      PROCESS_INFORMATION *process)
{
    DWORD process_id, console = GetConsoleProcessList(&process_id, 1) != 0 ? 0 : DETACHED_PROCESS;

    return start_inheriting_with(console, line, streams, inherited, count, reserved, reserved_size, environment,
                                 process);
}

static const wchar_t *const stream_options[] = {L"--stdin", L"--stdout", L"--stderr"};

static void put_passes(struct talk *talk, wchar_t *to)
{
    for (DWORD i = 0; i < talk->count; i++) {
        const struct handoff_pass *pass = &talk->passes[i];

        if (talk->door == COMMAND)
            to += swprintf(to, 600, L"--%ls %ls=\"%ls\" ", talk->things[i]->write ? L"write" : L"read", pass->name,
                           talk->things[i]->path);
        else
            to += swprintf(to, 64, L"--copy %ls=%lu ", pass->name, (DWORD)(UINT_PTR)pass->handle);
        for (int stream = 0; stream < 3; stream++) {
            if ((pass->streams >> stream & 1) != 0)
                to += swprintf(to, 64, L"%ls %ls ", stream_options[stream], pass->name);
        }
        if (pass->descriptor != 0)
            to += swprintf(to, 64, L"--fd %lu=%ls ", pass->descriptor, pass->name);
    }
}

static void put_options(struct talk *talk, wchar_t *to)
{
    const wchar_t *change = talk->variables;

    for (int stream = 0; stream < 3; stream++) {
        if ((talk->closed_streams >> stream & 1) != 0)
            to += swprintf(to, 64, L"%ls \"\" ", stream_options[stream]);
    }
    for (; change != NULL && *change != L'\0'; change += wcslen(change) + 1)
        to += swprintf(to, 4096, L"%ls \"%ls\" ", wcschr(change + 1, L'=') != NULL ? L"--env" : L"--unset", change);
    put_passes(talk, to);
    if (talk->seal_all)
        wcscat(to, L"--seal ");
}

/* handoff.exe opens the pipes, or says why not and ends. */
static void wait_for_client(const struct talk *talk, HANDLE pipe)
{
    DWORD poll = PIPE_NOWAIT, block = PIPE_WAIT;
    BOOL ended = FALSE;

    ck_assert(SetNamedPipeHandleState(pipe, &poll, NULL, NULL));
    while (!ConnectNamedPipe(pipe, NULL) && GetLastError() != ERROR_PIPE_CONNECTED &&
           GetLastError() != ERROR_NO_DATA /* it was quicker, and has gone; what it wrote is there */) {
        ck_assert_msg(!ended, "handoff.exe has ended without a child");
        ended = WaitForSingleObject(talk->process.hProcess, 10) == WAIT_OBJECT_0;
    }
    ck_assert(SetNamedPipeHandleState(pipe, &block, NULL, NULL));
}

static void start_prefix(struct talk *talk)
{
    struct thing nul = nul_thing(TRUE);
    HANDLE streams[3] = {nul.handle, nul.handle, GetStdHandle(STD_ERROR_HANDLE)};
    wchar_t *to = talk->line;

    to += swprintf(to, MAX_PATH + 2, L"\"%ls\" ", program(talk->launcher_width, L"handoff.exe"));
    if (talk->door == PREFIX)
        to += swprintf(to, 64, L"--parent %lu ", GetCurrentProcessId());
    *to = L'\0';
    put_options(talk, to);
    to += wcslen(to);
    swprintf(to, 8192, L"-- \"%ls\" {report} pid %ls", program(talk->child_width, L"descriptor-child.exe"),
             talk->arguments);
    ck_assert_msg(start_inheriting(talk->line, talk->with_streams ? talk->streams : streams, talk->inherited,
                                   talk->inherited_count, talk->reserved, talk->reserved_size, talk->environment,
                                   &talk->process),
                  "handoff.exe: %lu", GetLastError());
    close_thing(&nul);
    for (DWORD i = 0; talk->door == COMMAND && i < talk->count; i++) {
        if (talk->things[i]->ours != NULL)
            wait_for_client(talk, talk->things[i]->ours);
    }
}

static void start_library(struct talk *talk)
{
    static const DWORD ids[] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    STARTUPINFOW startup = {
        .cb = sizeof startup, .cbReserved2 = talk->reserved_size, .lpReserved2 = (BYTE *)(UINT_PTR)talk->reserved};
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = talk->line,
                                      .environment = talk->environment,
                                      .variables = talk->variables,
                                      .creation_flags = talk->creation_flags,
                                      .startup = &startup,
                                      .passes = talk->passes,
                                      .pass_count = talk->count,
                                      .closed_streams = talk->closed_streams,
                                      .seal_all = talk->seal_all,
                                      .numbers = talk->numbers,
                                      .launcher = talk->launcher};
    HANDLE own[3];
    struct handoff_error error;
    wchar_t text[512];
    BOOL done;

    wcscpy(talk->launcher, program(talk->launcher_width, L"handoff-launcher.exe"));
    swprintf(talk->line, TALK_LINE, L"\"%ls\" {report} pid %ls", program(talk->child_width, L"descriptor-child.exe"),
             talk->arguments);
    for (int i = 0; i < 3; i++) {
        own[i] = GetStdHandle(ids[i]);
        if (talk->with_streams)
            SetStdHandle(ids[i], talk->streams[i]);
    }
    done = spawn_patiently(&request, &talk->process, &error);
    for (int i = 0; i < 3; i++)
        SetStdHandle(ids[i], own[i]);
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_msg(done, "%ls", text);
}

/* The launcher copies handles of this process, so they stay open until the child is there. */
static void wait_for_word(const struct talk *talk)
{
    DWORD available = 0;

    while (available == 0) {
        BOOL ended = WaitForSingleObject(talk->process.hProcess, 10) == WAIT_OBJECT_0;

        ck_assert(PeekNamedPipe(talk->report.ours, NULL, 0, NULL, &available, NULL));
        ck_assert_msg(available > 0 || !ended, "the launcher has ended without a child");
    }
}

void talk_start(struct talk *talk)
{
    const char *line;
    unsigned long process_id;

    for (DWORD i = 0; i < 2; i++)
        talk->passes[i].flags |= HANDOFF_OPTIONAL;
    if (talk->door != LIBRARY && wcsstr(talk->arguments, L"{go}") == NULL) {
        close_thing(&talk->go);
        talk->count--;
        memmove(&talk->passes[1], &talk->passes[2], (talk->count - 1) * sizeof talk->passes[0]);
        memmove(&talk->things[1], &talk->things[2], (talk->count - 1) * sizeof talk->things[0]);
    }
    if (talk->door == LIBRARY)
        start_library(talk);
    else
        start_prefix(talk);
    if (talk->door == PREFIX)
        wait_for_word(talk);
    close_one(&talk->report.handle);
    close_one(&talk->go.handle);
    if ((talk->creation_flags & CREATE_SUSPENDED) != 0)
        return;
    line = talk_line(talk);
    ck_assert_int_eq(sscanf(line, "pid %lu", &process_id), 1);
    talk->child_id = process_id;
    talk->child = OpenProcess(PROCESS_DUP_HANDLE | SYNCHRONIZE | PROCESS_QUERY_INFORMATION, FALSE, process_id);
    ck_assert_ptr_nonnull(talk->child);
}

/* ---- listening ---- */

const char *talk_line(struct talk *talk)
{
    DWORD length = 0, read;

    while (ReadFile(talk->report.ours, talk->text + length, 1, &read, NULL) && read == 1 &&
           talk->text[length] != '\n') {
        ck_assert_uint_lt(length, TALK_TEXT - 2);
        length++;
    }
    talk->text[length] = '\0';
    ck_assert_msg(length > 0, "the child says nothing more");
    return talk->text;
}

void assert_line(struct talk *talk, const char *expected)
{
    ck_assert_str_eq(talk_line(talk), expected);
}

void talk_read_all(struct talk *talk)
{
    DWORD read;

    talk->size = 0;
    while (talk->size < TALK_TEXT - 2 &&
           ReadFile(talk->report.ours, talk->text + talk->size, TALK_TEXT - 2 - talk->size, &read, NULL) && read > 0)
        talk->size += read;
    talk->text[talk->size] = talk->text[talk->size + 1] = '\0';
}

void talk_end(struct talk *talk)
{
    close_thing(&talk->go);
    talk_read_all(talk);
    close_thing(&talk->report);
    ck_assert_uint_eq(finish_child(&talk->process), 0);
    if (talk->child != NULL)
        ck_assert(CloseHandle(talk->child));
    talk->child = NULL;
}

/* ---- looking ---- */

BOOL process_has_at(HANDLE process, DWORD number, HANDLE object)
{
    HANDLE handle;
    BOOL known = TRUE, same;

    if (!DuplicateHandle(process, (HANDLE)(INT_PTR)(LONG)number, GetCurrentProcess(), &handle, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return FALSE;
    same = same_object(handle, object, &known);
    ck_assert_msg(known, "this Windows cannot compare objects");
    ck_assert(CloseHandle(handle));
    return same;
}

DWORD handles_of(DWORD process_id, HANDLE object)
{
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, process_id);
    struct table *table = query_table();
    DWORD count = 0;

    ck_assert(process != NULL && table != NULL);
    for (ULONG_PTR i = 0; i < table->count; i++)
        count += table->entries[i].process_id == process_id &&
                 process_has_at(process, (DWORD)table->entries[i].handle, object);
    free_table(table);
    ck_assert(CloseHandle(process));
    return count;
}

BOOL process_has(DWORD process_id, HANDLE object)
{
    return handles_of(process_id, object) > 0;
}

const void *make_block(uint32_t pointer, uint32_t count, const uint8_t *flags, const HANDLE *handles, WORD *size)
{
    static uint8_t block[65536];

    memset(block, 0, sizeof block);
    memcpy(block, &count, sizeof count);
    memcpy(block + 4, flags, count);
    for (uint32_t i = 0; i < count; i++) {
        int64_t handle = (INT_PTR)handles[i];

        memcpy(block + 4 + count + i * pointer, &handle, pointer);
    }
    *size = (WORD)(4 + count * (1 + pointer));
    return block;
}
