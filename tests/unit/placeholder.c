#include "placeholder.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "cmdline.h"
#include "unit.h"

static const struct placeholder declared[] = {
    {.name = L"h", .number = 420}, {.name = L"he", .number = 0x7FFFFFFC}, {.name = L"hey", .number = 0xFFFFFFFC},
    {.name = L"x", .number = 4},   {.name = L"4", .number = 8},           {.name = L"a.B-c_9", .number = 12},
};
enum { H = 1, HE = 2, HEY = 4, X = 8, FOUR = 16, DOTS = 32, COUNT = LENGTH(declared) };

static struct placeholder placeholders[COUNT];

/* Copies of them, as a tree. */
static struct placeholder *make_tree(const struct placeholder *from, uint32_t count)
{
    struct placeholder *tree = NULL;

    memcpy(placeholders, from, count * sizeof *from);
    for (uint32_t i = 0; i < count; i++)
        ck_assert(placeholder_insert(&tree, &placeholders[i]));
    return tree;
}

static bool rewrite(struct text *result, const wchar_t *line)
{
    result->at = (wchar_t *)guard_end(GUARD_OUTPUT) - LINE_CAPACITY;
    result->capacity = LINE_CAPACITY;
    result->length = 0;
    line_rewrite(result, guard_string(GUARD_INPUT, line), make_tree(declared, COUNT));
    return text_end(result);
}

static unsigned used_ones(void)
{
    unsigned used = 0;

    for (unsigned i = 0; i < COUNT; i++)
        used |= (unsigned)placeholders[i].used << i;
    return used;
}

