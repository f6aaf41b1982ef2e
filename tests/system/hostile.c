/*
 * Hostile input and hostile neighbours: programs that are none, texts of the greatest lengths and of no
 * encoding, pipes that somebody else would have, processes that may not be opened, handles that refuse to be
 * closed (G3, G4, G6, G11).
 */
#include "closed.h"
#include "handle_table.h"
#include "talk.h"

#include <tlhelp32.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { LONG_PATH = 32000, LINE_MOST = 32766 };

static struct result result;

/* The library refuses with this stage, with some code, and starts and loses nothing. */
static void assert_library_refuses(struct handoff_request *request, DWORD stage, const char *what)
{
    DWORD before = count_own_handles();
    PROCESS_INFORMATION child;
    struct handoff_error error;
    wchar_t text[512];

    ck_assert_msg(!spawn_patiently(request, &child, &error), "%s: a child was started", what);
    ck_assert_msg(error.stage == stage && error.code != 0, "%s: stage %lu, code %lu", what, error.stage, error.code);
    ck_assert_uint_eq(error.unreclaimed, 0);
    ck_assert_msg(count_own_handles() == before, "%s: the handle table has changed", what);
    ck_assert_uint_gt(handoff_error_text(&error, text, ARRAYSIZE(text)), 0);
    ck_assert_msg(wcspbrk(text, L"\r\n") == NULL, "%s: more than a line: %ls", what, text);
}

/* The prefix, in this width, ends with this code and one line that has `says`. */
static void assert_prefix_refuses(const wchar_t *command, DWORD exit_code, const char *says)
{
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"-- %ls", command);
    ck_assert_msg(result.exit_code == exit_code, "%lu, %s", result.exit_code, result.err);
    ck_assert_str_eq(result.out, "");
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, says) != NULL, "nothing of %s: %s", says, result.err);
}

/* ---- programs that are none ---- */

static void nothing(const wchar_t *path)
{
    write_file(path, "");
}

static void text_file(const wchar_t *path)
{
    write_file(path, "exit 0\r\n");
}

/* A whole DOS program, which points to more that is not there. */
static void headers_cut_short(const wchar_t *path)
{
    HANDLE whole =
        CreateFileW(program(OWN_WIDTH, L"child.exe"), GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE cut = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    char start[0x98];
    DWORD size;

    ck_assert(ReadFile(whole, start, sizeof start, &size, NULL) && WriteFile(cut, start, size, &size, NULL));
    CloseHandle(cut);
    CloseHandle(whole);
}

static void directory(const wchar_t *path)
{
    ck_assert(CreateDirectoryW(path, NULL));
}

static const struct {
    const char *name;
    void (*make)(const wchar_t *);
    DWORD stage, exit_code;
} no_programs[] = {
    {"0 bytes", nothing, HANDOFF_STAGE_CREATE, EXIT_CANNOT_RUN},
    {"a text", text_file, HANDOFF_STAGE_CREATE, EXIT_CANNOT_RUN},
    {"headers cut short", headers_cut_short, HANDOFF_STAGE_CREATE, EXIT_CANNOT_RUN},
    {"a directory", directory, HANDOFF_STAGE_FIND, EXIT_NOT_FOUND},
};

START_TEST(g4_a_file_that_is_no_program)
{
    const wchar_t *path = file_path(L"hostile.exe");
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"");
    wchar_t line[MAX_PATH + 16];

    no_programs[_i].make(path);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\" {h}", path);
    request.command_line = line;
    request.passes = &pass;
    request.pass_count = 1;
    assert_library_refuses(&request, no_programs[_i].stage, no_programs[_i].name);
    request.application = path;
    assert_library_refuses(&request, HANDOFF_STAGE_CREATE, no_programs[_i].name);
    swprintf(line, ARRAYSIZE(line), L"\"%ls\"", path);
    assert_prefix_refuses(line, no_programs[_i].exit_code, "hostile.exe'");
    ck_assert(DeleteFileW(path) || RemoveDirectoryW(path));
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

/* ---- lengths ---- */

static const wchar_t *long_path(void)
{
    static wchar_t path[LONG_PATH + 1];

    wcscpy(path, L"C:\\");
    for (size_t i = 3; i < LONG_PATH; i++)
        path[i] = i % 100 == 0 ? L'\\' : L'p';
    return path;
}

START_TEST(g4_a_program_path_of_32000_characters)
{
    static wchar_t line[LONG_PATH + 8];
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");

    request.application = long_path();
    assert_library_refuses(&request, HANDOFF_STAGE_CREATE, "application");
    request.application = NULL;
    swprintf(line, ARRAYSIZE(line), L"\"%ls\"", long_path());
    request.command_line = line;
    assert_library_refuses(&request, HANDOFF_STAGE_FIND, "first word");
    request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    request.launcher = long_path();
    assert_library_refuses(&request, HANDOFF_STAGE_LAUNCHER, "launcher");
    assert_prefix_refuses(line, EXIT_NOT_FOUND, "'C:\\ppp");
    assert_nobody_left();
}
END_TEST

START_TEST(g4_a_start_directory_of_32000_characters)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");

    request.directory = long_path();
    assert_library_refuses(&request, HANDOFF_STAGE_CREATE, "directory");
    assert_nobody_left();
}
END_TEST

/* {{h}} becomes {h} whatever the number, so the length is known beforehand. */
static wchar_t *line_of_length(size_t rewritten)
{
    static wchar_t line[LINE_MOST + 16];
    size_t length = (size_t)swprintf(line, ARRAYSIZE(line), L"\"%ls\" line {{h}} ", program(OWN_WIDTH, L"child.exe"));

    wmemset(line + length, L'\xd800', rewritten + 2 - length);
    line[rewritten + 2] = L'\0';
    return line;
}

START_TEST(g6_the_longest_line_arrives_and_one_more_is_refused)
{
    HANDLE nul = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    struct handoff_pass pass = {.name = L"h", .handle = nul, .streams = HANDOFF_STDIN};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"");
    const wchar_t *tail;
    DWORD size, code;
    char *text;

    request.command_line = line_of_length(LINE_MOST);
    request.passes = &pass;
    request.pass_count = 1;
    text = spawn_reading(&request, &size, &code);
    tail = wcsstr(request.command_line, L"h}} ") + 4;
    ck_assert_uint_eq(code, 0);
    ck_assert_uint_eq(size, LINE_MOST * sizeof(wchar_t));
    ck_assert(wcscmp(wcsstr((wchar_t *)(void *)text, L"{h} ") + 4, tail) == 0);
    free(text);
    request.command_line = line_of_length(LINE_MOST + 1);
    request.passes = &pass;
    request.pass_count = 1;
    assert_library_refuses(&request, HANDOFF_STAGE_REWRITE, "one more");
    CloseHandle(nul);
    assert_nobody_left();
}
END_TEST

