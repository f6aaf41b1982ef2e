#include "error.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"

enum { ROOM = 1000, STAGES = HANDOFF_STAGE_ATTRIBUTE + 1 };

static struct handoff_error error_of(DWORD stage, DWORD code, const wchar_t *subject)
{
    struct handoff_error error = {.stage = stage, .pass = HANDOFF_NO_PASS, .code = code};

    wcsncpy(error.subject, subject, LENGTH(error.subject) - 1);
    return error;
}

static const wchar_t *text_of(const struct handoff_error *error)
{
    wchar_t *text = (wchar_t *)guard_end(GUARD_OUTPUT) - ROOM;
    size_t length = handoff_error_text(error, text, ROOM);

    require(length == wcslen(text), "%zu is not the length of '%s'", length, shown(text));
    return text;
}

static bool is_one_line(const wchar_t *text)
{
    while (*text >= L' ')
        text++;
    return *text == L'\0';
}

static const struct row {
    DWORD stage, code, unreclaimed;
    const wchar_t *subject, *parts[4]; /* in this order */
} rows[] = {
    {HANDOFF_STAGE_UNUSED, ERROR_NOT_FOUND, 0, L"log", {L"nothing uses the handle 'log': Win32 error 1168", L"{name}"}},
    {HANDOFF_STAGE_REWRITE,
     ERROR_NOT_SUPPORTED,
     0,
     L"a.bat",
     {L"'a.bat': Win32 error 50: ", L"cmd.exe", L"batch file"}},
    {HANDOFF_STAGE_REQUEST, ERROR_TOO_MANY_OPEN_FILES, 0, L"a", {L"bad request 'a': Win32 error 4: ", L"3 to 2047"}},
    {HANDOFF_STAGE_SEAL, ERROR_INVALID_HANDLE, 0, L"a", {L"cannot seal the handle in the child 'a': Win32 error 6"}},
    {HANDOFF_STAGE_NUMBER,
     ERROR_NO_MORE_ITEMS,
     0,
     L"0x8",
     {L"cannot give the handle its number in the child '0x8': Win32 error 259", L"duplicate yours"}},
    {HANDOFF_STAGE_VERSION,
     ERROR_REVISION_MISMATCH,
     0,
     L"protocol 1; this library speaks 2",
     {L"the launcher is of another version 'protocol 1; this library speaks 2': Win32 error 1306", L"(ship the"}},
    {HANDOFF_STAGE_IDENTITY, ERROR_ACCESS_DENIED, 0, L"", {L"the thread is the process itself now: Win32 error 5"}},
    {HANDOFF_STAGE_REPORT, ERROR_BROKEN_PIPE, 0, L"", {L"cannot report to the parent: Win32 error 109"}},
    {HANDOFF_STAGE_LAUNCHER, ERROR_FILE_NOT_FOUND, 0, L"", {L"launcher: Win32 error 2: ", L"handoff-launcher.exe"}},
    {HANDOFF_STAGE_LAUNCHER, ERROR_BAD_EXE_FORMAT, 0, L"", {L"Win32 error 193: ", L"no handoff-launcher.exe"}},
    {HANDOFF_STAGE_STEAL, ERROR_ACCESS_DENIED, 0, L"a", {L"'a': Win32 error 5: ", L"parent may be ending"}},
    {HANDOFF_STAGE_STEAL, ERROR_NOT_SUPPORTED, 0, L"a", {L"'a': Win32 error 50: ", L"protected from being closed"}},
    {HANDOFF_STAGE_CONNECT, ERROR_ACCESS_DENIED, 0, L"", {L"Win32 error 5: ", L"the same user must run both"}},
    {HANDOFF_STAGE_CREATE, ERROR_BAD_EXE_FORMAT, 0, L"a.txt", {L"'a.txt': Win32 error 193: ", L"not a program"}},
    {HANDOFF_STAGE_CREATE, 740, 0, L"setup.exe", {L"'setup.exe': Win32 error 740", L"needs elevation"}},
    {HANDOFF_STAGE_FIND,
     ERROR_FILE_NOT_FOUND,
     0,
     L"echo",
     {L"'echo': Win32 error 2: ", L"(it is a command of cmd.exe"}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"DIR", {L"(it is a command of cmd.exe itself: put cmd /c"}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"echo.", {L"(it is a command of cmd.exe itself: put cmd /c"}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"setlocal", {L"(it is a command of cmd.exe itself: put cmd /c"}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"echoes", {L"(looked for "}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"ech", {L"(looked for "}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"echo.exe", {L"(looked for "}},
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L".\\echo", {L"(looked for only there"}},
    {HANDOFF_STAGE_EXCHANGE,
     ERROR_TIMEOUT,
     1,
     L"",
     {L"the launcher failed: Win32 error 1460", L"; handles left open: 1"}},
    {HANDOFF_STAGE_STEAL, ERROR_ACCESS_DENIED, 4294967295, L"", {L"parent may be ending", L"open: 4294967295"}},
    {HANDOFF_STAGE_CREATE, 0xC0000022, 0, L"x", {L"cannot run the program 'x': Win32 error 0xc0000022"}},
    {HANDOFF_STAGE_CREATE, 0xFFFF, 0, L"x", {L"Win32 error 65535"}},
    {HANDOFF_STAGE_CREATE, 0x10000, 0, L"x", {L"Win32 error 0x10000"}},
    {HANDOFF_STAGE_REQUEST, ERROR_INVALID_NAME, 0, L"two\r\nlines\x1F", {L"bad request 'two??lines?'"}},
};

