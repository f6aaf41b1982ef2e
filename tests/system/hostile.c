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
#define handle_steal steal_nothing
#define handle_copy copy_nothing
#define handle_put put_nothing
#define put_with put_nothing_with
#define handle_move move_nothing
#define handle_steal_claimed steal_claimed_nothing
#define claim_page_map map_reserved_page
#include "../../common/steal.c"
#undef DuplicateHandle
#undef MapViewOfFile
#undef UnmapViewOfFile
#undef duplicate
#undef handle_steal
#undef handle_copy
#undef handle_put
#undef put_with
#undef handle_move
#undef handle_steal_claimed
#undef claim_page_map

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
    TCase *handles = tcase_create("protected handles");
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
    tcase_add_test(handles, g3_a_protected_handle_is_passed);
    tcase_add_loop_test(handles, g3_a_protected_handle_is_not_stolen, 0, WIDTH_COUNT);
    suite_add_tcase(suite, handles);
    tcase_add_test(windows, g3_a_success_without_a_handle_is_none);
    tcase_add_test(windows, g3_reserved_memory_is_no_page);
    tcase_add_loop_test(windows, g2_g8_what_windows_would_refuse_is_not_asked_for, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_a_batch_file_is_cmds, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_g8_nor_by_the_prefix, 0, WIDTH_COUNT);
    tcase_add_loop_test(windows, g2_a_stream_that_the_other_one_is_too, 0, WIDTH_COUNT);
    suite_add_tcase(suite, windows);
    return suite;
}
