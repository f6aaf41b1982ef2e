#include "cmdline.h"

#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <shellapi.h>

#include "batch.h"
#include "quote.h"
#include "unit.h"
#include "words.h"

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

static const struct {
    const wchar_t *line, *program, *rest;
} first_word_rows[] = {
    {L"", L"", L""},
    {L"tool", L"tool", L""},
    {L"tool ", L"tool", L" "},
    {L"tool  a b", L"tool", L"  a b"}, /* verbatim: the blanks too */
    {L"tool\ta", L"tool", L"\ta"},
    {L"tool\na b", L"tool\na", L" b"},
    {L" a b", L"", L" a b"},
    {L"\"a b\" c", L"a b", L" c"},
    {L"\"a b\"", L"a b", L""},
    {L"\"a b\"c d", L"a b", L"c d"},
    {L"\"a b", L"a b", L""},
    {L"\"\" a", L"", L" a"},
    {L"\"", L"", L""},
    {L"\"\"", L"", L""},
    {L"\"\"\"", L"", L"\""},
    {L"a\"b c\" d", L"a\"b", L" c\" d"}, /* a quote within is a unit like another */
    {L"\"C:\\a b\\\" c", L"C:\\a b\\", L" c"},
    {L"C:\\a\\t.exe \\\"", L"C:\\a\\t.exe", L" \\\""},
    {L"\xD800 \xDC00", L"\xD800", L" \xDC00"},
};

START_TEST(first_word_row)
{
    const wchar_t *line = guard_string(GUARD_INPUT, first_word_rows[_i].line), *rest;
    size_t length = wcslen(first_word_rows[_i].program);
    struct text program = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - length - 1, .capacity = length + 1};

    rest = line_program(&program, line);
    require(text_end(&program) && wcscmp(program.at, first_word_rows[_i].program) == 0, "'%s' runs '%s'", shown(line),
            shown(program.at));
    require(rest == line + wcslen(line) - wcslen(first_word_rows[_i].rest), "'%s' leaves '%s'", shown(line),
            shown(rest));
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

/* --- line_put_argument ----------------------------------------------------------------------- */

static const struct {
    const wchar_t *before, *argument, *line;
} put_rows[] = {
    {L"", L"", L"\"\""},
    {L"", L"a", L"a"},
    {L"p", L"", L"p \"\""},
    {L"p", L"a", L"p a"},
    {L"p", L"a b", L"p \"a b\""},
    {L"p", L"a\tb", L"p \"a\tb\""},
    {L"p", L"a\nb", L"p \"a\nb\""},
    {L"p", L" ", L"p \" \""},
    {L"p", L"C:\\dir\\", L"p C:\\dir\\"},
    {L"p", L"\\", L"p \\"},
    {L"p", L"C:\\a b\\", L"p \"C:\\a b\\\\\""},
    {L"p", L"C:\\a b\\c", L"p \"C:\\a b\\c\""},
    {L"p", L"a \\\\", L"p \"a \\\\\\\\\""},
    {L"p", L"\"", L"p \"\\\"\""},
    {L"p", L"a\"b", L"p \"a\\\"b\""},
    {L"p", L"a\\\"b", L"p \"a\\\\\\\"b\""},
    {L"p", L"a\\\\\"b", L"p \"a\\\\\\\\\\\"b\""},
    {L"p", L"\\\"\\\"", L"p \"\\\\\\\"\\\\\\\"\""},
    {L"p", L"\"\"", L"p \"\\\"\\\"\""},
    {L"p", L"%^&|<>(){}';,=", L"p %^&|<>(){}';,="},
    {L"p", L"\xD800\xFFFF\x7F", L"p \xD800\xFFFF\x7F"},
    {L"p \"a b\"", L"c", L"p \"a b\" c"},
};

START_TEST(put_row)
{
    const wchar_t *expected = put_rows[_i].line;
    size_t room = wcslen(expected) + 1;
    struct text line = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - room, .capacity = room};

    text_put(&line, put_rows[_i].before);
    line_put_argument(&line, guard_string(GUARD_INPUT, put_rows[_i].argument));
    require(text_end(&line) && wcscmp(line.at, expected) == 0, "'%s' is put as '%s', not '%s'",
            shown(put_rows[_i].argument), shown(line.at), shown(expected));
    ck_assert_uint_eq(line.length, room - 1);
}
END_TEST

