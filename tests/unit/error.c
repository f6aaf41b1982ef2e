#include <windows.h>

#include "handoff.h"

#include <stdbool.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"

enum { ROOM = 1000, STAGES = HANDOFF_STAGE_CLEAN_UP + 1 };

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
    {HANDOFF_STAGE_FIND, ERROR_FILE_NOT_FOUND, 0, L"tool", {L"cannot find the program 'tool': Win32 error 2: "}},
    {HANDOFF_STAGE_LAUNCHER, ERROR_FILE_NOT_FOUND, 0, L"", {L"launcher: Win32 error 2: ", L"handoff-launcher.exe"}},
    {HANDOFF_STAGE_STEAL, ERROR_ACCESS_DENIED, 0, L"a", {L"'a': Win32 error 5: ", L"parent may be ending"}},
    {HANDOFF_STAGE_CREATE, ERROR_BAD_EXE_FORMAT, 0, L"a.txt", {L"'a.txt': Win32 error 193: ", L"not a program"}},
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

Suite *error_suite(void)
{
    Suite *suite = suite_create("error");
    TCase *tcase = tcase_create("error_text");

    tcase_add_loop_test(tcase, error_row, 0, LENGTH(rows));
    tcase_add_test(tcase, error_tells_the_stages_apart);
    tcase_add_test(tcase, error_of_an_unknown_stage);
    tcase_add_test(tcase, error_has_the_text_of_windows);
    tcase_add_test(tcase, error_of_any_code_is_one_line);
    tcase_add_test(tcase, error_text_is_cut);
    tcase_add_test(tcase, error_subject_may_be_full);
    suite_add_tcase(suite, tcase);
    return suite;
}