static const struct rewrite_row {
    const wchar_t *line, *result;
    unsigned used;
} rewrite_rows[] = {
    {L"", L"", 0},
    {L"tool  \"a b\"\t\\", L"tool  \"a b\"\t\\", 0},
    {L"tool {h}", L"tool 420", H},
    {L"tool {h:x}", L"tool 1a4", H},
    {L"{h} tool {h:x}", L"420 tool 1a4", H},
    {L"{h}", L"420", H},
    {L"{he}", L"2147483644", HE},
    {L"{he:x}", L"7ffffffc", HE},
    {L"{hey}", L"4294967292", HEY},
    {L"{hey:x}", L"fffffffc", HEY},
    {L"{x} {x:x}", L"4 4", X},
    {L"{4} {4:x}", L"8 8", FOUR},
    {L"{a.B-c_9} {a.B-c_9:x}", L"12 c", DOTS},
    {L"{h}{he}{hey}", L"42021474836444294967292", H | HE | HEY},
    {L"{h:x}{he:x}{hey:x}", L"1a47ffffffcfffffffc", H | HE | HEY},
    {L"{h}h{h}", L"420h420", H},

    {L"{{h}}", L"{h}", 0},
    {L"{{h:x}}", L"{h:x}", 0},
    {L"{{h}}{h}", L"{h}420", H},
    {L"{h}{{h}}", L"420{h}", H},
    {L"{{h}}{{he}}", L"{h}{he}", 0},
    {L"{{{h}}}", L"{{h}}", 0},
    {L"{{{{h}}}}", L"{{{h}}}", 0},
    {L"{{h}}}", L"{h}}", 0},
    {L"{{{h}}", L"{{h}", 0},
    {L"{{h}", L"{420", H},
    {L"{h}}", L"420}", H},
    {L"{{h}x", L"{420x", H},
    {L"{{h}x}", L"{420x}", H},
    {L"{{h}:x}", L"{420:x}", H},
    {L"{{h:x}x}", L"{1a4x}", H},
    {L"{{h} }", L"{420 }", H},
    {L"{{h}{he}}", L"{4202147483644}", H | HE},
    {L"{{other}}", L"{{other}}", 0},
    {L"{{other:x}}", L"{{other:x}}", 0},

    {L"{\"a\":{h}}", L"{\"a\":420}", H},
    {L"{\"a\":{\"b\":{h:x}}}", L"{\"a\":{\"b\":1a4}}", H},
    {L"{\"h\":1,\"x\":{}}", L"{\"h\":1,\"x\":{}}", 0},
    {L"{6B29FC40-CA47-1067-B31D-00DD010662DA}", L"{6B29FC40-CA47-1067-B31D-00DD010662DA}", 0},
    {L"{other}", L"{other}", 0},
    {L"{H} {He} {X:x} {h:X}", L"{H} {He} {X:x} {h:X}", 0},
    {L"{hex} {hey2} {eh}", L"{hex} {hey2} {eh}", 0},
    {L"{", L"{", 0},
    {L"}", L"}", 0},
    {L"{}", L"{}", 0},
    {L"{{}}", L"{{}}", 0},
    {L"{{", L"{{", 0},
    {L"{:x}", L"{:x}", 0},
    {L"{h", L"{h", 0},
    {L"{h:", L"{h:", 0},
    {L"{h:x", L"{h:x", 0},
    {L"{{h", L"{{h", 0},
    {L"{{h:x", L"{{h:x", 0},
    {L"h} {", L"h} {", 0},
    {L"{h:}", L"{h:}", 0},
    {L"{h:xx}", L"{h:xx}", 0},
    {L"{h:d}", L"{h:d}", 0},
    {L"{h:x:x}", L"{h:x:x}", 0},
    {L"{h x}", L"{h x}", 0},
    {L"{ h}", L"{ h}", 0},
    {L"{h }", L"{h }", 0},
    {L"{h\t}", L"{h\t}", 0},
    {L"{\"h\"}", L"{\"h\"}", 0},
    {L"{h,he}", L"{h,he}", 0},
    {L"{other{h}}", L"{other420}", H},
    {L"${h} %h% $h ^{h^}", L"$420 %h% $h ^{h^}", H},
    {L"\"{h}\" \\{h}\\ \\\"{h}", L"\"420\" \\420\\ \\\"420", H},
    {L"\xD800{h}\xDC00",
     L"\xD800"
     L"420\xDC00",
     H},
    {L"\xDC00\xD800{\xD800}{h\xFFFF}", L"\xDC00\xD800{\xD800}{h\xFFFF}", 0},
    {L"{\x0168}{\xFF48}", L"{\x0168}{\xFF48}", 0}, /* a low byte of h, a wide h */
};

START_TEST(rewrite_row)
{
    const struct rewrite_row *row = &rewrite_rows[_i];
    struct text result;

    ck_assert(rewrite(&result, row->line));
    require(wcscmp(result.at, row->result) == 0, "'%s' became '%s', not '%s'", shown(row->line), shown(result.at),
            shown(row->result));
    ck_assert_uint_eq(result.length, wcslen(row->result));
    require(used_ones() == row->used, "'%s' used 0x%x, not 0x%x", shown(row->line), used_ones(), row->used);
}
END_TEST

/* The numbers that handles can have at the edges, each in both forms. */
START_TEST(rewrite_numbers)
{
    static const uint32_t numbers[] = {4, 8, 0x7FFFFFFC, 0x80000000, 0xABCDEF00, 0xFFFFFFFC};

    for (size_t i = 0; i < LENGTH(numbers); i++) {
        struct placeholder alone = {.name = L"n", .number = numbers[i]};
        wchar_t expected[40];
        struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - 40, .capacity = 40};

        line_rewrite(&result, L"{n} {n:x}", &alone);
        swprintf(expected, LENGTH(expected), L"%u %x", numbers[i], numbers[i]);
        ck_assert(text_end(&result) && alone.used);
        require(wcscmp(result.at, expected) == 0, "'%s', not '%s'", shown(result.at), shown(expected));
    }
}
END_TEST