enum { MOST_PUT = 8, PUT_ROOM = 12 };

static int random_arguments(wchar_t arguments[MOST_PUT][PUT_ROOM])
{
    static const wchar_t units[] = L"\"\"\"\\\\\\  \tab\xD800\xDC00\xFFFF%^&\n\x1\x7F";
    int count = (int)random_below(MOST_PUT + 1);

    for (int i = 0; i < count; i++) {
        uint32_t length = random_below(PUT_ROOM);

        for (uint32_t at = 0; at < length; at++)
            arguments[i][at] = units[random_below(random_below(2) ? 6 : LENGTH(units) - 1)];
        arguments[i][length] = L'\0';
    }
    return count;
}

static void check_vector(const wchar_t *line, wchar_t arguments[MOST_PUT][PUT_ROOM], int count)
{
    require(vector.count == count, "'%s' gives %d of %d", shown(line), vector.count, count);
    for (int i = 0; i < count; i++)
        require(wcscmp(vector.arguments[i], arguments[i]) == 0, "'%s' from '%s' gives '%s'", shown(arguments[i]),
                shown(line), shown(vector.arguments[i]));
}

/* By line_argument() as well as by Windows, which has its own idea of arguments. */
START_TEST(put_arguments_are_read_back)
{
    for (int trial = 0; trial < 20000; trial++) {
        wchar_t arguments[MOST_PUT][PUT_ROOM], room[400];
        struct text line = {.at = room, .capacity = LENGTH(room)};
        int count = random_arguments(arguments);

        for (int i = 0; i < count; i++)
            line_put_argument(&line, arguments[i]);
        require(text_end(&line), "trial %d: the line is too long", trial);
        split(room);
        check_vector(room, arguments, count);
        check_with_windows(room);
        check_vector(room, arguments, count);
    }
}
END_TEST

/* A name can be all but what ends with a backslash or has a quote: for all who read one. */
START_TEST(put_program_is_read_back)
{
    static const wchar_t units[] = L"  \tab\\\\.:\xD800\xFFFF%^&\n\x1";

    for (int trial = 0; trial < 10000; trial++) {
        wchar_t name[20], room[100], read[100];
        struct text line = {.at = room, .capacity = LENGTH(room)}, program = {.at = read, .capacity = LENGTH(read)};
        uint32_t length = random_below(LENGTH(name) - 1);
        const wchar_t *rest;
        wchar_t **windows;
        int count;

        for (uint32_t i = 0; i < length; i++)
            name[i] = units[random_below(LENGTH(units) - 1)];
        wcscpy(name + length, length > 0 && name[length - 1] == L'\\' ? L"x" : L"");
        line_put_argument(&line, name);
        line_put_argument(&line, L"a b");
        ck_assert(text_end(&line));
        rest = line_program(&program, room);
        require(text_end(&program) && wcscmp(read, name) == 0, "'%s' from '%s' gives '%s'", shown(name), shown(room),
                shown(read));
        require(wcscmp(rest, L" \"a b\"") == 0, "'%s' leaves '%s'", shown(room), shown(rest));
        require(line_after_program(room) == rest + 1, "'%s': another rest", shown(room));
        windows = CommandLineToArgvW(room, &count);
        require(count == 2 && wcscmp(windows[0], name) == 0 && wcscmp(windows[1], L"a b") == 0, "'%s' for Windows",
                shown(room));
        LocalFree(windows);
    }
}
END_TEST

/* --- batch files ----------------------------------------------------------------------------- */