START_TEST(error_row)
{
    const struct row *row = &rows[_i];
    struct handoff_error error = error_of(row->stage, row->code, row->subject);
    const wchar_t *text, *at;

    error.unreclaimed = row->unreclaimed;
    text = at = text_of(&error);
    require(is_one_line(text), "'%s'", shown(text));
    for (size_t i = 0; i < LENGTH(row->parts) && row->parts[i] != NULL; i++) {
        at = wcsstr(at, row->parts[i]);
        require(at != NULL, "'%s' lacks '%s'", shown(text), shown(row->parts[i]));
        at += wcslen(row->parts[i]);
    }
    require((wcsstr(text, L"left open") != NULL) == (row->unreclaimed != 0), "'%s'", shown(text));
    require((wcschr(text, L'\'') != NULL) == (row->subject[0] != L'\0'), "'%s'", shown(text));
}
END_TEST

/* Windows' text for 193 has a %1, where the subject belongs; a subject may look like one. */
START_TEST(error_fills_in_what_windows_leaves_open)
{
    static const wchar_t *const subjects[][2] = {{L"a.txt", L"a.txt"}, {L"%2", L"%2"}, {L"", L"it"}, {L"a\nb", L"a?b"}};

    for (size_t i = 0; i < LENGTH(subjects); i++) {
        struct handoff_error error = error_of(HANDOFF_STAGE_CREATE, ERROR_BAD_EXE_FORMAT, subjects[i][0]);
        const wchar_t *at = wcsstr(text_of(&error), L"error 193: ");

        require(at != NULL && wcsstr(at, L"%1") == NULL && wcsstr(at, subjects[i][1]) != NULL, "'%s'", shown(at));
    }
}
END_TEST

/* Which is then what is wrong. */
START_TEST(error_names_a_program_without_a_name)
{
    struct handoff_error error = error_of(HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, L"");

    ck_assert_ptr_nonnull(wcsstr(text_of(&error), L"cannot find the program '': "));
}
END_TEST

/* Where a program was looked for, and so what to look at. */
static const struct {
    const wchar_t *subject;
    bool safe; /* the current directory is left out */
    const wchar_t *where;
} search_rows[] = {
    {L"tool", false, L" (looked for in the current directory and along PATH, "},
    {L"tool", true, L" (looked for along PATH, "},
    {L"tool.exe", false, L" (looked for in the current directory and along PATH, "},
    {L"", true, L" (looked for along PATH, "},
    {L"dir\\tool", false, L" (looked for only there, "},
    {L"dir/tool", false, L" (looked for only there, "},
    {L".\\tool", true, L" (looked for only there, "},
    {L"C:tool", true, L" (looked for only there, "},
    {L"\\tool", false, L" (looked for only there, "},
    {L"tool/", false, L" (looked for only there, "},
};