/* As many as a process of today may well have; all of one object, which must not matter. */
START_TEST(ten_thousand_handles)
{
    enum { COUNT = 10000 };
    static struct handoff_pass passes[COUNT];
    static wchar_t names[COUNT][8];
    static DWORD numbers[COUNT];
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"signal {h9999}");
    HANDLE event = make_event();
    DWORD before;
    PROCESS_INFORMATION child;

    for (DWORD i = 0; i < COUNT; i++) {
        swprintf(names[i], ARRAYSIZE(names[i]), L"h%lu", i);
        passes[i] = (struct handoff_pass){.name = names[i], .handle = event, .flags = HANDOFF_OPTIONAL};
    }
    request.passes = passes;
    request.pass_count = COUNT;
    request.numbers = numbers;
    request.creation_flags = CREATE_SUSPENDED;
    before = count_own_handles();
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(count_own_handles(), before + 2);
    ck_assert_uint_ge(count_handles(child.dwProcessId), COUNT);
    ck_assert_uint_ne(numbers[0], numbers[COUNT - 1]);
    ResumeThread(child.hThread);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    request.command_line = L"no-such-program";
    request.pass_count = 1000;
    assert_library_refuses(&request, HANDOFF_STAGE_FIND, "no program");
    request.pass_count = COUNT;
    passes[COUNT - 1].name = names[0];
    assert_library_refuses(&request, HANDOFF_STAGE_REQUEST, "a name twice");
    CloseHandle(event);
    assert_nobody_left();
}
END_TEST

/* ---- names and values ---- */

/* Spelling is everything: case counts, no name hides a longer one, and what a value says is only read where
 * values are given with the spawn. */
START_TEST(names_that_resemble_each_other)
{
    static const wchar_t *const names[] = {L"a", L"A", L"a.b", L"ab", L"a-", L"-", L"0", L"nul", L"a.b.c"};
    static const wchar_t variables[] = L"HO_{a}={{a}}{a.b:x}{aB}\0";
    struct handoff_pass passes[ARRAYSIZE(names)];
    struct handoff_request request =
        request_child(OWN_WIDTH, OWN_WIDTH, L"signal {a} {A} {a.b} {ab} {a-} {-} {0} {nul} {a.b.c}");
    DWORD numbers[ARRAYSIZE(names) + 1], size, code;
    wchar_t expected[64], environment[128] = L"HO_{a}=old", *at;
    PROCESS_INFORMATION child;
    char *text;

    for (size_t i = 0; i < ARRAYSIZE(names); i++)
        passes[i] = (struct handoff_pass){.name = names[i], .handle = make_event()};
    request.passes = passes;
    request.pass_count = ARRAYSIZE(names);
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    for (size_t i = 0; i < ARRAYSIZE(names); i++)
        ck_assert_msg(is_set(passes[i].handle), "'%ls' was another", names[i]);
    /* The inherited {a} stays, the one given with the spawn is read. */
    request = request_child(OWN_WIDTH, OWN_WIDTH, L"environment {a} {A} {a.b} {ab} {a-} {-} {0} {nul} {a.b.c}");
    wmemcpy(environment + wcslen(environment) + 1, L"HO_B={a}\0SystemRoot=C:\\windows\0", 31);
    request.environment = environment;
    request.variables = variables;
    request.numbers = numbers;
    request.passes = passes;
    request.pass_count = ARRAYSIZE(names);
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    swprintf(expected, ARRAYSIZE(expected), L"HO_{a}={a}%lx{aB}", numbers[2]);
    for (at = (wchar_t *)(void *)text; *at != L'\0' && wcscmp(at, expected) != 0;)
        at += wcslen(at) + 1;
    ck_assert_msg(*at != L'\0', "no %ls", expected);
    for (at = (wchar_t *)(void *)text; *at != L'\0' && wcscmp(at, L"HO_B={a}") != 0;)
        at += wcslen(at) + 1;
    ck_assert_msg(*at != L'\0', "an inherited value was read");
    free(text);
    for (size_t i = 0; i < ARRAYSIZE(names); i++)
        CloseHandle(passes[i].handle);
}
END_TEST

/* Half a character is a unit like any other. */
START_TEST(lone_surrogates_arrive)
{
    static const wchar_t environment[] = L"HO_\xd800=\xdc00\xd800\0HO_B=\xfffe\0SystemRoot=C:\\windows\0";
    static const wchar_t variables[] = L"HO_\xdfff=x\xdbff\0";
    static const wchar_t *const expected[] = {L"HO_\xd800=\xdc00\xd800", L"HO_B=\xfffe", L"HO_\xdfff=x\xdbff"};
    static const wchar_t title[] = L"\xd800t\xdc00";
    STARTUPINFOW startup = {.cb = sizeof startup, .lpTitle = (wchar_t *)(UINT_PTR)title};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"environment");
    DWORD size, code;
    wchar_t *at;
    char *text;

    request.environment = environment;
    request.variables = variables;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    for (size_t i = 0; i < ARRAYSIZE(expected); i++) {
        for (at = (wchar_t *)(void *)text; *at != L'\0' && wcscmp(at, expected[i]) != 0;)
            at += wcslen(at) + 1;
        ck_assert_msg(*at != L'\0', "no %s", shown(expected[i]));
    }
    free(text);
    request = request_child(OWN_WIDTH, OWN_WIDTH, L"place");
    request.startup = &startup;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    at = wcschr((wchar_t *)(void *)text, L'|');
    ck_assert_msg(at != NULL && wcscmp(at + 1, title) == 0, "%s", shown((wchar_t *)(void *)text));
    free(text);
}
END_TEST

