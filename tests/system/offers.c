/* handoff_offer(): a child that takes what it is told by a token. */
#include "talk.h"

#include "steal.h"
#include "token.h"

#include <stdio.h>
#include <wchar.h>

static void run_taker(int width, const wchar_t *tokens, const char *expected)
{
    static struct result result;

    run(&result, program(width, L"taking-child.exe"), L"%ls", tokens);
    ck_assert_uint_eq(result.exit_code, 0);
    ck_assert_str_eq(result.out, expected);
    ck_assert_str_eq(result.err, "");
}

START_WIDTH_TEST(an_offer_is_taken_once)
{
    HANDLE event = make_event();
    wchar_t token[HANDOFF_TOKEN_CAPACITY], twice[2 * HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);
    DWORD before = count_own_handles();

    ck_assert_ptr_nonnull(offering);
    swprintf(twice, ARRAYSIZE(twice), L"%ls %ls", token, token);
    run_taker(_i, twice, "taken\r\n5023\r\n"); /* ERROR_INVALID_STATE */
    ck_assert(is_set(event));
    ck_assert_uint_eq(count_own_handles(), before - 1); /* the duplicate is gone */
    run_taker(_i, token, "5023\r\n");
    ck_assert(!handoff_withdraw(offering));
    ck_assert_uint_eq(count_own_handles(), before - 2); /* and the page */
    run_taker(_i, token, "1223\r\n");                   /* ERROR_CANCELLED */
    ck_assert(CloseHandle(event));
}
END_TEST

START_TEST(an_offer_is_withdrawn)
{
    HANDLE event = make_event();
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    DWORD before = count_own_handles();
    struct handoff_offering *offering = handoff_offer(event, token);

    ck_assert_uint_eq(count_own_handles(), before + 2);
    ck_assert(handoff_withdraw(offering));
    ck_assert_uint_eq(count_own_handles(), before);
    run_taker(_i, token, "1223\r\n");
    ck_assert(!is_set(event));
    ck_assert(CloseHandle(event));
    ck_assert(!handoff_withdraw(NULL));
}
END_TEST

START_TEST(nothing_of_an_offer_is_inheritable)
{
    HANDLE event = make_event(), taken;
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);
    DWORD flags, inheritable = 0;

    for (UINT_PTR number = 4; number < 4096; number += 4)
        inheritable += GetHandleInformation((HANDLE)number, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0 &&
                       process_has_at(GetCurrentProcess(), (DWORD)number, event);
    ck_assert_uint_eq(inheritable, 0);
    ck_assert(handoff_take(token, &taken)); /* from oneself, too */
    ck_assert(GetHandleInformation(taken, &flags) && (flags & HANDLE_FLAG_INHERIT) == 0);
    ck_assert(process_has_at(GetCurrentProcess(), (DWORD)(UINT_PTR)taken, event));
    ck_assert(CloseHandle(taken));
    ck_assert(!handoff_withdraw(offering));
    ck_assert(CloseHandle(event));
}
END_TEST

/* As far as the page tells: a taker began and is dead. Nobody knows whose the number is, so it stays. */
START_TEST(a_taker_that_dies_after_it_has_begun)
{
    HANDLE event = make_event(), section;
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    DWORD before = count_own_handles();
    struct handoff_offering *offering = handoff_offer(event, token);
    struct token parsed;
    struct claim_page *page;
    HANDLE duplicate;

    ck_assert(token_parse(token, &parsed));
    section = handle_from_number(parsed.page);
    page = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
    ck_assert_ptr_nonnull(page);
    ck_assert(claim_begin(&page->claims[0]));
    duplicate = handle_from_number(page->claims[0].number);
    UnmapViewOfFile(page);
    run_taker(_i, token, "5023\r\n");
    ck_assert(!handoff_withdraw(offering));
    ck_assert(process_has_at(GetCurrentProcess(), (DWORD)handle_number(duplicate), event));
    ck_assert(CloseHandle(duplicate));
    ck_assert_uint_eq(count_own_handles(), before);
    ck_assert(CloseHandle(event));
}
END_TEST