START_TEST(rewrite_keeps_what_was_used_before)
{
    static const struct placeholder two[] = {{.name = L"a", .used = true}, {.name = L"b"}};
    struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - 40, .capacity = 40};

    line_rewrite(&result, L"{b}{{a}}", make_tree(two, 2));
    ck_assert(placeholders[0].used && placeholders[1].used);
}
END_TEST

/* What makes lines nasty, with the pieces of placeholders among it. `z` and `Q` are not in it. */
static const wchar_t *const pieces[] = {
    L"{",    L"{", L"{{", L"}",   L"}",    L"}}",      L":",       L"x",       L":x}", L":x}}", L"h",  L"he",
    L"hey",  L"4", L"H",  L"{h}", L"{{h}", L"{hey:x}", L"a.B-c_9", L"{{x:x}}", L" ",   L"\t",   L"\"", L"\\",
    L"\\\"", L"%", L"^",  L"&",   L",",    L"\xD800",  L"\xDC00",  L"\xFFFF",  L"\x1", L"\n",
};

static void make_line(wchar_t *line, size_t capacity)
{
    struct text text = {.at = line, .capacity = capacity};

    for (uint32_t count = random_below(30); count > 0; count--)
        text_put(&text, pieces[random_below(LENGTH(pieces))]);
    text_end(&text);
}

START_TEST(rewrite_without_a_declared_name)
{
    static const struct placeholder others[] = {{.name = L"z"}, {.name = L"Q"}, {.name = L"hz"}};

    for (int trial = 0; trial < 20000; trial++) {
        wchar_t line[400];
        uint32_t count = random_below(LENGTH(others) + 1);
        struct text result;

        make_line(line, LENGTH(line));
        result =
            (struct text){.at = (wchar_t *)guard_end(GUARD_OUTPUT) - wcslen(line) - 1, .capacity = wcslen(line) + 1};
        line_rewrite(&result, guard_string(GUARD_INPUT, line), make_tree(others, count));
        require(text_end(&result) && wcscmp(result.at, line) == 0, "trial %d: '%s' became '%s'", trial, shown(line),
                shown(result.at));
        require((used_ones() & 7) == 0, "trial %d: '%s' used a placeholder", trial, shown(line));
    }
}
END_TEST

/* The rules of the header once more, as a list of spellings of which the longest wins. */
struct spelling {
    wchar_t text[32], result[32];
    unsigned used;
};

static struct spelling spellings[4 * COUNT];
static size_t spelling_count;

static void add_spelling(unsigned i, const wchar_t *format, const wchar_t *result, unsigned used)
{
    struct spelling *spelling = &spellings[spelling_count++];

    swprintf(spelling->text, LENGTH(spelling->text), format, declared[i].name);
    swprintf(spelling->result, LENGTH(spelling->result), result, declared[i].number);
    spelling->used = used << i;
}

static void add_literal(unsigned i, const wchar_t *format, const wchar_t *result)
{
    add_spelling(i, format, L"", 0);
    swprintf(spellings[spelling_count - 1].result, LENGTH(spellings->result), result, declared[i].name);
}

static void make_spellings(void)
{
    spelling_count = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        add_spelling(i, L"{%ls}", L"%u", 1);
        add_spelling(i, L"{%ls:x}", L"%x", 1);
        add_literal(i, L"{{%ls}}", L"{%ls}");
        add_literal(i, L"{{%ls:x}}", L"{%ls:x}");
    }
}

static const struct spelling *longest_spelling(const wchar_t *at)
{
    const struct spelling *longest = NULL;

    for (size_t i = 0; i < spelling_count; i++) {
        size_t length = wcslen(spellings[i].text);

        if (wcsncmp(at, spellings[i].text, length) == 0 && (longest == NULL || length > wcslen(longest->text)))
            longest = &spellings[i];
    }
    return longest;
}

static unsigned rewrite_by_the_rules(wchar_t *result, const wchar_t *line)
{
    unsigned used = 0;

    *result = L'\0';
    while (*line != L'\0') {
        const struct spelling *spelling = longest_spelling(line);

        if (spelling != NULL)
            wcscat(result, spelling->result);
        else
            wcsncat(result, line, 1);
        used |= spelling != NULL ? spelling->used : 0;
        line += spelling != NULL ? wcslen(spelling->text) : 1;
    }
    return used;
}