/* A file system may refuse such a name (Wine's does): then it is found to be no program. */
START_TEST(a_path_with_a_lone_surrogate)
{
    const wchar_t *path = file_path(L"\xd800.exe");
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"");
    wchar_t line[MAX_PATH + 16];
    DWORD size, code;
    char *text;

    swprintf(line, ARRAYSIZE(line), L"\"%ls\" line", path);
    request.command_line = line;
    assert_library_refuses(&request, HANDOFF_STAGE_FIND, "no file yet");
    if (!CopyFileW(program(OWN_WIDTH, L"child.exe"), path, FALSE))
        return;
    text = spawn_reading(&request, &size, &code);
    ck_assert_uint_eq(code, 0);
    ck_assert_msg(size == wcslen(line) * sizeof *line && memcmp(text, line, size) == 0, "%s",
                  shown((wchar_t *)(void *)text));
    free(text);
    ck_assert(DeleteFileW(path));
}
END_TEST

/* ---- the pipe of a relay ---- */

/* The product's own source, with a name that can be foreseen, and as it may be on Windows. */
#include "pipe.h"
#include "text.h"

static uint64_t foreseen_nonce(void)
{
    return 0x1234567890abcdef;
}

static struct {
    BOOL is_old;       /* knows no remote clients */
    BOOL is_guarded;   /* only what is LOCAL may be made */
    BOOL in_container; /* and this process is in an app container */
    BOOL is_busy;      /* somebody is quicker to connect */
    HANDLE intruder;
    DWORD modes; /* that a pipe was to be made with */
} beside;

static const wchar_t local_pipes[] = L"\\\\.\\pipe\\LOCAL\\";

static HANDLE WINAPI create_named_pipe(const wchar_t *name, DWORD flags, DWORD mode, DWORD instances, DWORD out_size,
                                       DWORD in_size, DWORD timeout, SECURITY_ATTRIBUTES *security)
{
    beside.modes |= mode;
    if (beside.is_guarded && wcsncmp(name, local_pipes, wcslen(local_pipes)) != 0) {
        SetLastError(ERROR_ACCESS_DENIED);
        return INVALID_HANDLE_VALUE;
    }
    if (beside.is_old && (mode & PIPE_REJECT_REMOTE_CLIENTS) != 0) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return INVALID_HANDLE_VALUE;
    }
    return CreateNamedPipeW(name, flags, mode, instances, out_size, in_size, timeout, security);
}

static HANDLE WINAPI connect_second(const wchar_t *name, DWORD access, DWORD share, SECURITY_ATTRIBUTES *security,
                                    DWORD disposition, DWORD flags, HANDLE other)
{
    if (beside.is_busy)
        beside.intruder = CreateFileW(name, access, share, security, disposition, flags, other);
    return CreateFileW(name, access, share, security, disposition, flags, other);
}

static LONG WINAPI query_token(HANDLE token, TOKEN_INFORMATION_CLASS kind, void *information, ULONG size, ULONG *used)
{
    if (token != (HANDLE)(LONG_PTR)-6 || kind != TokenIsAppContainer || size != sizeof(ULONG))
        return (LONG)0xC0000008;
    *(ULONG *)information = beside.in_container ? 1 : 0;
    *used = size;
    return 0;
}

static FARPROC WINAPI find_function(HMODULE module, const char *name)
{
    return strcmp(name, "NtQueryInformationToken") == 0 ? (FARPROC)(void *)query_token : GetProcAddress(module, name);
}

DWORD make_pipe_beside(DWORD size, HANDLE *read_end, HANDLE *write_end);

#define make_nonce foreseen_nonce
#define pipe_make make_pipe_beside
#define CreateFileW connect_second
#define CreateNamedPipeW create_named_pipe
#define GetProcAddress find_function
#include "../../launcher/prefix/pipe.c"
#undef GetProcAddress
#undef CreateNamedPipeW
#undef CreateFileW
#undef pipe_make
#undef make_nonce

static void reset_neighbours(void)
{
    ZeroMemory(&beside, sizeof beside);
}

static void name_of_pipe(wchar_t name[64])
{
    swprintf(name, 64, L"\\\\.\\pipe\\handoff-%lx-%I64x", GetCurrentProcessId(), (unsigned long long)foreseen_nonce());
}

/* Who has the name already gets not a byte, and we get none of his. */
START_TEST(g3_a_squatted_name_is_refused)
{
    HANDLE squatter, read_end, write_end;
    wchar_t name[64];
    DWORD size;
    char byte;

    name_of_pipe(name);
    squatter = CreateNamedPipeW(name, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE | PIPE_NOWAIT, PIPE_UNLIMITED_INSTANCES, 4096,
                                4096, 0, NULL);
    ck_assert(squatter != INVALID_HANDLE_VALUE);
    ck_assert_uint_ne(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert_ptr_null(write_end);
    if (read_end != NULL)
        CloseHandle(read_end);
    ck_assert(!ReadFile(squatter, &byte, 1, &size, NULL));
    CloseHandle(squatter);
    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    CloseHandle(read_end);
    CloseHandle(write_end);
}
END_TEST

/* Who connects between the two calls makes them fail, instead of being served. */
START_TEST(g3_a_pipe_that_somebody_else_connected_to_is_refused)
{
    HANDLE read_end, write_end;

    beside.is_busy = TRUE;
    ck_assert_uint_ne(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert_msg(beside.intruder != INVALID_HANDLE_VALUE, "nobody was quicker");
    ck_assert_ptr_null(write_end);
    CloseHandle(read_end);
    CloseHandle(beside.intruder);
}
END_TEST

static void assert_pipe_is_made(void)
{
    HANDLE read_end, write_end;
    char byte = 'x';
    DWORD size;

    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_SUCCESS);
    ck_assert(WriteFile(write_end, &byte, 1, &size, NULL));
    ck_assert(PeekNamedPipe(read_end, &byte, 1, NULL, &size, NULL) && size == 1);
    CloseHandle(read_end);
    CloseHandle(write_end);
}

/* Where Windows can; before Vista it does not know how. */
START_TEST(g3_a_pipe_refuses_remote_clients)
{
    assert_pipe_is_made();
    ck_assert_uint_ne(beside.modes & PIPE_REJECT_REMOTE_CLIENTS, 0);
    beside.is_old = TRUE;
    assert_pipe_is_made();
}
END_TEST

/* It may make no other, and others may not make those. */
START_TEST(an_app_container_has_pipes_of_its_own)
{
    HANDLE read_end, write_end;

    beside.is_guarded = beside.in_container = TRUE;
    assert_pipe_is_made();
    beside.in_container = FALSE;
    ck_assert_uint_eq(make_pipe_beside(4096, &read_end, &write_end), ERROR_ACCESS_DENIED);
    ck_assert(read_end == NULL && write_end == NULL);
}
END_TEST

/* ---- what parent and launcher share ---- */

typedef LONG(WINAPI *query_object_function)(HANDLE, int, void *, ULONG, ULONG *);

/* A UNICODE_STRING, whose length comes first; processes and threads have none. */
static BOOL has_name(HANDLE handle)
{
    enum { OBJECT_NAME_INFORMATION = 1 };
    query_object_function query =
        (query_object_function)(void *)GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "NtQueryObject");
    _Alignas(16) USHORT answer[512] = {0};
    ULONG size;

    return query(handle, OBJECT_NAME_INFORMATION, answer, sizeof answer, &size) >= 0 && answer[0] != 0;
}