static const struct {
    const wchar_t *path;
    bool batch;
} batch_rows[] = {
    {L"a.bat", true},
    {L"a.cmd", true},
    {L"a.BAT", true},
    {L"a.cMd", true},
    {L"C:\\dir.exe\\a b.bat", true},
    {L".bat", true}, /* alone */
    {L".cmd", true},
    {L"dir\\.bat", true},
    {L"a.exe.bat", true},
    {L"a..bat", true},
    {L"PROGRA~1.BAT", true},
    {L"A~1.CMD", true},
    {L"a.bat.", true}, /* as Windows sees it */
    {L"a.bat ", true},
    {L"a.bat...", true},
    {L"a.bat . . ", true},
    {L"a.CMD .", true},
    {L".bat.", true},

    {L"", false},
    {L" ", false},
    {L".", false},
    {L"....", false},
    {L". . . ", false},
    {L"bat", false},
    {L"cmd", false},
    {L"cmd.exe", false},
    {L"a.exe", false},
    {L"abat", false},
    {L"a_bat", false},
    {L"a.ba", false},
    {L"a.bat.exe", false},
    {L"a.batx", false},
    {L"x.batx", false},
    {L"a.bat x", false},
    {L"a.bat\\a", false},
    {L"a.bat\\", false},
    {L"a.cm", false},
    {L"a.bmd", false},
    {L"a.cat", false},
    {L"a.ba t", false},
    {L"a. bat", false},
    {L"a.bat\t", false}, /* no blank at the end of a name */
    {L"a.bat\xA0", false},
    {L"a\x012E"
     L"bat",
     false},                /* the low byte is a dot */
    {L"a.b\x0161t", false}, /* the low byte is a letter */
    {L"a.b\xFF41t", false}, /* a wide letter */
};

START_TEST(batch_row)
{
    const wchar_t *path = guard_string(GUARD_INPUT, batch_rows[_i].path);

    require(path_is_batch(path) == batch_rows[_i].batch, "'%s'", shown(path));
}
END_TEST

/* Any name, against the runtime's comparison. */
START_TEST(batch_of_any_name)
{
    static const wchar_t units[] = L"..bBaAtTcCmMdD xX\\:~";
    long batches = 0;

    for (int trial = 0; trial < 300000; trial++) {
        wchar_t path[12], kept[12];
        uint32_t length = random_below(LENGTH(path));
        size_t end;
        bool batch;

        for (uint32_t i = 0; i < length; i++)
            path[i] = units[random_below(LENGTH(units) - 1)];
        path[length] = L'\0';
        if (length >= 4 && random_below(2))
            wmemcpy(path + random_below(length - 3), random_below(2) ? L".bAt" : L".CmD", 4);
        wcscpy(kept, path);
        for (end = length; end > 0 && wcschr(L". ", kept[end - 1]) != NULL; end--)
            kept[end - 1] = L'\0';
        batch = end >= 4 && (_wcsicmp(kept + end - 4, L".bat") == 0 || _wcsicmp(kept + end - 4, L".cmd") == 0);
        require(path_is_batch(guard_string(GUARD_INPUT, path)) == batch, "'%s'", shown(path));
        batches += batch;
    }
    ck_assert_int_gt(batches, 1000);
}
END_TEST

static const wchar_t cmd[] = L"C:\\Windows\\System32\\cmd.exe";

#define CMD L"\"C:\\Windows\\System32\\cmd.exe\" /d /e:on /v:off /s /c "

static const struct {
    const wchar_t *path, *line, *result;
} put_batch_rows[] = {
    {L"a.bat", NULL, CMD L"\"\"a.bat\"\""},
    {L"a.bat", L"", CMD L"\"\"a.bat\"\""},
    {L"a.bat", L"a", CMD L"\"\"a.bat\"\""},
    {L"a.bat", L"a 1 2", CMD L"\"\"a.bat\" 1 2\""},
    {L"C:\\a b.bat", L"\"a b\" \"c d\"", CMD L"\"\"C:\\a b.bat\" \"c d\"\""},
    {L"a.bat", L"\"a b\"c", CMD L"\"\"a.bat\"c\""},
    {L"a.bat", L"a  \t \"x ", CMD L"\"\"a.bat\"  \t \"x \""}, /* verbatim */
    {L"a.bat", L"a %PATH% ^& \\\" & b", CMD L"\"\"a.bat\" %PATH% ^& \\\" & b\""},
    {L"a.bat", L" b", CMD L"\"\"a.bat\" b\""},
    {L"\xD800&.cmd", L"a \xDC00", CMD L"\"\"\xD800&.cmd\" \xDC00\""},
    {L"C:\\100%\\%TEMP%.bat", L"a %b%", /* the path's, not the line's */
     CMD L"\"\"C:\\100%%cd:~,%\\%%cd:~,%TEMP%%cd:~,%.bat\" %b%\""},
};

