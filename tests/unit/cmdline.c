#include "cmdline.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <shellapi.h>

#include "unit.h"

/* --- line_rewrite ---------------------------------------------------------------------------- */

static const struct pass declared[] = {
    {.name = L"h", .number = 420}, {.name = L"he", .number = 0x7FFFFFFC}, {.name = L"hey", .number = 0xFFFFFFFC},
    {.streams = 1, .number = 16}, /* nameless */
    {.name = L"x", .number = 4},   {.name = L"4", .number = 8},           {.name = L"a.B-c_9", .number = 12},
};
enum { H = 1, HE = 2, HEY = 4, X = 16, FOUR = 32, DOTS = 64, COUNT = LENGTH(declared) };

static struct pass passes[COUNT];

static bool rewrite(struct text *result, const wchar_t *line, uint32_t pass_count)
{
    result->at = (wchar_t *)guard_end(GUARD_OUTPUT) - LINE_CAPACITY;
    result->capacity = LINE_CAPACITY;
    result->length = 0;
    memcpy(passes, declared, sizeof passes);
    line_rewrite(result, guard_string(GUARD_INPUT, line), passes, pass_count);
    return text_end(result);
}

static unsigned used_passes(void)
{
    unsigned used = 0;

    for (unsigned i = 0; i < COUNT; i++)
        used |= (unsigned)passes[i].used << i;
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

    ck_assert(rewrite(&result, row->line, COUNT));
    require(wcscmp(result.at, row->result) == 0, "'%s' became '%s', not '%s'", shown(row->line), shown(result.at),
            shown(row->result));
    ck_assert_uint_eq(result.length, wcslen(row->result));
    require(used_passes() == row->used, "'%s' used 0x%x, not 0x%x", shown(row->line), used_passes(), row->used);
}
END_TEST

/* The numbers that handles can have at the edges, each in both forms. */
START_TEST(rewrite_numbers)
{
    static const uint32_t numbers[] = {4, 8, 0x7FFFFFFC, 0x80000000, 0xABCDEF00, 0xFFFFFFFC};

    for (size_t i = 0; i < LENGTH(numbers); i++) {
        struct pass pass = {.name = L"n", .number = numbers[i]};
        wchar_t expected[40];
        struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - 40, .capacity = 40};

        line_rewrite(&result, L"{n} {n:x}", &pass, 1);
        swprintf(expected, LENGTH(expected), L"%u %x", numbers[i], numbers[i]);
        ck_assert(text_end(&result) && pass.used);
        require(wcscmp(result.at, expected) == 0, "'%s', not '%s'", shown(result.at), shown(expected));
    }
}
END_TEST