/* An anonymous pipe has a name up to XP, and here and there later. Its only instance is taken, so nobody can open it. */
static BOOL is_taken_pipe(HANDLE handle)
{
    _Alignas(8) unsigned char answer[sizeof(FILE_NAME_INFO) + 512] = {0};
    FILE_NAME_INFO *name = (FILE_NAME_INFO *)(void *)answer;
    wchar_t path[300];
    DWORD most;

    if (GetFileType(handle) != FILE_TYPE_PIPE || !GetNamedPipeInfo(handle, NULL, NULL, NULL, &most) || most != 1 ||
        !GetFileInformationByHandleEx(handle, FileNameInfo, name, sizeof answer))
        return FALSE;
    swprintf(path, ARRAYSIZE(path), L"\\\\.\\pipe%.*ls", (int)(name->FileNameLength / sizeof(wchar_t)), name->FileName);
    return CreateFileW(path, GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL) == INVALID_HANDLE_VALUE &&
           GetLastError() == ERROR_PIPE_BUSY;
}

static BOOL is_open(UINT_PTR number)
{
    DWORD flags;

    return GetHandleInformation((HANDLE)number, &flags);
}

static void spawn_with(struct handoff_launcher *resident)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 9");
    PROCESS_INFORMATION child;

    request.resident = resident;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 9);
}

/* So nobody can open it, or have its name first. */
START_TEST(g3_nothing_that_parent_and_launcher_share_can_be_opened_by_name)
{
    enum { NUMBERS = 0x1000 };
    static BOOL before[NUMBERS];
    HANDLE named = CreateEventW(NULL, FALSE, FALSE, L"handoff-hostile-named");
    struct handoff_launcher *resident;
    int shared = 0;

    ck_assert(has_name(named));
    spawn_with(NULL); /* what the system keeps of a first start is not ours */
    for (UINT_PTR number = 4; number < NUMBERS; number += 4)
        before[number] = is_open(number);
    resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    ck_assert_ptr_nonnull(resident);
    spawn_with(resident);
    for (UINT_PTR number = 4; number < NUMBERS; number += 4) {
        if (before[number] || !is_open(number))
            continue;
        ck_assert_msg(!has_name((HANDLE)number) || is_taken_pipe((HANDLE)number), "handle 0x%x has a name",
                      (unsigned)number);
        shared++;
    }
    ck_assert_int_ge(shared, 4); /* a page, two events and a pipe */
    handoff_launcher_close(resident);
    CloseHandle(named);
    assert_nobody_left();
}
END_TEST

/* Its handles of this process can take, look and wait. */
START_TEST(g3_a_launcher_may_do_little_with_its_parent)
{
    struct handoff_trace trace = {0};
    struct handoff_launcher *resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;
    HANDLE launcher, self = duplicate(GetCurrentProcess());
    struct table *table;
    int found = 0;

    request.resident = resident;
    request.trace = &trace;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    launcher = open_closed(OpenProcess, PROCESS_DUP_HANDLE, trace.launcher_id);
    table = query_table();
    ck_assert(launcher != NULL && table != NULL);
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id != trace.launcher_id ||
            !process_has_at(launcher, (DWORD)table->entries[i].handle, self))
            continue;
        ck_assert_uint_eq(table->entries[i].access, PROCESS_DUP_HANDLE | PROCESS_QUERY_INFORMATION |
                                                        PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE);
        found++;
    }
    ck_assert_int_eq(found, 1);
    free_table(table);
    handoff_launcher_close(resident);
    CloseHandle(launcher);
    CloseHandle(self);
    assert_nobody_left();
}
END_TEST

/* ---- processes that may not be opened ---- */

/* Takes all access to this process from everybody. Returns the descriptor that it had. */
static SECURITY_DESCRIPTOR *close_process(void)
{
    static _Alignas(16) BYTE old[1024];
    SECURITY_DESCRIPTOR closed;
    ACL nobody;
    DWORD size;

    ck_assert(GetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, old, sizeof old, &size));
    ck_assert(InitializeAcl(&nobody, sizeof nobody, ACL_REVISION));
    ck_assert(InitializeSecurityDescriptor(&closed, SECURITY_DESCRIPTOR_REVISION));
    ck_assert(SetSecurityDescriptorDacl(&closed, TRUE, &nobody, FALSE));
    ck_assert(SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, &closed));
    return (SECURITY_DESCRIPTOR *)(void *)old;
}

static BOOL can_be_opened(void)
{
    HANDLE process = OpenProcess(PROCESS_DUP_HANDLE, FALSE, GetCurrentProcessId());

    return process != NULL && CloseHandle(process);
}

static void spawn_signalling(struct handoff_launcher *resident)
{
    HANDLE event = make_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"signal {h}");
    PROCESS_INFORMATION child;

    request.passes = &pass;
    request.pass_count = 1;
    request.resident = resident;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    CloseHandle(event);
}

static SECURITY_DESCRIPTOR *open_descriptor;

static void close_this_process(void)
{
    open_descriptor = close_process();
}

static void open_this_process(void)
{
    SetKernelObjectSecurity(GetCurrentProcess(), DACL_SECURITY_INFORMATION, open_descriptor);
}

/* Nobody needs to open a parent to start a child for it. */
START_TEST(g3_a_parent_that_may_not_be_opened_spawns)
{
    struct handoff_launcher *resident;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    spawn_signalling(NULL);
    resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    ck_assert_ptr_nonnull(resident);
    spawn_signalling(resident);
    handoff_launcher_close(resident);
    assert_nobody_left();
}
END_TEST