START_TEST(error_says_where_it_looked)
{
    static const wchar_t *const values[] = {L"1", L""}; /* without a value it counts too */
    struct handoff_error error = error_of(HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, search_rows[_i].subject);

    for (size_t i = 0; i < LENGTH(values); i++) {
        const wchar_t *text, *where;

        SetEnvironmentVariableW(L"NoDefaultCurrentDirectoryInExePath", search_rows[_i].safe ? values[i] : NULL);
        text = text_of(&error);
        SetEnvironmentVariableW(L"NoDefaultCurrentDirectoryInExePath", NULL);
        where = wcsstr(text, search_rows[_i].where);
        require(where != NULL && wcsstr(where, L"each extension of PATHEXT)") != NULL, "'%s'", shown(text));
    }
}
END_TEST

/* Advice is for one stage and one code: any other pair of these has none. */
START_TEST(error_advice_is_for_its_code_only)
{
    static const DWORD codes[] = {ERROR_INVALID_DATA, ERROR_FILE_NOT_FOUND, ERROR_NOT_SUPPORTED, ERROR_ACCESS_DENIED,
                                  ERROR_BAD_EXE_FORMAT};
    static const DWORD advised[STAGES] = {[HANDOFF_STAGE_LAUNCHER] = 1 << 1 | 1 << 4,
                                          [HANDOFF_STAGE_CONNECT] = 1 << 3,
                                          [HANDOFF_STAGE_STEAL] = 1 << 2 | 1 << 3,
                                          [HANDOFF_STAGE_UNUSED] = (1 << LENGTH(codes)) - 1,
                                          [HANDOFF_STAGE_FIND] = 1 << 1,
                                          [HANDOFF_STAGE_REWRITE] = 1 << 2,
                                          [HANDOFF_STAGE_CREATE] = 1 << 4,
                                          [HANDOFF_STAGE_CLEAN_UP] = (1 << LENGTH(codes)) - 1};

    for (DWORD stage = 0; stage < STAGES; stage++) {
        for (DWORD i = 0; i < LENGTH(codes); i++) {
            struct handoff_error error = error_of(stage, codes[i], L"x");
            const wchar_t *text = text_of(&error);

            require((wcschr(text, L'(') != NULL) == (advised[stage] >> i & 1), "stage %lu: '%s'", stage, shown(text));
        }
    }
}
END_TEST

/* Only the stage differs: no two may read the same. */
START_TEST(error_tells_the_stages_apart)
{
    static wchar_t texts[STAGES][ROOM];

    for (DWORD stage = 0; stage < STAGES; stage++) {
        struct handoff_error error = error_of(stage, ERROR_INVALID_HANDLE, L"log");

        wcscpy(texts[stage], text_of(&error));
        *wcsstr(texts[stage], L" 'log'") = L'\0';
        for (DWORD before = 0; before < stage; before++)
            require(wcscmp(texts[before], texts[stage]) != 0, "stages %lu and %lu", before, stage);
    }
}
END_TEST

START_TEST(error_of_an_unknown_stage)
{
    struct handoff_error error = error_of(STAGES, 6, L"log");

    ck_assert_ptr_nonnull(wcsstr(text_of(&error), L"failed 'log': Win32 error 6"));
    error.stage = 0xFFFFFFFF;
    ck_assert_ptr_nonnull(wcsstr(text_of(&error), L"failed 'log': Win32 error 6"));
}
END_TEST

START_TEST(error_has_the_text_of_windows)
{
    static const DWORD codes[] = {ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE, ERROR_TIMEOUT};

    for (size_t i = 0; i < LENGTH(codes); i++) {
        struct handoff_error error = error_of(HANDOFF_STAGE_FIND, codes[i], L"tool");
        const wchar_t *text = text_of(&error);
        wchar_t own[ROOM];
        size_t length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM, NULL, codes[i], 0, own, ROOM, NULL);

        ck_assert_uint_gt(length, 5);
        own[wcscspn(own, L".\r\n")] = L'\0';
        require(wcsstr(text, own) != NULL, "'%s' lacks '%s'", shown(text), shown(own));
        require(text[wcslen(text) - 1] != L'.', "'%s'", shown(text));
    }
}
END_TEST

