#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"

static struct text begin(size_t capacity)
{
    wchar_t *at = (wchar_t *)guard_end(GUARD_OUTPUT) - capacity;

    memset(at, 0x55, capacity * sizeof *at);
    return (struct text){.at = at, .capacity = capacity};
}

static const struct number {
    uint64_t number;
    const wchar_t *decimal, *hex;
} numbers[] = {
    {0, L"0", L"0"},
    {1, L"1", L"1"},
    {9, L"9", L"9"},
    {10, L"10", L"a"},
    {15, L"15", L"f"},
    {16, L"16", L"10"},
    {420, L"420", L"1a4"},
    {999999999, L"999999999", L"3b9ac9ff"},
    {1000000000, L"1000000000", L"3b9aca00"},
    {0x7FFFFFFF, L"2147483647", L"7fffffff"},
    {0x80000000, L"2147483648", L"80000000"},
    {0xFFFFFFFF, L"4294967295", L"ffffffff"},
    {0x100000000, NULL, L"100000000"},
    {0xFEDCBA9876543210, NULL, L"fedcba9876543210"},
    {0x0FEDCBA987654321, NULL, L"fedcba987654321"},
    {0x8000000000000000, NULL, L"8000000000000000"},
    {UINT64_MAX, NULL, L"ffffffffffffffff"},
};

START_TEST(text_puts_a_number)
{
    const struct number *row = &numbers[_i];
    struct text text = begin(17);

    text_put_hex(&text, row->number);
    ck_assert(text_end(&text));
    require(text_equal(text.at, row->hex), "hex is %s", shown(text.at));
    if (row->decimal == NULL)
        return;
    text = begin(11);
    text_put_decimal(&text, (uint32_t)row->number);
    ck_assert(text_end(&text));
    require(text_equal(text.at, row->decimal), "decimal is %s", shown(text.at));
}
END_TEST

START_TEST(text_puts_any_number_as_printf_does)
{
    for (int trial = 0; trial < 20000; trial++) {
        uint64_t number = random_next() >> random_below(64);
        struct text text = begin(32);
        wchar_t expected[32];

        text_put_decimal(&text, (uint32_t)number);
        text_put_unit(&text, L' ');
        text_put_hex(&text, number);
        swprintf(expected, LENGTH(expected), L"%lu %llx", (unsigned long)(uint32_t)number, (unsigned long long)number);
        require(text_end(&text) && wcscmp(text.at, expected) == 0, "%s, not %s", shown(text.at), shown(expected));
    }
}
END_TEST

START_TEST(text_fits_exactly)
{
    struct text text = begin(6);

    text_put(&text, L"hand");
    text_put_unit(&text, L'!');
    ck_assert_uint_eq(text.length, 5);
    ck_assert(text_end(&text));
    ck_assert(text_equal(text.at, L"hand!"));
}
END_TEST

START_TEST(text_keeps_any_unit)
{
    struct text text = begin(6);

    text_put(&text, L"\xD800\xFFFF\x1\xDC00");
    text_put(&text, L"");
    text_put_units(&text, L"{ignored", 1);
    text_put_units(&text, L"ignored", 0);
    ck_assert(text_end(&text));
    ck_assert(text_equal(text.at, L"\xD800\xFFFF\x1\xDC00{"));
}
END_TEST

START_TEST(text_overflow_is_sticky)
{
    struct text text = begin(4);

    text_put(&text, L"abcd");
    text_put(&text, L"");
    ck_assert_uint_eq(text.length, 4);
    ck_assert(!text_end(&text));
    ck_assert(text_equal(text.at, L"abc"));
    text_put_decimal(&text, 4294967295);
    text_put_hex(&text, UINT64_MAX);
    ck_assert_uint_eq(text.length, 4 + 10 + 16);
    ck_assert(!text_end(&text));
    ck_assert(text_equal(text.at, L"abc"));
}
END_TEST

/* Every capacity for one and the same sequence: what is kept is always its beginning. */
START_TEST(text_is_cut_to_any_capacity)
{
    static const wchar_t whole[] = L"one two 4294967295 ffffffffffffffff";

    for (size_t capacity = 1; capacity < LENGTH(whole) + 3; capacity++) {
        struct text text = begin(capacity);
        size_t kept = capacity < LENGTH(whole) ? capacity - 1 : LENGTH(whole) - 1;

        text_put(&text, L"one ");
        text_put_units(&text, L"two and", 4);
        text_put_decimal(&text, 4294967295);
        text_put_unit(&text, L' ');
        text_put_hex(&text, UINT64_MAX);
        require(text_end(&text) == (capacity >= LENGTH(whole)), "capacity %zu", capacity);
        ck_assert_uint_eq(text.length, LENGTH(whole) - 1);
        require(wcsncmp(text.at, whole, kept) == 0 && text.at[kept] == L'\0', "capacity %zu: %s", capacity,
                shown(text.at));
    }
}
END_TEST

START_TEST(text_can_be_nothing)
{
    struct text text = begin(1);

    ck_assert(text_end(&text));
    ck_assert_uint_eq(text_length(text.at), 0);
}
END_TEST

static const struct pair {
    const wchar_t *a, *b;
    bool equal;
} pairs[] = {
    {L"", L"", true},
    {L"a", L"a", true},
    {L"a", L"A", false},
    {L"", L"a", false},
    {L"a", L"", false},
    {L"ab", L"a", false},
    {L"a", L"ab", false},
    {L"ab", L"ac", false},
    {L"\xD800", L"\xD801", false},
    {L"\xFFFF"
     L"x",
     L"\xFFFF"
     L"x",
     true},
};

START_TEST(text_compares)
{
    const struct pair *row = &pairs[_i];
    const wchar_t *a = guard_string(GUARD_INPUT, row->a), *b = guard_string(GUARD_AGAIN, row->b);

    require(text_equal(a, b) == row->equal, "'%s' and '%s'", shown(a), shown(b));
    ck_assert_uint_eq(text_length(a), wcslen(row->a));
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *put = tcase_create("text_put"), *compare = tcase_create("text_equal");

    tcase_add_loop_test(put, text_puts_a_number, 0, LENGTH(numbers));
    tcase_add_test(put, text_puts_any_number_as_printf_does);
    tcase_add_test(put, text_fits_exactly);
    tcase_add_test(put, text_keeps_any_unit);
    tcase_add_test(put, text_overflow_is_sticky);
    tcase_add_test(put, text_is_cut_to_any_capacity);
    tcase_add_test(put, text_can_be_nothing);
    tcase_add_loop_test(compare, text_compares, 0, LENGTH(pairs));
    suite_add_tcase(suite, put);
    suite_add_tcase(suite, compare);
    return suite;
}