/* ---- robbing a parent through its launcher ---- */

/* What any process of this user says that was started without handoff. */
static const char *ask_stranger(const wchar_t *format, ...)
{
    wchar_t line[128];
    va_list arguments;

    va_start(arguments, format);
    vswprintf(line, ARRAYSIZE(line), format, arguments);
    va_end(arguments);
    run(&result, program(OWN_WIDTH, L"child.exe"), L"%ls", line);
    ck_assert_msg(result.exit_code == 0, "'%s' ended with %lu", shown(line), result.exit_code);
    return result.out;
}

static DWORD find_thread(DWORD process_id)
{
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    BOOL more = Thread32First(snapshot, &entry);

    while (more && entry.th32OwnerProcessID != process_id)
        more = Thread32Next(snapshot, &entry);
    CloseHandle(snapshot);
    ck_assert_msg(more, "process %lu has no thread", process_id);
    return entry.th32ThreadID;
}

static void ask_rights(DWORD process_id, DWORD thread_id, unsigned long *process, unsigned long *thread)
{
    ck_assert_int_eq(sscanf(ask_stranger(L"pry %lu %lu", process_id, thread_id), "%lx %lx", process, thread), 2);
}

/* No right that the closed process does not give: that are those of an owner, who may say who may open it. */
static void assert_closed(DWORD process_id, DWORD thread_id)
{
    unsigned long own, process, thread, unused;

    ask_rights(GetCurrentProcessId(), 0, &own, &unused);
    ask_rights(process_id, thread_id, &process, &thread);
    ck_assert_msg((own & SPECIFIC_RIGHTS_ALL) == 0, "this process can be opened with rights %lx", own);
    ck_assert_msg((process & ~own) == 0, "the launcher can be opened with rights %lx, its parent with %lx", process,
                  own);
    ck_assert_msg((thread & ~own) == 0, "its thread can be opened with rights %lx, its parent with %lx", thread, own);
}

/* What a process says, whoever asks: an entry, by which its owner may read just this. */
static void assert_owner_has_nothing(HANDLE object)
{
    static const SID owner_rights = {
        SID_REVISION, 1, {SECURITY_CREATOR_SID_AUTHORITY}, {4 /* SECURITY_CREATOR_OWNER_RIGHTS_RID */}};
    _Alignas(16) BYTE descriptor[512];
    BOOL present = FALSE, defaulted;
    ACL *list = NULL;
    ACCESS_ALLOWED_ACE *entry;
    DWORD size;

    ck_assert_ptr_nonnull(object);
    ck_assert(GetKernelObjectSecurity(object, DACL_SECURITY_INFORMATION, descriptor, sizeof descriptor, &size));
    ck_assert(GetSecurityDescriptorDacl(descriptor, &present, &list, &defaulted));
    ck_assert(present && list != NULL);
    ck_assert_uint_eq(list->AceCount, 1);
    ck_assert(GetAce(list, 0, (void **)&entry));
    ck_assert(entry->Header.AceType == ACCESS_ALLOWED_ACE_TYPE && entry->Header.AceFlags == 0);
    ck_assert(EqualSid(&entry->SidStart, (SID *)(UINT_PTR)&owner_rights));
    ck_assert_uint_eq(entry->Mask, READ_CONTROL);
    CloseHandle(object);
}

static void assert_not_robbed(DWORD launcher_id)
{
    HANDLE event = make_event(), is_event = duplicate(event);
    const char *said = ask_stranger(L"rob %lu %lu %u", launcher_id, GetCurrentProcessId(), number_of(event));

    ck_assert_str_eq(said, "closed\r\n");
    ck_assert(is_open_for(event, is_event));
    CloseHandle(event);
    CloseHandle(is_event);
}

static void assert_keeps_strangers_out(DWORD launcher_id)
{
    DWORD thread_id = find_thread(launcher_id);

    assert_not_robbed(launcher_id);
    assert_closed(launcher_id, thread_id);
    assert_owner_has_nothing(OpenProcess(READ_CONTROL, FALSE, launcher_id));
    assert_owner_has_nothing(OpenThread(READ_CONTROL, FALSE, thread_id));
}

START_TEST(g9_nobody_reaches_a_parent_through_its_resident_launcher)
{
    struct handoff_trace trace = {0};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    request.resident = handoff_launcher_open(program(OWN_WIDTH, L"handoff-launcher.exe"), NULL);
    request.trace = &trace;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    assert_keeps_strangers_out(trace.launcher_id);
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    handoff_launcher_close(request.resident);
    assert_nobody_left();
}
END_TEST

static DWORD WINAPI spawn_one_shot(void *unused)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child;
    DWORD code = 0;

    (void)unused;
    request.launcher = program(OWN_WIDTH, L"faulty-launcher.exe");
    if (!spawn_patiently(&request, &child, NULL))
        return GetLastError();
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hProcess);
    CloseHandle(child.hThread);
    return code;
}

static DWORD await_launcher(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    BOOL more = FALSE;

    while (!more) { /* the watch over all tests ends it */
        HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

        more = Process32FirstW(snapshot, &entry);
        while (more && (entry.th32ParentProcessID != GetCurrentProcessId() ||
                        wcscmp(entry.szExeFile, L"faulty-launcher.exe") != 0))
            more = Process32NextW(snapshot, &entry);
        CloseHandle(snapshot);
        Sleep(1);
    }
    return entry.th32ProcessID;
}