START_TEST(error_of_any_code_is_one_line)
{
    for (DWORD code = 0; code < 17000; code++) {
        struct handoff_error error = error_of(HANDOFF_STAGE_CREATE, code, L"x");
        const wchar_t *text = text_of(&error);

        require(is_one_line(text), "code %lu: '%s'", code, shown(text));
    }
}
END_TEST

START_TEST(error_text_is_cut)
{
    struct handoff_error error = error_of(HANDOFF_STAGE_STEAL, ERROR_ACCESS_DENIED, L"log");
    wchar_t whole[ROOM];
    size_t length;

    error.unreclaimed = 1;
    length = wcslen(wcscpy(whole, text_of(&error)));
    ck_assert_uint_gt(length, 60);
    for (size_t capacity = 1; capacity <= length + 2; capacity++) {
        wchar_t *text = (wchar_t *)guard_end(GUARD_OUTPUT) - capacity;
        size_t kept = min(length, capacity - 1);

        ck_assert_uint_eq(handoff_error_text(&error, text, capacity), kept);
        require(wcsncmp(text, whole, kept) == 0 && text[kept] == L'\0', "capacity %zu: '%s'", capacity, shown(text));
    }
    ck_assert_uint_eq(handoff_error_text(&error, guard_end(GUARD_OUTPUT), 0), 0);
}
END_TEST

START_TEST(error_subject_may_be_full)
{
    struct handoff_error error = error_of(HANDOFF_STAGE_FIND, 2, L"");

    wmemset(error.subject, L'x', LENGTH(error.subject) - 1);
    ck_assert_uint_eq(wcsspn(wcschr(text_of(&error), L'x'), L"x"), LENGTH(error.subject) - 1);
}
END_TEST

/* --- error_describe -------------------------------------------------------------------------- */

static const struct describe_row {
    DWORD stage, pass;
    const wchar_t *application, *command_line, *subject;
} describe_rows[] = {
    {HANDOFF_STAGE_STEAL, 0, NULL, L"x", L"log"},
    {HANDOFF_STAGE_REQUEST, 1, NULL, NULL, L"stdin"},
    {HANDOFF_STAGE_OPEN, 2, NULL, L"x", L"stdout+stderr"},
    {HANDOFF_STAGE_DUPLICATE, 3, NULL, L"x", L"in"}, /* a name is enough */
    {HANDOFF_STAGE_STEAL, 4, NULL, L"x", L"stdin+stdout+stderr"},
    {HANDOFF_STAGE_UNUSED, 5, NULL, L"x", L"descriptor 2047"},
    {HANDOFF_STAGE_SEAL, 6, NULL, L"x", L"stderr"},  /* a stream is enough */
    {HANDOFF_STAGE_FIND, 0, L"a.exe", L"x", L"log"}, /* the pass first */
    {HANDOFF_STAGE_NUMBER, 7, NULL, L"x", L"0x1a4"},
    {HANDOFF_STAGE_STEAL, 8, NULL, L"x", L"PROC_THREAD_ATTRIBUTE_JOB_LIST"},
    {HANDOFF_STAGE_STEAL, 9, NULL, L"x", L""}, /* there is none */
    {HANDOFF_STAGE_STEAL, HANDOFF_NO_PASS, L"a.exe", L"x", L""},
    {HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, L"a.exe", L"x y", L"a.exe"},
    {HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, L"a.exe", NULL, L"a.exe"},
    {HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, NULL, L"tool a b", L"tool"},
    {HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, NULL, L"", L""},
    {HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, NULL, L"\"a b\\tool\" c", L"a b\\tool"},
    {HANDOFF_STAGE_CREATE, 99, L"C:\\a b.exe", L"x y", L"C:\\a b.exe"},
    {HANDOFF_STAGE_REWRITE, HANDOFF_NO_PASS, NULL, L"tool {x}", L"tool"},
    {HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, L"a.exe", L"tool", L""},
    {HANDOFF_STAGE_LAUNCHER, HANDOFF_NO_PASS, L"a.exe", L"tool", L""},
};