START_TEST(rewrite_as_the_rules_say)
{
    unsigned used_in_all = 0;

    make_spellings();
    for (int trial = 0; trial < 20000; trial++) {
        wchar_t line[400], expected[2000];
        struct text result;
        unsigned used;

        make_line(line, LENGTH(line));
        used = rewrite_by_the_rules(expected, line);
        require(rewrite(&result, line), "trial %d: '%s' does not fit", trial, shown(line));
        require(wcscmp(result.at, expected) == 0, "trial %d: '%s' became '%s', not '%s'", trial, shown(line),
                shown(result.at), shown(expected));
        require(used_ones() == used, "trial %d: '%s' used 0x%x, not 0x%x", trial, shown(line), used_ones(), used);
        used_in_all |= used;
    }
    ck_assert_uint_eq(used_in_all, H | HE | HEY | X | FOUR | DOTS);
}
END_TEST

/* `before` units, then a placeholder of three digits, then `after` units. */
static const wchar_t *long_line(size_t before, size_t after)
{
    static wchar_t line[2 * LINE_CAPACITY];

    wmemset(line, L'b', before);
    wcscpy(line + before, L"{h}");
    wmemset(line + before + 3, L'a', after);
    line[before + 3 + after] = L'\0';
    return line;
}

/* rewrite() has the result end at the end of memory: a unit too many would crash. */
static void check_limit(size_t before, size_t after)
{
    bool fits = before + 3 + after < LINE_CAPACITY;
    struct text result;

    require(rewrite(&result, long_line(before, after)) == fits, "%zu units, {h}, %zu units", before, after);
    ck_assert_uint_eq(result.length, before + 3 + after);
    ck_assert_uint_eq(wcslen(result.at), fits ? result.length : LINE_CAPACITY - 1);
    ck_assert_uint_eq(used_ones(), H);
}

START_TEST(rewrite_up_to_the_limit)
{
    for (size_t after = LINE_CAPACITY - 9; after <= LINE_CAPACITY + 1; after++) {
        check_limit(0, after);
        check_limit(5, after - 5);
    }
    for (size_t before = LINE_CAPACITY - 9; before <= LINE_CAPACITY + 1; before++) {
        check_limit(before, 0);
        check_limit(before, 1);
    }
}
END_TEST

START_TEST(rewrite_of_a_longer_line_that_fits)
{
    static wchar_t line[3 * LINE_CAPACITY + 1];
    struct text result;

    for (size_t i = 0; i < LINE_CAPACITY; i++)
        wcscpy(line + 3 * i, L"{x}");
    ck_assert(!rewrite(&result, line));
    ck_assert_uint_eq(result.length, LINE_CAPACITY);
    line[3 * (LINE_CAPACITY - 1)] = L'\0';
    ck_assert(rewrite(&result, line));
    ck_assert_uint_eq(wcsspn(result.at, L"4"), LINE_CAPACITY - 1);
}
END_TEST

START_TEST(rewrite_of_a_line_that_becomes_too_long)
{
    static wchar_t line[LINE_CAPACITY];
    struct text result;

    for (size_t i = 0; i < LINE_CAPACITY / 5; i++)
        wcscpy(line + 5 * i, L"{hey}");
    ck_assert(!rewrite(&result, line));
    ck_assert_uint_eq(result.length, LINE_CAPACITY / 5 * 10);
    ck_assert_uint_eq(wcslen(result.at), LINE_CAPACITY - 1);
}
END_TEST

/* --- names ----------------------------------------------------------------------------------- */