/* It waits meanwhile, and has what it was given. */
START_TEST(g9_nobody_reaches_a_parent_through_a_launcher_of_one_spawn)
{
    char name[64], fault[64];
    HANDLE go, thread;
    DWORD code;

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    snprintf(name, sizeof name, "handoff-await-%lu", GetCurrentProcessId());
    snprintf(fault, sizeof fault, "await %lu", GetCurrentProcessId());
    go = CreateEventA(NULL, TRUE, FALSE, name);
    SetEnvironmentVariableA("HANDOFF_FAULT", fault);
    thread = CreateThread(NULL, 0, spawn_one_shot, NULL, 0, NULL);
    assert_keeps_strangers_out(await_launcher());
    SetEvent(go);
    ck_assert_uint_eq(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
    ck_assert(GetExitCodeThread(thread, &code));
    ck_assert_uint_eq(code, 0);
    CloseHandle(thread);
    CloseHandle(go);
    assert_nobody_left();
}
END_TEST

/* ---- */

static _Alignas(16) BYTE descriptors[2][1024];

static void read_descriptor(HANDLE object, BYTE descriptor[1024])
{
    DWORD size;

    memset(descriptor, 0, 1024);
    ck_assert(GetKernelObjectSecurity(
        object, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, descriptor, 1024,
        &size));
}

/* Its creator may not be opened, and it has nothing of that. */
START_TEST(g9_the_child_is_as_open_as_any)
{
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"exit 0");
    PROCESS_INFORMATION child, direct;
    wchar_t line[MAX_PATH + 16];

    wcscpy(line, request.command_line);
    direct = start_program(program(OWN_WIDTH, L"child.exe"), line, 0);
    child = spawn_or_fail(&request);
    read_descriptor(direct.hProcess, descriptors[0]);
    read_descriptor(child.hProcess, descriptors[1]);
    ck_assert_int_eq(memcmp(descriptors[0], descriptors[1], 1024), 0);
    read_descriptor(direct.hThread, descriptors[0]);
    read_descriptor(child.hThread, descriptors[1]);
    ck_assert_int_eq(memcmp(descriptors[0], descriptors[1], 1024), 0);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert_uint_eq(finish_child(&direct), 0);
}
END_TEST

/* What another user's process, or an elevated one, is to the prefix: the first thing that it does with it fails,
 * before a handle is touched. */
START_TEST(g3_a_process_that_may_not_be_opened)
{
    HANDLE event = make_event(), is_event = duplicate(event);
    DWORD before = count_own_handles();

    if (can_be_opened()) {
        skip("nothing keeps this user from opening a process");
        return;
    }
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--parent %lu --steal h=%u -- \"%ls\" signal {h}",
        GetCurrentProcessId(), number_of(event), program(OWN_WIDTH, L"child.exe"));
    ck_assert_uint_eq(result.exit_code, EXIT_HANDOFF);
    assert_one_line(result.err);
    ck_assert_msg(strstr(result.err, "Win32 error 5") != NULL && strstr(result.err, "same user") != NULL &&
                      strstr(result.err, "; nothing was stolen\r\n") != NULL,
                  "%s", result.err);
    ck_assert(is_open_for(event, is_event));
    ck_assert(!is_set(event));
    ck_assert_uint_eq(count_own_handles(), before);
    CloseHandle(event);
    CloseHandle(is_event);
    assert_nobody_left();
}
END_TEST

/* Windows lets nobody into the first, and the second does not exist. */
START_TEST(g3_the_system_is_no_parent)
{
    static const DWORD process_ids[] = {4, 0};

    for (size_t i = 0; i < ARRAYSIZE(process_ids); i++) {
        run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--parent %lu --steal h=16 -- \"%ls\" signal {h}",
            process_ids[i], program(OWN_WIDTH, L"child.exe"));
        ck_assert_msg(result.exit_code == EXIT_HANDOFF, "%lu: %s", result.exit_code, result.err);
        assert_one_line(result.err);
        ck_assert_ptr_nonnull(strstr(result.err, "handoff: the launcher cannot reach its parent: Win32 error "));
        ck_assert_ptr_nonnull(strstr(result.err, "; nothing was stolen\r\n"));
    }
    assert_nobody_left();
}
END_TEST

/* ---- handles that refuse to be closed ---- */

static HANDLE make_protected_event(void)
{
    HANDLE event = make_event();

    ck_assert(SetHandleInformation(event, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE));
    return event;
}

static void close_protected(HANDLE event)
{
    DWORD flags = 0;

    ck_assert_msg(GetHandleInformation(event, &flags) && flags == HANDLE_FLAG_PROTECT_FROM_CLOSE,
                  "the handle's flags are 0x%lx", flags);
    ck_assert(SetHandleInformation(event, HANDLE_FLAG_PROTECT_FROM_CLOSE, 0));
    ck_assert(CloseHandle(event));
}

/* The protection is the caller's number's, not the duplicate's: that one is stolen and gone. */
START_TEST(g3_a_protected_handle_is_passed)
{
    HANDLE event = make_protected_event();
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(OWN_WIDTH, OWN_WIDTH, L"signal {h}");
    struct handoff_offering *offering;
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    PROCESS_INFORMATION child;
    DWORD before = count_own_handles();

    request.passes = &pass;
    request.pass_count = 1;
    child = spawn_or_fail(&request);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    offering = handoff_offer(event, token);
    ck_assert_ptr_nonnull(offering);
    ck_assert(handoff_withdraw(offering));
    ResetEvent(event);
    run(&result, program(OWN_WIDTH, L"handoff.exe"), L"--parent %lu --copy h=%u -- \"%ls\" signal {h}",
        GetCurrentProcessId(), number_of(event), program(OWN_WIDTH, L"child.exe"));
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert(is_set(event));
    ck_assert_uint_eq(count_own_handles(), before);
    close_protected(event);
}
END_TEST

/* A steal would leave it open and say nothing: so it is refused, and the others stay. Where a copy does not tell
 * (Wine), a launcher that is told shows it. */
START_TEST(g3_a_protected_handle_is_not_stolen)
{
    HANDLE event = make_protected_event(), other = make_event(), is_other = duplicate(other);
    wchar_t number[16];

    swprintf(number, ARRAYSIZE(number), L"%u", number_of(event));
    SetEnvironmentVariableW(L"HANDOFF_PROTECTED", number);
    for (int first = 0; first < 2; first++) {
        run(&result, program(_i, L"faulty-prefix.exe"),
            L"--parent %lu --steal %ls=%u --steal %ls=%u -- \"%ls\" signal {h} {o}", GetCurrentProcessId(),
            first ? L"h" : L"o", number_of(first ? event : other), first ? L"o" : L"h",
            number_of(first ? other : event), program(OWN_WIDTH, L"child.exe"));
        ck_assert_msg(result.exit_code == EXIT_HANDOFF, "%lu: %s", result.exit_code, result.err);
        assert_one_line(result.err);
        ck_assert_msg(strstr(result.err, "'h'") != NULL && strstr(result.err, "protected") != NULL &&
                          strstr(result.err, "; nothing was stolen\r\n") != NULL,
                      "%s", result.err);
        ck_assert(is_open_for(other, is_other));
        ck_assert(!is_set(event) && !is_set(other));
    }
    /* A copy of it is no steal. */
    run(&result, program(_i, L"faulty-prefix.exe"), L"--parent %lu --copy h=%u --steal o=%u -- \"%ls\" signal {h} {o}",
        GetCurrentProcessId(), number_of(event), number_of(other), program(OWN_WIDTH, L"child.exe"));
    SetEnvironmentVariableW(L"HANDOFF_PROTECTED", NULL);
    ck_assert_msg(result.exit_code == 0, "%s", result.err);
    ck_assert(is_set(event) && is_set(is_other) && !is_open_for(other, is_other));
    CloseHandle(is_other);
    close_protected(event);
    assert_nobody_left();
}
END_TEST