START_TEST(put_batch_row)
{
    const wchar_t *expected = put_batch_rows[_i].result, *line = put_batch_rows[_i].line;
    size_t room = wcslen(expected) + 1;

    for (size_t capacity = 1; capacity <= room + 1; capacity++) {
        struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - capacity, .capacity = capacity};
        bool fits;

        ck_assert(line_put_batch(&result, cmd, guard_string(GUARD_AGAIN, put_batch_rows[_i].path),
                                 line != NULL ? guard_string(GUARD_INPUT, line) : NULL));
        fits = text_end(&result);
        require(fits == (capacity >= room), "capacity %zu of %zu", capacity, room);
        ck_assert_uint_eq(result.length, room - 1);
        require(wcsncmp(result.at, expected, fits ? room : capacity - 1) == 0, "'%s', not '%s'", shown(result.at),
                shown(expected));
    }
}
END_TEST

/* 8,191 characters and not one more, however much room there is; 8,192 units are just enough. */
START_TEST(put_batch_up_to_the_limit)
{
    static const size_t capacities[] = {8192, 8193, LINE_CAPACITY};
    static wchar_t line[8400], path[8400];
    size_t rest = wcslen(CMD L"\"\"a.bat\"\"");

    for (size_t i = 0; i < LENGTH(capacities); i++) {
        for (size_t length = 8191 - 9; length <= 8191 + 9; length++) {
            struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - capacities[i], .capacity = capacities[i]};

            wmemset(wcscpy(line, L"a ") + 1, L'b', length - rest);
            line[1 + length - rest] = L'\0';
            line[1] = L' ';
            require(line_put_batch(&result, cmd, L"a.bat", guard_string(GUARD_INPUT, line)) == (length <= 8191),
                    "%zu characters into %zu", length, capacities[i]);
            ck_assert_uint_eq(result.length, length);

            result.length = 0;
            wmemset(path, L'p', length - rest);
            wcscpy(path + length - rest, L"a.bat");
            require(line_put_batch(&result, cmd, guard_string(GUARD_INPUT, path), NULL) == (length <= 8191),
                    "%zu characters into %zu, the path long", length, capacities[i]);
            ck_assert_uint_eq(result.length, length);
        }
    }
}
END_TEST

static TCase *argument_case(void)
{
    TCase *tcase = tcase_create("line_argument");

    tcase_add_loop_test(tcase, program_row, 0, LENGTH(program_rows));
    tcase_add_loop_test(tcase, first_word_row, 0, LENGTH(first_word_rows));
    tcase_add_loop_test(tcase, argument_row, 0, LENGTH(argument_rows));
    tcase_add_test(tcase, arguments_of_any_line);
    tcase_add_test(tcase, arguments_as_windows_reads_them);
    tcase_add_test(tcase, arguments_round_trip);
    return tcase;
}

static TCase *put_case(void)
{
    TCase *tcase = tcase_create("line_put_argument");

    tcase_add_loop_test(tcase, put_row, 0, LENGTH(put_rows));
    tcase_add_test(tcase, put_arguments_are_read_back);
    tcase_add_test(tcase, put_program_is_read_back);
    return tcase;
}

static TCase *batch_case(void)
{
    TCase *tcase = tcase_create("line_batch");

    tcase_add_loop_test(tcase, batch_row, 0, LENGTH(batch_rows));
    tcase_add_test(tcase, batch_of_any_name);
    tcase_add_loop_test(tcase, put_batch_row, 0, LENGTH(put_batch_rows));
    tcase_add_test(tcase, put_batch_up_to_the_limit);
    return tcase;
}

Suite *cmdline_suite(void)
{
    Suite *suite = suite_create("cmdline");

    suite_add_tcase(suite, argument_case());
    suite_add_tcase(suite, put_case());
    suite_add_tcase(suite, batch_case());
    return suite;
}
