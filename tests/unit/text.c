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
    require(wcscmp(text.at, row->hex) == 0, "hex is %s", shown(text.at));
    if (row->decimal == NULL)
        return;
    text = begin(11);
    text_put_decimal(&text, (uint32_t)row->number);
    ck_assert(text_end(&text));
    require(wcscmp(text.at, row->decimal) == 0, "decimal is %s", shown(text.at));
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
    ck_assert(wcscmp(text.at, L"hand!") == 0);
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
    ck_assert(wcscmp(text.at, L"\xD800\xFFFF\x1\xDC00{") == 0);
}
END_TEST

START_TEST(text_overflow_is_sticky)
{
    struct text text = begin(4);

    text_put(&text, L"abcd");
    text_put(&text, L"");
    ck_assert_uint_eq(text.length, 4);
    ck_assert(!text_end(&text));
    ck_assert(wcscmp(text.at, L"abc") == 0);
    text_put_decimal(&text, 4294967295);
    text_put_hex(&text, UINT64_MAX);
    ck_assert_uint_eq(text.length, 4 + 10 + 16);
    ck_assert(!text_end(&text));
    ck_assert(wcscmp(text.at, L"abc") == 0);
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

START_TEST(text_has_a_length)
{
    static const wchar_t *const texts[] = {L"", L"a", L"ab", L"\xD800", L"\xFFFF\x1"};

    for (size_t i = 0; i < LENGTH(texts); i++)
        ck_assert_uint_eq(text_length(guard_string(GUARD_INPUT, texts[i])), wcslen(texts[i]));
}
END_TEST

static const struct {
    const wchar_t *a;
    const char *b;
    bool equal;
} ascii_pairs[] = {
    {L"", "", true},          {L"--help", "--help", true}, {L"--help", "--Help", false},
    {L"", "a", false},        {L"a", "", false},           {L"ab", "a", false},
    {L"a", "ab", false},      {L"ab", "ac", false},        {L"\x0161", "a", false}, /* its low byte is the same */
    {L"a\xD800", "a", false},
};

START_TEST(text_compares_with_ascii)
{
    const wchar_t *a = guard_string(GUARD_INPUT, ascii_pairs[_i].a);
    const char *b = guard_bytes(GUARD_AGAIN, ascii_pairs[_i].b, strlen(ascii_pairs[_i].b) + 1);

    require(text_equal_ascii(a, b) == ascii_pairs[_i].equal, "'%s' and '%s'", shown(a), b);
}
END_TEST

/* --- text_format ----------------------------------------------------------------------------- */

static void check_format(struct text *text, const wchar_t *expected)
{
    size_t length = wcslen(expected);

    require(text_end(text) && text->length == length && wcscmp(text->at, expected) == 0, "'%s', not '%s'",
            shown(text->at), shown(expected));
}

START_TEST(text_formats)
{
    struct text text = begin(100);

    text_put_ascii(&text, "");
    text_format(&text, "");
    check_format(&text, L"");
    text_put_ascii(&text, "one");
    text_format(&text, ", two.");
    check_format(&text, L"one, two.");

    text = begin(100);
    text_format(&text, "%s|%w|%q|%u|%x", "ascii", L"w\xD800\x1", L"q\r\n\x1F q\x7F\x9F\xA0\xFFFF", UINT32_MAX,
                UINT32_MAX);
    check_format(&text, L"ascii|w\xD800\x1| 'q??? q??\xA0\xFFFF'|4294967295|ffffffff");

    text = begin(100);
    text_format(&text, "%s%w%q%u%x", "", L"", L"", (uint32_t)0, (uint32_t)0);
    check_format(&text, L" ''00");

    text = begin(100); /* what is put in is not a format */
    text_format(&text, "x%wy%sz%q", L"%u", "%s", L"%q");
    check_format(&text, L"x%uy%sz '%q'");
}
END_TEST

START_TEST(text_formats_what_fits)
{
    static const wchar_t whole[] = L"cannot open 'a?': 2, 0xff";

    for (size_t capacity = 1; capacity < LENGTH(whole) + 3; capacity++) {
        struct text text = begin(capacity);
        size_t kept = capacity < LENGTH(whole) ? capacity - 1 : LENGTH(whole) - 1;

        text_format(&text, "%s%q: %u, 0x%x", "cannot open", L"a\n", (uint32_t)2, (uint32_t)255);
        ck_assert_uint_eq(text.length, LENGTH(whole) - 1);
        require(text_end(&text) == (capacity >= LENGTH(whole)), "capacity %zu", capacity);
        require(wcsncmp(text.at, whole, kept) == 0 && text.at[kept] == L'\0', "capacity %zu", capacity);
    }
}
END_TEST

/* --- text_parse_number ----------------------------------------------------------------------- */

static const struct parse_row {
    const wchar_t *text, *rest; /* NULL: refused */
    uint64_t number;
} parse_rows[] = {
    {L"0", L"", 0},
    {L"7", L"", 7},
    {L"0123456789", L"", 123456789}, /* not octal */
    {L"00000000000000000000000000000042", L"", 42},
    {L"420 rest", L" rest", 420},
    {L"420:1a4", L":1a4", 420},
    {L"1a", L"a", 1},
    {L"9:", L":", 9},
    {L"9/", L"/", 9},
    {L"4294967296", L"", 0x100000000},
    {L"9223372036854775808", L"", 0x8000000000000000},
    {L"11529215046068469759", L"", 0x9FFFFFFFFFFFFFFF},
    {L"11529215046068469760", L"", 0xA000000000000000},
    {L"18446744073709551609", L"", 0xFFFFFFFFFFFFFFF9},
    {L"18446744073709551615", L"", UINT64_MAX},
    {L"018446744073709551615x", L"x", UINT64_MAX},
    {L"18446744073709551616", NULL, 0},
    {L"18446744073709551619", NULL, 0},
    {L"18446744073709551620", NULL, 0},
    {L"20000000000000000000", NULL, 0},
    {L"99999999999999999999", NULL, 0},
    {L"100000000000000000000", NULL, 0},
    {L"184467440737095516150", NULL, 0},
    {L"340282366920938463463374607431768211457", NULL, 0}, /* 2^128 + 1 */

    {L"0x0", L"", 0},
    {L"0x1a4", L"", 420},
    {L"0X1A4", L"", 420},
    {L"0xaBcDeF", L"", 0xABCDEF},
    {L"0x0123456789abcdef", L"", 0x0123456789ABCDEF},
    {L"0xfedcba9876543210", L"", 0xFEDCBA9876543210},
    {L"0xFFFFFFFFFFFFFFFF", L"", UINT64_MAX},
    {L"0x0000FFFFFFFFFFFFFFFF,", L",", UINT64_MAX},
    {L"0x10000000000000000", NULL, 0},
    {L"0xfffffffffffffffff", NULL, 0},
    {L"0x1g", L"g", 1},
    {L"0x1x", L"x", 1},
    {L"0x1@", L"@", 1},
    {L"0x1`", L"`", 1},
    {L"0x1\x01", L"\x01", 1},
    {L"0x0x1", L"x1", 0},
    {L"00x1", L"x1", 0},

    {L"", NULL, 0},
    {L"0x", NULL, 0},
    {L"0X", NULL, 0},
    {L"0x ", NULL, 0},
    {L"0xg", NULL, 0},
    {L"x1", NULL, 0},
    {L"a", NULL, 0},
    {L"+1", NULL, 0},
    {L"-1", NULL, 0},
    {L"0x-1", NULL, 0},
    {L"0x+1", NULL, 0},
    {L" 1", NULL, 0},
    {L"\t1", NULL, 0},
    {L"\xFF11", NULL, 0}, /* a digit in Unicode's eyes */
    {L"\x0131", NULL, 0}, /* its low byte is '1' */
    {L"1\x0131", L"\x0131", 1},
    {L"0\x0178\x0031", L"\x0178\x0031", 0}, /* its low byte is 'x' */
};

START_TEST(parse_row)
{
    const struct parse_row *row = &parse_rows[_i];
    const wchar_t *text = guard_string(GUARD_INPUT, row->text), *rest;
    uint64_t number = 99;

    rest = text_parse_number(text, &number);
    require((rest == NULL) == (row->rest == NULL), "'%s' is %s", shown(text), rest == NULL ? "refused" : "accepted");
    if (rest == NULL)
        return;
    require(rest == text + wcslen(row->text) - wcslen(row->rest), "'%s' leaves '%s'", shown(text), shown(rest));
    require(number == row->number, "'%s' is 0x%llx", shown(text), (unsigned long long)number);
}
END_TEST

/* Any digits: compared as texts, which cannot overflow. */
START_TEST(parse_any_digits)
{
    int refused = 0, accepted = 0;

    for (int trial = 0; trial < 50000; trial++) {
        bool hex = random_below(2);
        wchar_t text[40], most[40], again[40];
        uint32_t length = 1 + random_below(hex ? 18 : 22);
        size_t zeros = random_below(3) == 0 ? random_below(6) : 0;
        const wchar_t *digits, *rest;
        uint64_t number;
        bool fits;

        wcscpy(text, hex ? L"0x" : L"");
        for (size_t i = 0; i < zeros; i++)
            wcscat(text, L"0");
        digits = text + wcslen(text);
        swprintf(most, LENGTH(most), hex ? L"%llx" : L"%llu", (unsigned long long)UINT64_MAX);
        for (uint32_t i = 0; i < length; i++) {
            wchar_t unit = L"0123456789abcdef"[random_below(hex ? 16 : 10)];

            /* Half of them begin as the largest number does. */
            wcsncat(text, trial % 2 == 0 && i + 2 < length && i < wcslen(most) ? &most[i] : &unit, 1);
        }
        while (digits[0] == L'0' && digits[1] != L'\0')
            digits++;
        fits = wcslen(digits) < wcslen(most) || (wcslen(digits) == wcslen(most) && wcscmp(digits, most) <= 0);
        rest = text_parse_number(guard_string(GUARD_INPUT, text), &number);
        require((rest != NULL) == fits, "'%s' is %s", shown(text), rest == NULL ? "refused" : "accepted");
        refused += !fits;
        accepted += fits;
        if (!fits)
            continue;
        require(*rest == L'\0', "'%s' leaves '%s'", shown(text), shown(rest));
        swprintf(again, LENGTH(again), hex ? L"%llx" : L"%llu", (unsigned long long)number);
        require(wcscmp(digits, again) == 0, "'%s' is read as '%s'", shown(text), shown(again));
    }
    ck_assert_int_gt(refused, 1000);
    ck_assert_int_gt(accepted, 1000);
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *put = tcase_create("text_put"), *compare = tcase_create("text_equal");
    TCase *format = tcase_create("text_format"), *parse = tcase_create("text_parse_number");

    tcase_add_loop_test(put, text_puts_a_number, 0, LENGTH(numbers));
    tcase_add_test(put, text_puts_any_number_as_printf_does);
    tcase_add_test(put, text_fits_exactly);
    tcase_add_test(put, text_keeps_any_unit);
    tcase_add_test(put, text_overflow_is_sticky);
    tcase_add_test(put, text_is_cut_to_any_capacity);
    tcase_add_test(put, text_can_be_nothing);
    tcase_add_test(compare, text_has_a_length);
    tcase_add_loop_test(compare, text_compares_with_ascii, 0, LENGTH(ascii_pairs));
    tcase_add_test(format, text_formats);
    tcase_add_test(format, text_formats_what_fits);
    tcase_add_loop_test(parse, parse_row, 0, LENGTH(parse_rows));
    tcase_add_test(parse, parse_any_digits);
    suite_add_tcase(suite, put);
    suite_add_tcase(suite, compare);
    suite_add_tcase(suite, format);
    suite_add_tcase(suite, parse);
    return suite;
}