/* Names of few letters, so that many share a way in the tree, some are alike and some begin others. */
START_TEST(name_is_found_in_the_tree)
{
    enum { MOST = 60 };

    for (int trial = 0; trial < 2000; trial++) {
        wchar_t names[MOST][6], line[8];
        struct placeholder all[MOST], *tree = NULL, *owners[MOST];
        uint32_t count = random_below(MOST) + 1;

        for (uint32_t i = 0; i < count; i++) {
            swprintf(names[i], LENGTH(names[i]), L"%x", random_below(trial % 2 != 0 ? 40 : 0x10000));
            all[i] = (struct placeholder){.name = names[i], .next = {&all[i], &all[i]}};
            owners[i] = &all[i];
            for (uint32_t j = i; j-- > 0;)
                owners[i] = wcscmp(names[i], names[j]) == 0 ? &all[j] : owners[i];
            require(placeholder_insert(&tree, &all[i]) == (owners[i] == &all[i]), "trial %d: '%s'", trial,
                    shown(names[i]));
        }
        for (uint32_t i = 0; i < count; i++) {
            swprintf(line, LENGTH(line), L"%ls}", names[i]);
            require(placeholder_find(tree, line, wcslen(names[i])) == owners[i], "trial %d: '%s'", trial,
                    shown(names[i]));
            ck_assert_ptr_null(placeholder_find(tree, L"zz", 2));
            ck_assert_ptr_null(placeholder_find(tree, line, 0));
        }
    }
    ck_assert_ptr_null(placeholder_find(NULL, L"a", 1));
}
END_TEST

/* As many as a resident launcher takes, in the order in which programs make up names. */
START_TEST(name_is_never_deep_in_the_tree)
{
    enum { COUNT_OF_NAMES = 4096, DEPTH_MOST = 40 };
    static wchar_t names[COUNT_OF_NAMES][8];
    static struct placeholder all[COUNT_OF_NAMES];
    struct placeholder *tree = NULL;
    static int depth[COUNT_OF_NAMES];

    for (int i = 0; i < COUNT_OF_NAMES; i++) {
        swprintf(names[i], LENGTH(names[i]), L"h%d", i);
        all[i].name = names[i];
        ck_assert(placeholder_insert(&tree, &all[i]));
    }
    for (int i = 0; i < COUNT_OF_NAMES; i++) { /* what is below a placeholder came after it */
        require(depth[i] <= DEPTH_MOST, "h%d lies %d deep", i, depth[i]);
        for (int side = 0; side < 2; side++) {
            if (all[i].next[side] != NULL)
                depth[all[i].next[side] - all] = depth[i] + 1;
        }
    }
}
END_TEST

START_TEST(name_has_few_units)
{
    static const wchar_t units[] = L"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

    for (uint32_t unit = 0; unit <= 0xFFFF; unit++) {
        bool expected = unit != 0 && wcschr(units, (wchar_t)unit) != NULL;

        require(name_has_unit((wchar_t)unit) == expected, "unit 0x%04x", unit);
    }
}
END_TEST

Suite *placeholder_suite(void)
{
    Suite *suite = suite_create("placeholder");
    TCase *tcase = tcase_create("line_rewrite");

    tcase_add_loop_test(tcase, rewrite_row, 0, LENGTH(rewrite_rows));
    tcase_add_test(tcase, rewrite_numbers);
    tcase_add_test(tcase, rewrite_keeps_what_was_used_before);
    tcase_add_test(tcase, rewrite_without_a_declared_name);
    tcase_add_test(tcase, rewrite_as_the_rules_say);
    tcase_add_test(tcase, rewrite_up_to_the_limit);
    tcase_add_test(tcase, rewrite_of_a_longer_line_that_fits);
    tcase_add_test(tcase, rewrite_of_a_line_that_becomes_too_long);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("names");
    tcase_add_test(tcase, name_is_found_in_the_tree);
    tcase_add_test(tcase, name_is_never_deep_in_the_tree);
    tcase_add_test(tcase, name_has_few_units);
    suite_add_tcase(suite, tcase);
    return suite;
}