/* ---- what Windows refuses and Wine forgives ---- */

/* The product's own source on a Windows that duplicates into a process that is none: with success and nothing. */
static BOOL duplicate_nothing(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate_to, DWORD access,
                              BOOL inheritable, DWORD options)
{
    (void)source, (void)handle, (void)target, (void)access, (void)inheritable, (void)options;
    *duplicate_to = NULL;
    return TRUE;
}

/* And where memory that is only reserved cannot be read: Wine lets it be, in a section. */
static void *map_reserved(HANDLE section, DWORD access, DWORD high, DWORD low, SIZE_T size)
{
    (void)section, (void)access, (void)high, (void)low, (void)size;
    return VirtualAlloc(NULL, 1 << 16, MEM_RESERVE, PAGE_READWRITE);
}

static BOOL unmap_reserved(void *memory)
{
    return VirtualFree(memory, 0, MEM_RELEASE);
}

#include "steal.h"

#define DuplicateHandle duplicate_nothing
#define MapViewOfFile map_reserved
#define UnmapViewOfFile unmap_reserved
#define duplicate duplicate_by_number
#define steal steal_nothing
#define copy copy_nothing
#define put put_nothing
#define put_with put_nothing_with
#define handle_move move_nothing
#define steal_claimed steal_claimed_nothing
#define map_page map_reserved_page
#include "../../common/take.c"
#undef DuplicateHandle
#undef MapViewOfFile
#undef UnmapViewOfFile
#undef duplicate
#undef steal
#undef copy
#undef put
#undef put_with
#undef handle_move
#undef steal_claimed
#undef map_page

START_TEST(g3_a_success_without_a_handle_is_none)
{
    struct claim claim = {0};
    HANDLE handle = (HANDLE)4;

    ck_assert_uint_eq(steal_nothing(GetCurrentProcess(), 8, FALSE, &handle), ERROR_INVALID_HANDLE);
    ck_assert_ptr_null(handle);
    claim_offer(&claim, 8);
    ck_assert_uint_eq(steal_claimed_nothing(GetCurrentProcess(), &claim, FALSE, &handle), ERROR_INVALID_HANDLE);
    ck_assert_uint_eq(claim_state(&claim), CLAIM_TAKEN); /* whatever became of the number, it is nobody's now */
    ck_assert_uint_eq(claim.taken_as, 0);
}
END_TEST

START_TEST(g3_reserved_memory_is_no_page)
{
    struct claim_page *page;

    ck_assert_uint_eq(map_reserved_page(NULL, 0, &page), ERROR_INVALID_DATA);
    ck_assert_ptr_null(page);
}
END_TEST

/* The launcher refuses it itself (tests/faulty/strict.h): so whatever gets through, Windows takes. */
static void spawn_strictly(int launcher_width, struct handoff_request *request, struct handoff_pass *passes,
                           DWORD count, const char *what)
{
    PROCESS_INFORMATION child;
    struct handoff_error error = {0};
    wchar_t text[512];
    BOOL spawned = FALSE;

    request->launcher = program(launcher_width, L"faulty-launcher.exe");
    request->passes = passes;
    request->pass_count = count;
    for (int tries = 0; tries < START_TRIES && !spawned; tries++) {
        SetEnvironmentVariableA("HANDOFF_FAULT", "strict");
        spawned = handoff_spawn(request, &child, &error);
        SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
        if (error.code != ERROR_INTERNAL_ERROR)
            break;
    }
    handoff_error_text(&error, text, ARRAYSIZE(text));
    ck_assert_msg(spawned, "%s: %ls", what, text);
    ck_assert_msg(finish_child(&child) == 7, "%s: the child ran otherwise", what);
}

static const struct {
    const char *name;
    DWORD count, closed_streams, creation_flags;
    BOOL seal_all;
} strict_rows[] = {
    {"nothing at all", 0, 7, 0, FALSE},       {"nothing, and no console", 0, 7, DETACHED_PROCESS, FALSE},
    {"own streams", 0, 0, 0, FALSE},          {"own streams, no window", 0, 0, CREATE_NO_WINDOW, FALSE},
    {"some of them", 0, 2, 0, FALSE},         {"one object under two names", 2, 0, 0, FALSE},
    {"names, and no stream", 2, 7, 0, FALSE}, {"a descriptor too", 3, 0, 0, FALSE},
    {"a stream that is two", 4, 0, 0, FALSE}, {"all of it, sealed", 4, 0, 0, TRUE},
};

START_TEST(g2_g8_what_windows_would_refuse_is_not_asked_for)
{
    HANDLE nul = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                             OPEN_EXISTING, 0, NULL);
    struct handoff_pass passes[] = {{.name = L"a", .handle = nul, .flags = HANDOFF_OPTIONAL},
                                    {.name = L"b", .handle = nul, .flags = HANDOFF_OPTIONAL},
                                    {.handle = nul, .descriptor = 3},
                                    {.handle = nul, .streams = HANDOFF_STDOUT | HANDOFF_STDERR}};

    for (size_t i = 0; i < ARRAYSIZE(strict_rows); i++) {
        struct handoff_request request = request_child(_i, OWN_WIDTH, L"exit 7");

        request.closed_streams = strict_rows[i].closed_streams;
        request.creation_flags = strict_rows[i].creation_flags;
        request.seal_all = strict_rows[i].seal_all;
        spawn_strictly(_i, &request, passes, strict_rows[i].count, strict_rows[i].name);
    }
    CloseHandle(nul);
    assert_nobody_left();
}
END_TEST

