#include "token.h"

#include <string.h>
#include <wchar.h>

#include "unit.h"

static wchar_t *put(const struct token *token)
{
    struct text text = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - TOKEN_CAPACITY, .capacity = TOKEN_CAPACITY};

    token_put(&text, token);
    require(text_end(&text), "TOKEN_CAPACITY is too small for %s", shown(text.at));
    return text.at;
}

static struct token random_token(void)
{
    return (struct token){
        .process_id = (uint32_t)random_next() >> random_below(32),
        .created = random_next() >> random_below(64),
        .page = random_next() >> random_below(64),
        .nonce = random_next() >> random_below(64),
    };
}

static bool same(const struct token *a, const struct token *b)
{
    return a->process_id == b->process_id && a->created == b->created && a->page == b->page && a->nonce == b->nonce;
}

/* Refused, or what token_put() makes of it is the same text again: no token has two spellings. */
static bool parse_strictly(const wchar_t *text)
{
    struct token token;

    if (!token_parse(guard_string(GUARD_INPUT, text), &token))
        return false;
    require(wcscmp(put(&token), text) == 0, "'%s' is read as '%s'", shown(text), shown(put(&token)));
    return true;
}

static const struct row {
    const wchar_t *text;
    bool valid;
} rows[] = {
    {L"0:0:0:0", true},
    {L"1267:1d9a3b2c4d5e6f7:1a4:9e3779b97f4a7c15", true},
    {L"ffffffff:ffffffffffffffff:ffffffffffffffff:ffffffffffffffff", true},
    {L"", false},
    {L":", false},
    {L":::", false},
    {L"1", false},
    {L"1:2", false},
    {L"1:2:3", false},
    {L"1:2:3:", false},
    {L":2:3:4", false},
    {L"1::3:4", false},
    {L"1:2::4", false},
    {L"1:2:3:4:", false},
    {L"1:2:3:4:5", false},
    {L"1:2:3:4 ", false},
    {L" 1:2:3:4", false},
    {L"1: 2:3:4", false},
    {L"1:2:3:4\n", false},
    {L"1:2:3:\t4", false},
    {L"1,2:3:4", false},
    {L"+1:2:3:4", false},
    {L"-1:2:3:4", false},
    {L"0x1:2:3:4", false},
    {L"1:2:3:g", false},
    {L"A:2:3:4", false},
    {L"1:B:3:4", false},
    {L"1:2:C:4", false},
    {L"1:2:3:F", false},
    {L"01:2:3:4", false},
    {L"00:2:3:4", false},
    {L"1:02:3:4", false},
    {L"1:2:03:4", false},
    {L"1:2:3:04", false},
    {L"1:2:3:00", false},
    {L"100000000:2:3:4", false},
    {L"1:10000000000000000:3:4", false},
    {L"1:2:10000000000000000:4", false},
    {L"1:2:3:10000000000000000", false},
    {L"1:2:3:ffffffffffffffffffffffffffffffff", false},
    {L"1:2:3:\xFF11", false}, /* a digit in Unicode's eyes */
    {L"1:2:3:\x0131", false}, /* its low byte is '1' */
};

START_TEST(token_row)
{
    require(parse_strictly(rows[_i].text) == rows[_i].valid, "'%s'", shown(rows[_i].text));
}
END_TEST

START_TEST(token_round_trip)
{
    for (int trial = 0; trial < 20000; trial++) {
        struct token token = random_token(), again;
        const wchar_t *text = put(&token);

        memset(&again, 0x55, sizeof again);
        require(token_parse(text, &again) && same(&token, &again), "trial %d: %s", trial, shown(text));
    }
}
END_TEST

/* Numbers have no fixed width, so a cut nonce looks like another token: but never like this one. */
START_TEST(token_truncated)
{
    for (int trial = 0; trial < 2000; trial++) {
        struct token token = random_token(), again;
        wchar_t text[TOKEN_CAPACITY];

        wcscpy(text, put(&token));
        for (size_t length = wcslen(text); length-- > 0;) {
            size_t nonce = (size_t)(wcsrchr(put(&token), L':') + 1 - put(&token));

            text[length] = L'\0';
            require(parse_strictly(text) == (length > nonce), "trial %d: '%s'", trial, shown(text));
            require(!token_parse(text, &again) || !same(&token, &again), "trial %d: '%s'", trial, shown(text));
        }
    }
}
END_TEST

START_TEST(token_with_another_unit)
{
    static const wchar_t units[] = L"0123456789abcdefABCDEFgGxX:; -+\t\n/@`\xFF11\x0131\xD800\xFFFF";
    int accepted = 0;

    for (int trial = 0; trial < 300; trial++) {
        struct token token = random_token();
        wchar_t text[TOKEN_CAPACITY];

        wcscpy(text, put(&token));
        for (wchar_t *at = text; *at != L'\0'; at++) {
            wchar_t kept = *at;

            for (size_t i = 0; i < LENGTH(units) - 1; i++) {
                *at = units[i];
                accepted += parse_strictly(text);
            }
            *at = kept;
        }
    }
    ck_assert_int_gt(accepted, 0);
}
END_TEST

Suite *token_suite(void)
{
    Suite *suite = suite_create("token");
    TCase *tcase = tcase_create("token_parse");

    tcase_add_loop_test(tcase, token_row, 0, LENGTH(rows));
    tcase_add_test(tcase, token_round_trip);
    tcase_add_test(tcase, token_truncated);
    tcase_add_test(tcase, token_with_another_unit);
    suite_add_tcase(suite, tcase);
    return suite;
}