START_TEST(tokens_that_are_none)
{
    static const wchar_t *const tokens[] = {L"x",        L"1:2:3",     L"1:2:3:4:5",      L"1:0:4:5",
                                            L"-1:2:3:4", L"0x1:2:3:4", L"123456789:1:4:1"};
    HANDLE event = make_event(), taken;
    wchar_t token[HANDOFF_TOKEN_CAPACITY], forged[2 * HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);

    for (size_t i = 0; i < ARRAYSIZE(tokens); i++) {
        taken = event;
        ck_assert(!handoff_take(tokens[i], &taken) && GetLastError() == ERROR_INVALID_PARAMETER);
        ck_assert_ptr_null(taken);
    }
    ck_assert(!handoff_take(NULL, &taken) && GetLastError() == ERROR_INVALID_PARAMETER);
    /* Somebody else has the pid by now. */
    swprintf(forged, ARRAYSIZE(forged), L"%lx:1%ls", GetCurrentProcessId(), wcschr(wcschr(token, L':') + 1, L':'));
    ck_assert(!handoff_take(forged, &taken) && GetLastError() == ERROR_PROCESS_ABORTED);
    run_taker(_i, forged, "1067\r\n");
    /* Something else has the page's number by now. */
    wcscpy(forged, token);
    wcscpy(wcsrchr(forged, L':') + 1, L"12345");
    ck_assert(!handoff_take(forged, &taken) && GetLastError() == ERROR_CANCELLED);
    ck_assert(!is_set(event));
    ck_assert(handoff_withdraw(offering));
    CloseHandle(event);
}
END_TEST

/* What may have the page's number by now: the taker neither takes it for the page nor dies of it. */
static HANDLE make_lookalike(int kind)
{
    static const struct {
        DWORD protection, size;
    } sections[] = {{PAGE_READWRITE | SEC_RESERVE, 1 << 16}, {PAGE_READWRITE, 1}, {PAGE_READONLY, 4096}};
    HANDLE section;

    if (kind == (int)ARRAYSIZE(sections))
        return make_event();
    section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, sections[kind].protection, 0, sections[kind].size, NULL);
    ck_assert_ptr_nonnull(section);
    return section;
}

enum { LOOKALIKES = 4 };

START_TEST(a_page_that_only_looks_like_one)
{
    HANDLE event = make_event(), other = make_lookalike(_i / WIDTH_COUNT);
    wchar_t token[HANDOFF_TOKEN_CAPACITY], forged[2 * HANDOFF_TOKEN_CAPACITY];
    struct handoff_offering *offering = handoff_offer(event, token);
    struct token parsed;
    struct text text = {.at = forged, .capacity = ARRAYSIZE(forged)};

    ck_assert(token_parse(token, &parsed));
    parsed.page = handle_number(other);
    token_put(&text, &parsed);
    ck_assert(text_end(&text));
    run_taker(_i % WIDTH_COUNT, forged, "1223\r\n"); /* ERROR_CANCELLED */
    ck_assert(handoff_withdraw(offering));
    CloseHandle(other);
    CloseHandle(event);
}
END_TEST

/* Its pid stays its own as long as somebody has a handle to it, and may be another's after that. */
START_TEST(whoever_offered_is_gone)
{
    struct handoff_request request = request_child(X64, _i, L"exit 0");
    PROCESS_INFORMATION gone = spawn_or_fail(&request);
    FILETIME created, exited, kernel, user;
    wchar_t token[HANDOFF_TOKEN_CAPACITY];
    HANDLE taken;

    ck_assert(comes(gone.hProcess));
    ck_assert(GetProcessTimes(gone.hProcess, &created, &exited, &kernel, &user));
    swprintf(token, ARRAYSIZE(token), L"%lx:%lx%08lx:40:1", gone.dwProcessId, created.dwHighDateTime,
             created.dwLowDateTime);
    ck_assert(!handoff_take(token, &taken) && GetLastError() == ERROR_PROCESS_ABORTED);
    run_taker(_i, token, "1067\r\n");
    ck_assert_uint_eq(finish_child(&gone), 0);
    run_taker(_i, token, "1067\r\n");
}
END_TEST

Suite *offers_suite(void)
{
    const struct listed_test tests[] = {
        {an_offer_is_taken_once, "offers", WIDTH_COUNT},
        {an_offer_is_withdrawn, "offers", WIDTH_COUNT},
        {nothing_of_an_offer_is_inheritable, "offers", WIDTH_COUNT},
        {a_taker_that_dies_after_it_has_begun, "offers", WIDTH_COUNT},
        {tokens_that_are_none, "offers", WIDTH_COUNT},
        {whoever_offered_is_gone, "offers", WIDTH_COUNT},
        {a_page_that_only_looks_like_one, "offers", LOOKALIKES * WIDTH_COUNT},
    };
    Suite *suite = suite_create("offers");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