/* For a batch file Wine drops the handle list. */
START_TEST(g2_a_batch_file_is_cmds)
{
    const wchar_t *path = file_path(L"strict.bat");
    struct handoff_pass pass = {.name = L"a", .handle = make_event(), .flags = HANDOFF_OPTIONAL};
    struct handoff_request request = request_child(_i, OWN_WIDTH, L"");
    wchar_t line[MAX_PATH + 16];

    write_file(path, "@exit 7\r\n");
    swprintf(line, ARRAYSIZE(line), L"\"%ls\"", path);
    request.command_line = line;
    spawn_strictly(_i, &request, &pass, 1, "a batch file");
    request.application = path;
    spawn_strictly(_i, &request, &pass, 1, "a batch file as application");
    run(&result, program(_i, L"faulty-prefix.exe"), L"-- %ls", line);
    ck_assert_msg(result.exit_code == 7, "%lu: %s", result.exit_code, result.err);
    ck_assert(DeleteFileW(path));
    CloseHandle(pass.handle);
    assert_nobody_left();
}
END_TEST

START_TEST(g2_g8_nor_by_the_prefix)
{
    static const wchar_t *const options[] = {L"", L"--copy a=%u --stdin a",
                                             L"--copy a=%u --stdout a --stderr a --copy b=%u --fd 3=b",
                                             L"--steal a=%u --copy b=%u --fd 3=a --fd 4=b --seal"};

    for (size_t i = 0; i < ARRAYSIZE(options); i++) {
        HANDLE event = make_event(), other = make_event();
        wchar_t given[256];

        swprintf(given, ARRAYSIZE(given), options[i], number_of(event), number_of(other));
        run(&result, program(_i, L"faulty-prefix.exe"), L"--parent %lu %ls -- \"%ls\" exit 7", GetCurrentProcessId(),
            given, program(OWN_WIDTH, L"child.exe"));
        ck_assert_msg(result.exit_code == 7, "%ls: %lu, %s", options[i], result.exit_code, result.err);
        if (wcsstr(options[i], L"--steal") == NULL) /* its number is nobody's */
            CloseHandle(event);
        CloseHandle(other);
    }
    assert_nobody_left();
}
END_TEST

/* Of two streams that are one handle the command gets another for one: what is kept from it as the one is listed as
 * the other. */
START_TEST(g2_a_stream_that_the_other_one_is_too)
{
    static const wchar_t *const claimed[] = {L"--stdout a", L"--stderr a"};

    for (size_t i = 0; i < ARRAYSIZE(claimed); i++) {
        HANDLE event = make_event(), read, streams[3] = {NULL};
        PROCESS_INFORMATION prefix;
        wchar_t line[1024];
        char said[256];

        make_pipe(&read, &streams[1]);
        streams[2] = streams[1];
        swprintf(line, ARRAYSIZE(line), L"\"%ls\" --parent %lu --copy a=%u %ls -- \"%ls\" exit 7",
                 program(_i, L"faulty-prefix.exe"), GetCurrentProcessId(), number_of(event), claimed[i],
                 program(OWN_WIDTH, L"child.exe"));
        ck_assert(start_inheriting(line, streams, NULL, 0, NULL, 0, NULL, &prefix));
        CloseHandle(streams[1]);
        read_all(read, said, sizeof said);
        ck_assert_uint_eq(finish_child(&prefix), 7);
        ck_assert_str_eq(said, "");
        CloseHandle(event);
    }
    assert_nobody_left();
}
END_TEST

Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile");
    TCase *input = tcase_create("hostile input");
    TCase *names = tcase_create("hostile names");
    TCase *closed = tcase_create("closed processes");
    TCase *neighbours = tcase_create("hostile neighbours");
    TCase *windows = tcase_create("as on Windows");

    tcase_add_loop_test(input, g4_a_file_that_is_no_program, 0, ARRAYSIZE(no_programs));
    tcase_add_test(input, g4_a_program_path_of_32000_characters);
    tcase_add_test(input, g4_a_start_directory_of_32000_characters);
    tcase_add_test(input, g6_the_longest_line_arrives_and_one_more_is_refused);
    tcase_add_test(input, ten_thousand_handles);
    tcase_add_test(input, names_that_resemble_each_other);
    tcase_add_test(input, lone_surrogates_arrive);
    tcase_add_test(input, a_path_with_a_lone_surrogate);
    suite_add_tcase(suite, input);
    tcase_add_checked_fixture(names, reset_neighbours, reset_neighbours);
    tcase_add_test(names, g3_a_squatted_name_is_refused);
    tcase_add_test(names, g3_a_pipe_that_somebody_else_connected_to_is_refused);
    tcase_add_test(names, g3_a_pipe_refuses_remote_clients);
    tcase_add_test(names, an_app_container_has_pipes_of_its_own);
    suite_add_tcase(suite, names);
    tcase_add_checked_fixture(closed, close_this_process, open_this_process);
    tcase_add_test(closed, g3_a_parent_that_may_not_be_opened_spawns);
    tcase_add_test(closed, g9_nobody_reaches_a_parent_through_its_resident_launcher);
    tcase_add_test(closed, g9_nobody_reaches_a_parent_through_a_launcher_of_one_spawn);
    tcase_add_test(closed, g9_the_child_is_as_open_as_any);
    tcase_add_test(closed, g3_a_process_that_may_not_be_opened);
    suite_add_tcase(suite, closed);
    tcase_add_test(neighbours, g3_nothing_that_parent_and_launcher_share_can_be_opened_by_name);
    tcase_add_test(neighbours, g3_a_launcher_may_do_little_with_its_parent);
    tcase_add_test(neighbours, g3_the_system_is_no_parent);
    tcase_add_test(neighbours, g3_a_protected_handle_is_passed);
    tcase_add_loop_test(neighbours, g3_a_protected_handle_is_not_stolen, 0, WIDTH_COUNT);
    suite_add_tcase(suite, neighbours);
    tcase_add_test(windows, g3_a_success_without_a_handle_is_none);
    tcase_add_test(windows, g3_reserved_memory_is_no_page);
    tcase_add_loop_test(windows, g2_g8_what_windows_would_refuse_is_not_asked_for, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_a_batch_file_is_cmds, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_g8_nor_by_the_prefix, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_a_stream_that_the_other_one_is_too, 0, WIDTH_COUNT);
    suite_add_tcase(suite, windows);
    return suite;
}