START_TEST(rewrite_keeps_what_was_used_before)
{
    struct pass two[] = {{.name = L"a", .used = true}, {.name = L"b"}};
    struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - 40, .capacity = 40};

    line_rewrite(&result, L"{b}{{a}}", two, 2);
    ck_assert(two[0].used && two[1].used);
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
    static const struct pass others[] = {{.name = L"z"}, {.name = L"Q"}, {.name = L"hz"}, {.streams = 1}};

    for (int trial = 0; trial < 20000; trial++) {
        wchar_t line[400];
        struct text result;

        make_line(line, LENGTH(line));
        result =
            (struct text){.at = (wchar_t *)guard_end(GUARD_OUTPUT) - wcslen(line) - 1, .capacity = wcslen(line) + 1};
        memcpy(passes, others, sizeof others);
        line_rewrite(&result, guard_string(GUARD_INPUT, line), passes, random_below(LENGTH(others) + 1));
        require(text_end(&result) && wcscmp(result.at, line) == 0, "trial %d: '%s' became '%s'", trial, shown(line),
                shown(result.at));
        require((used_passes() & 0xF) == 0, "trial %d: '%s' used a pass", trial, shown(line));
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

static void add_spelling(unsigned pass, const wchar_t *format, const wchar_t *result, unsigned used)
{
    struct spelling *spelling = &spellings[spelling_count++];

    swprintf(spelling->text, LENGTH(spelling->text), format, declared[pass].name);
    swprintf(spelling->result, LENGTH(spelling->result), result, declared[pass].number);
    spelling->used = used << pass;
}

static void add_literal(unsigned pass, const wchar_t *format, const wchar_t *result)
{
    add_spelling(pass, format, L"", 0);
    swprintf(spellings[spelling_count - 1].result, LENGTH(spellings->result), result, declared[pass].name);
}

static void make_spellings(void)
{
    spelling_count = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        if (declared[i].name == NULL)
            continue;
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
        require(rewrite(&result, line, COUNT), "trial %d: '%s' does not fit", trial, shown(line));
        require(wcscmp(result.at, expected) == 0, "trial %d: '%s' became '%s', not '%s'", trial, shown(line),
                shown(result.at), shown(expected));
        require(used_passes() == used, "trial %d: '%s' used 0x%x, not 0x%x", trial, shown(line), used_passes(), used);
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

    require(rewrite(&result, long_line(before, after), COUNT) == fits, "%zu units, {h}, %zu units", before, after);
    ck_assert_uint_eq(result.length, before + 3 + after);
    ck_assert_uint_eq(wcslen(result.at), fits ? result.length : LINE_CAPACITY - 1);
    ck_assert_uint_eq(used_passes(), H);
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
    ck_assert(!rewrite(&result, line, COUNT));
    ck_assert_uint_eq(result.length, LINE_CAPACITY);
    line[3 * (LINE_CAPACITY - 1)] = L'\0';
    ck_assert(rewrite(&result, line, COUNT));
    ck_assert_uint_eq(wcsspn(result.at, L"4"), LINE_CAPACITY - 1);
}
END_TEST

START_TEST(rewrite_of_a_line_that_becomes_too_long)
{
    static wchar_t line[LINE_CAPACITY];
    struct text result;

    for (size_t i = 0; i < LINE_CAPACITY / 5; i++)
        wcscpy(line + 5 * i, L"{hey}");
    ck_assert(!rewrite(&result, line, COUNT));
    ck_assert_uint_eq(result.length, LINE_CAPACITY / 5 * 10);
    ck_assert_uint_eq(wcslen(result.at), LINE_CAPACITY - 1);
}
END_TEST

/* --- reading arguments ----------------------------------------------------------------------- */

static const struct {
    const wchar_t *line, *rest;
} program_rows[] = {
    {L"", L""},
    {L"tool", L""},
    {L"tool ", L""},
    {L"tool a b", L"a b"},
    {L"tool \t a b ", L"a b "},
    {L"tool\ta", L"a"},
    {L"tool\na", L""},
    {L"C:\\dir\\tool.exe \"a\"", L"\"a\""},
    {L"\"C:\\a b\\tool.exe\" a", L"a"},
    {L"\"C:\\a b\\\" a", L"a"}, /* a backslash is a backslash */
    {L"\"C:\\a b\\\\\" a", L"a"},
    {L"C:\\a\\\" a\" b", L"b"},
    {L"a\"b c\"d e", L"e"},
    {L"\"a\"\"b c\" d", L"d"},
    {L"\"\" a", L"a"},
    {L"\"unclosed a b", L""},
    {L"\"", L""},
    {L" a b", L"a b"}, /* an empty name */
    {L"tool \\\"a", L"\\\"a"},
    {L"\xD800 \xDC00", L"\xDC00"},
};

START_TEST(program_row)
{
    const wchar_t *line = guard_string(GUARD_INPUT, program_rows[_i].line);
    const wchar_t *rest = line_after_program(line);

    require(wcscmp(rest, program_rows[_i].rest) == 0, "after '%s': '%s'", shown(line), shown(rest));
    ck_assert(rest >= line && rest <= line + wcslen(line));
}
END_TEST

enum { MOST_ARGUMENTS = 400, ARGUMENT_ROOM = 400 };

static struct {
    wchar_t arguments[MOST_ARGUMENTS][ARGUMENT_ROOM];
    int count;
} vector;

/* Reads all arguments, each into just as many units as the line has left. */
static void split(const wchar_t *line)
{
    line = guard_string(GUARD_INPUT, line);
    for (vector.count = 0;; vector.count++) {
        size_t room = wcslen(line) + 1;
        wchar_t *argument = (wchar_t *)guard_end(GUARD_OUTPUT) - room;
        const wchar_t *rest;

        wmemset(argument, L'?', room);
        rest = line_argument(line, argument);
        if (rest == NULL)
            break;
        require(rest > line && rest < line + room, "'%s' has a rest outside of it", shown(line));
        require(wmemchr(argument, L'\0', room) != NULL, "'%s' gives an endless argument", shown(line));
        require(vector.count < MOST_ARGUMENTS && wcslen(argument) < ARGUMENT_ROOM, "'%s' is too much", shown(line));
        wcscpy(vector.arguments[vector.count], argument);
        line = rest;
    }
    require(*line == L'\0', "'%s' is left", shown(line));
}

static const struct {
    const wchar_t *line, *arguments[4];
} argument_rows[] = {
    {L"", {0}},
    {L"a", {L"a"}},
    {L"a b\tc", {L"a", L"b", L"c"}},
    {L"a  \t b \t", {L"a", L"b"}},
    {L"a\nb", {L"a\nb"}},
    {L"\"a b c\" d e", {L"a b c", L"d", L"e"}},
    {L"\"ab\\\"c\" \"\\\\\" d", {L"ab\"c", L"\\", L"d"}},
    {L"a\\\\\\b d\"e f\"g h", {L"a\\\\\\b", L"de fg", L"h"}},
    {L"a\\\\\\\"b c d", {L"a\\\"b", L"c", L"d"}},
    {L"a\\\\\\\\\"b c\" d e", {L"a\\\\b c", L"d", L"e"}},
    {L"a\"b\"\" c d", {L"ab\" c d"}},
    {L"\"\"", {L""}},
    {L"\"\" \"\" a", {L"", L"", L"a"}},
    {L"a \"\"", {L"a", L""}},
    {L"a\"\"b", {L"ab"}},
    {L"\"\"\"", {L"\""}},
    {L"\"\"\"\"", {L"\""}},
    {L"\"\"\"\"\"", {L"\"\""}},
    {L"\"a\"\"b\" c", {L"a\"b", L"c"}},
    {L"\"a\"\"\" c", {L"a\"", L"c"}},
    {L"\"a\\\\\"\"b\" c", {L"a\\\"b", L"c"}},
    {L"\"", {L""}},
    {L"\"a b", {L"a b"}},
    {L"\"a b ", {L"a b "}},
    {L"\\", {L"\\"}},
    {L"\\\\", {L"\\\\"}},
    {L"\\ \\\\ a", {L"\\", L"\\\\", L"a"}},
    {L"\\\"", {L"\""}},
    {L"\\\\\"", {L"\\"}},
    {L"\\\" a", {L"\"", L"a"}},
    {L"\"\\\"", {L"\""}},
    {L"\"\\\\\" a", {L"\\", L"a"}},
    {L"\"a \\\\\" b", {L"a \\", L"b"}},
    {L"--steal log=420 --", {L"--steal", L"log=420", L"--"}},
    {L"\xD800 \xDC00\xFFFF", {L"\xD800", L"\xDC00\xFFFF"}},
};

START_TEST(argument_row)
{
    int count = 0;

    split(argument_rows[_i].line);
    while (count < 4 && argument_rows[_i].arguments[count] != NULL)
        count++;
    require(vector.count == count, "'%s' gives %d arguments", shown(argument_rows[_i].line), vector.count);
    for (int i = 0; i < count; i++)
        require(wcscmp(vector.arguments[i], argument_rows[_i].arguments[i]) == 0, "'%s' gives '%s', not '%s'",
                shown(argument_rows[_i].line), shown(vector.arguments[i]), shown(argument_rows[_i].arguments[i]));
}
END_TEST

/* Only the bounds: split() checks them. */
START_TEST(arguments_of_any_line)
{
    for (int trial = 0; trial < 50000; trial++) {
        static const wchar_t units[] = L"\"\"\"\\\\\\  \tab\xD800";
        wchar_t line[40];
        uint32_t length = random_below(LENGTH(line));

        for (uint32_t i = 0; i < length; i++)
            line[i] = units[random_below(LENGTH(units) - 1)];
        line[length] = L'\0';
        line_after_program(guard_string(GUARD_INPUT, line));
        split(line);
    }
}
END_TEST

/* What Windows makes of the line, a program's name put before it. */
static void check_with_windows(const wchar_t *line)
{
    wchar_t whole[4000] = L"p ";
    int count;
    wchar_t **arguments = CommandLineToArgvW(wcscat(whole, line), &count);

    split(line_after_program(whole));
    require(vector.count == count - 1, "'%s': %d arguments, for Windows %d", shown(line), vector.count, count - 1);
    for (int i = 1; i < count; i++)
        require(wcscmp(vector.arguments[i - 1], arguments[i]) == 0, "'%s': '%s', for Windows '%s'", shown(line),
                shown(vector.arguments[i - 1]), shown(arguments[i]));
    LocalFree(arguments);
}

/*
 * CommandLineToArgvW still has the rules from before 2008 for two quotes in a row (the second
 * also ends the quoting), so none are in these lines. The table has what the C runtime does.
 */
START_TEST(arguments_as_windows_reads_them)
{
    static const wchar_t units[] = L"\"\"\\\\\\  \tab\x00E9\xD800\xFFFF{";

    for (int trial = 0; trial < 20000; trial++) {
        wchar_t line[60];
        uint32_t length = 0;

        for (uint32_t count = random_below(LENGTH(line)); count > 0; count--) {
            line[length] = units[random_below(LENGTH(units) - 1)];
            if (length == 0 || line[length] != L'"' || line[length - 1] != L'"')
                length++;
        }
        line[length] = L'\0';
        check_with_windows(line);
    }
}
END_TEST

static void put_quoted(struct text *line, const wchar_t *argument)
{
    bool quotes = *argument == L'\0' || wcspbrk(argument, L" \t\"") != NULL;
    size_t backslashes = 0;

    text_put(line, quotes ? L"\"" : L"");
    for (; *argument != L'\0'; argument++) {
        for (size_t i = *argument == L'"' ? backslashes + 1 : 0; i > 0; i--)
            text_put_unit(line, L'\\');
        backslashes = *argument == L'\\' ? backslashes + 1 : 0;
        text_put_unit(line, *argument);
    }
    for (; quotes && backslashes > 0; backslashes--)
        text_put_unit(line, L'\\');
    text_put(line, quotes ? L"\"" : L"");
}

START_TEST(arguments_round_trip)
{
    static const wchar_t units[] = L"\"\"\\\\\\  \tab\xD800\xFFFF%^&\n";

    for (int trial = 0; trial < 10000; trial++) {
        wchar_t arguments[8][12], line[400];
        struct text text = {.at = line, .capacity = LENGTH(line)};
        int count = (int)random_below(LENGTH(arguments) + 1);

        for (int i = 0; i < count; i++) {
            uint32_t length = random_below(LENGTH(arguments[i]));

            for (uint32_t at = 0; at < length; at++)
                arguments[i][at] = units[random_below(LENGTH(units) - 1)];
            arguments[i][length] = L'\0';
            text_put(&text, i > 0 ? L" " : L"");
            put_quoted(&text, arguments[i]);
        }
        require(text_end(&text), "trial %d: the line is too long", trial);
        check_with_windows(line);
        require(vector.count == count, "trial %d: '%s' gives %d of %d", trial, shown(line), vector.count, count);
        for (int i = 0; i < count; i++)
            require(wcscmp(vector.arguments[i], arguments[i]) == 0, "trial %d: '%s' from '%s' gives '%s'", trial,
                    shown(arguments[i]), shown(line), shown(vector.arguments[i]));
    }
}
END_TEST

static TCase *rewrite_case(void)
{
    TCase *tcase = tcase_create("line_rewrite");

    tcase_add_loop_test(tcase, rewrite_row, 0, LENGTH(rewrite_rows));
    tcase_add_test(tcase, rewrite_numbers);
    tcase_add_test(tcase, rewrite_keeps_what_was_used_before);
    tcase_add_test(tcase, rewrite_without_a_declared_name);
    tcase_add_test(tcase, rewrite_as_the_rules_say);
    tcase_add_test(tcase, rewrite_up_to_the_limit);
    tcase_add_test(tcase, rewrite_of_a_longer_line_that_fits);
    tcase_add_test(tcase, rewrite_of_a_line_that_becomes_too_long);
    return tcase;
}

static TCase *argument_case(void)
{
    TCase *tcase = tcase_create("line_argument");

    tcase_add_loop_test(tcase, program_row, 0, LENGTH(program_rows));
    tcase_add_loop_test(tcase, argument_row, 0, LENGTH(argument_rows));
    tcase_add_test(tcase, arguments_of_any_line);
    tcase_add_test(tcase, arguments_as_windows_reads_them);
    tcase_add_test(tcase, arguments_round_trip);
    return tcase;
}

Suite *cmdline_suite(void)
{
    Suite *suite = suite_create("cmdline");

    suite_add_tcase(suite, rewrite_case());
    suite_add_tcase(suite, argument_case());
    return suite;
}