START_TEST(error_is_described)
{
    static struct pass passes[] = {{.placeholder.name = L"log"},
                                   {.streams = 1},
                                   {.streams = 6},
                                   {.placeholder.name = L"in", .streams = 1},
                                   {.streams = 7},
                                   {.fd = 2047},
                                   {.streams = 4, .fd = 3},
                                   {.wanted = 0x1a4},
                                   {.kind = PASS_JOB}};
    const struct describe_row *row = &describe_rows[_i];
    struct request request = {.application = row->application,
                              .command_line = row->command_line,
                              .passes = passes,
                              .pass_count = LENGTH(passes)};
    struct handoff_error error;

    memset(&error, 0x55, sizeof error);
    error_describe(&error, &request, row->stage, row->pass, 1234);
    ck_assert_uint_eq(error.stage, row->stage);
    ck_assert_uint_eq(error.pass, row->pass);
    ck_assert_uint_eq(error.code, 1234);
    require(wcscmp(error.subject, row->subject) == 0, "'%s', not '%s'", shown(error.subject), shown(row->subject));
}
END_TEST

START_TEST(error_subject_is_cut)
{
    static const size_t room = LENGTH(((struct handoff_error *)0)->subject);
    struct handoff_error *error = (struct handoff_error *)guard_end(GUARD_OUTPUT) - 1;
    struct request request = {0};
    wchar_t name[200];

    for (size_t length = room - 3; length < LENGTH(name); length++) {
        wmemset(name, L'x', length);
        name[length] = L'\0';
        request.application = guard_string(GUARD_INPUT, name);
        error_describe(error, &request, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, 2);
        ck_assert_uint_eq(wcslen(error->subject), min(length, room - 1));
        request.application = NULL;
        request.command_line = guard_string(GUARD_INPUT, name);
        error_describe(error, &request, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, 2);
        ck_assert_uint_eq(wcslen(error->subject), min(length, room - 1));
        request.pass_count = 1;
        request.passes = &(struct pass){.placeholder.name = request.command_line};
        error_describe(error, &request, HANDOFF_STAGE_STEAL, 0, 2);
        ck_assert_uint_eq(wcslen(error->subject), min(length, room - 1));
        request.pass_count = 0;
    }
}
END_TEST

/* With a text, an advice and a search that asks for a variable, which is where the last error would go. */
START_TEST(error_text_leaves_the_last_error)
{
    static const DWORD codes[] = {ERROR_FILE_NOT_FOUND, ERROR_TOO_MANY_OPEN_FILES, 0x12345678};
    struct handoff_error error = {.stage = HANDOFF_STAGE_FIND, .subject = L"program"};
    wchar_t text[256];

    for (size_t i = 0; i < LENGTH(codes); i++) {
        error.code = codes[i];
        SetLastError(4711);
        ck_assert(handoff_error_text(&error, text, LENGTH(text)) > 0 && GetLastError() == 4711);
    }
}
END_TEST

Suite *error_suite(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error_text"), *describe = tcase_create("error_describe");

    tcase_add_loop_test(tcase, error_row, 0, LENGTH(rows));
    tcase_add_test(tcase, error_fills_in_what_windows_leaves_open);
    tcase_add_test(tcase, error_names_a_program_without_a_name);
    tcase_add_loop_test(tcase, error_says_where_it_looked, 0, LENGTH(search_rows));
    tcase_add_test(tcase, error_advice_is_for_its_code_only);
    tcase_add_test(tcase, error_tells_the_stages_apart);
    tcase_add_test(tcase, error_of_an_unknown_stage);
    tcase_add_test(tcase, error_has_the_text_of_windows);
    tcase_add_test(tcase, error_of_any_code_is_one_line);
    tcase_add_test(tcase, error_text_is_cut);
    tcase_add_test(tcase, error_subject_may_be_full);
    tcase_add_test(tcase, error_text_leaves_the_last_error);
    tcase_add_loop_test(describe, error_is_described, 0, LENGTH(describe_rows));
    tcase_add_test(describe, error_subject_is_cut);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, describe);
    return suite;
}
