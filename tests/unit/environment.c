#include "environment.h"

#include <ctype.h>
#include <string.h>
#include <wchar.h>

#include "unit.h"
#include "upcase.h"

enum { MOST_STRINGS = 12, STRING_ROOM = 80, BLOCK_ROOM = 2 * MOST_STRINGS * STRING_ROOM };

static const struct placeholder declared = {.name = L"h", .number = 420};

/* A block from text in which '|' stands for the NUL after each string, and its size in units. An
 * empty one is a single NUL. */
static size_t make_block(wchar_t *block, const wchar_t *text)
{
    size_t length = wcslen(text);

    wcscpy(block, text);
    block[length + 1] = L'\0';
    for (wchar_t *at = block; at < block + length; at++)
        *at = *at == L'|' ? L'\0' : *at;
    return length == 0 ? 1 : length + 2;
}

static const wchar_t *guard_block(enum guard guard, const wchar_t *text)
{
    static wchar_t block[BLOCK_ROOM + 2];
    size_t units = make_block(block, text);

    return guard_bytes(guard, block, units * sizeof *block);
}

static void edit_block(struct text *result, const wchar_t *block, const wchar_t *changes,
                       struct placeholder *placeholder)
{
    struct change room[MOST_STRINGS];
    struct changes sorted = {.sorted = room, .upcase = upcase};

    require(environment_count(changes) <= MOST_STRINGS, "more changes than there is room for");
    environment_sort(&sorted, changes);
    environment_edit(result, block, &sorted, placeholder);
}

/* Edits into just `capacity` units; all strings end where memory ends. */
static struct text edit(const wchar_t *block, const wchar_t *changes, size_t capacity, struct placeholder *placeholder)
{
    struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - capacity, .capacity = capacity};

    wmemset(result.at, 0x5555, capacity);
    *placeholder = declared;
    edit_block(&result, guard_block(GUARD_INPUT, block), guard_block(GUARD_AGAIN, changes), placeholder);
    return result;
}

static void check_edit(const wchar_t *block, const wchar_t *changes, const wchar_t *expected, bool used)
{
    static wchar_t whole[BLOCK_ROOM + 2];
    size_t units = make_block(whole, expected);
    struct text result;
    struct placeholder placeholder;

    units += units == 1; /* what CreateProcessW takes has two NULs even if it is empty */
    result = edit(block, changes, units, &placeholder);
    require(result.length == units - 1, "'%s' with '%s' has length %zu, not %zu", shown(block), shown(changes),
            result.length, units - 1);
    require(text_end(&result), "'%s' with '%s' does not fit", shown(block), shown(changes));
    for (size_t i = 0; i < units; i++)
        require(result.at[i] == whole[i], "'%s' with '%s' is not '%s': unit %zu is 0x%x", shown(block), shown(changes),
                shown(expected), i, result.at[i]);
    require(placeholder.used == used, "'%s' with '%s': used is %d", shown(block), shown(changes), placeholder.used);
}

static const struct row {
    const wchar_t *block, *changes, *result;
    bool used;
} rows[] = {
    {L"", L"", L"", false},
    {L"A=1", L"", L"A=1", false},
    {L"=C:=C:\\dir|=ExitCode=00000001|A=1|B=|c=x=y", L"", L"=C:=C:\\dir|=ExitCode=00000001|A=1|B=|c=x=y", false},
    {L"", L"A=1", L"A=1", false},
    {L"", L"A=1|B=2|C=3", L"A=1|B=2|C=3", false},
    {L"", L"A=", L"A=", false},
    {L"", L"A", L"", false},

    {L"A=1|B=2|C=3", L"A=9", L"A=9|B=2|C=3", false}, /* where it stands */
    {L"A=1|B=2|C=3", L"B=longer than before", L"A=1|B=longer than before|C=3", false},
    {L"A=1|B=2|C=3", L"C=", L"A=1|B=2|C=", false},
    {L"A=1|B=2|C=3", L"C=8|A=9", L"A=9|B=2|C=8", false},

    {L"B=2|D=1", L"Z=3|Y=4|A=5|C=6", L"A=5|B=2|C=6|D=1|Y=4|Z=3", false}, /* where it belongs */
    {L"b=2|d=1", L"Z=3|Y=4|A=5|C=6", L"A=5|b=2|C=6|d=1|Y=4|Z=3", false},
    {L"B=2|D=1", L"z=3|y=4|a=5|c=6", L"a=5|B=2|c=6|D=1|y=4|z=3", false},
    {L"B=2|A=1", L"Z=3|B=9|Y=4", L"B=9|A=1|Y=4|Z=3", false},
    {L"D=2|A=1", L"B=3", L"B=3|D=2|A=1", false}, /* of one that is not sorted, before the first that is greater */
    {L"D=2|A=1", L"D|B=3", L"A=1|B=3", false},
    {L"A=1|A_B=2|AB=3", L"AA=4", L"A=1|AA=4|A_B=2|AB=3", false}, /* by units: '_' follows the capitals */
    {L"A=1|AB=3", L"A_B=2", L"A=1|AB=3|A_B=2", false},
    {L"A=1|ABC=3", L"AB=2", L"A=1|AB=2|ABC=3", false},
    {L"=C:=C:\\a|A=1", L"=D:=D:\\b|=A=2", L"=A=2|=C:=C:\\a|=D:=D:\\b|A=1", false},
    {L"\x104=1|\x106=2", L"\x105=3", L"\x105=3|\x106=2", false}, /* upper case is 104 */
    {L"\x104=1|\x108=2", L"\x107=3", L"\x104=1|\x107=3|\x108=2", false},
    {L"ZZ=1|\xC4=2", L"\xE0=3", L"ZZ=1|\xE0=3|\xC4=2", false}, /* c0 */
    {L"A=1", L"B==", L"A=1|B==", false},
    {L"A=1", L"A=x=y", L"A=x=y", false},

    {L"A=1|B=2|C=3", L"A", L"B=2|C=3", false},
    {L"A=1|B=2|C=3", L"B", L"A=1|C=3", false},
    {L"A=1|B=2|C=3", L"C", L"A=1|B=2", false},
    {L"A=1|B=2|C=3", L"D", L"A=1|B=2|C=3", false},
    {L"A=1|B=2|C=3", L"C|B|A", L"", false},
    {L"A=1", L"A", L"", false},

    {L"", L"A=1|A=2", L"A=2", false}, /* the later of two counts */
    {L"A=0|B=0", L"A=1|A=2", L"A=2|B=0", false},
    {L"A=0|B=0", L"A=1|A", L"B=0", false},
    {L"A=0|B=0", L"A|A=1", L"A=1|B=0", false},
    {L"", L"A=1|A", L"", false},
    {L"", L"A|A=1", L"A=1", false},
    {L"", L"A=1|B=2|a=3", L"a=3|B=2", false},

    {L"Path=1|B=2", L"PATH=3", L"PATH=3|B=2", false}, /* whatever the case */
    {L"Path=1|B=2", L"pATH", L"B=2", false},
    {L"az=1", L"AZ=2", L"AZ=2", false},
    {L"@=1|[=2|{=3|`=4", L"`=5|{", L"@=1|[=2|`=5", false}, /* they differ from each other as letters do */
    {L"\xE9=1", L"\xC9=2", L"\xC9=2", false},              /* beyond ASCII too */
    {L"\xC4RGER=1|B=2", L"\xE4rger", L"B=2", false},
    {L"\x444=1", L"\x424=2", L"\x424=2", false},
    {L"\x131=1", L"I=2", L"I=2|\x131=1", false}, /* but in no language more than another */
    {L"A\x0141=1", L"AA=2", L"AA=2|A\x0141=1", false},

    {L"AB=1|A=2", L"A=3", L"AB=1|A=3", false}, /* the whole name */
    {L"A=1|AB=2", L"AB=3", L"A=1|AB=3", false},
    {L"A=1|AB=2", L"A", L"AB=2", false},
    {L"A=1|AB=2", L"B", L"A=1|AB=2", false},
    {L"BA=1|A=2", L"A", L"BA=1", false},

    {L"=C:=C:\\a|=D:=D:\\b|A=1", L"=C:=C:\\x y", L"=C:=C:\\x y|=D:=D:\\b|A=1", false},
    {L"=C:=C:\\a|=D:=D:\\b|A=1", L"=D:", L"=C:=C:\\a|A=1", false},
    {L"=C:=C:\\a|C:=1", L"C:=2", L"=C:=C:\\a|C:=2", false},
    {L"==x|=C:=1", L"==y", L"==y|=C:=1", false},
    {L"=::=::\\|A=1", L"A", L"=::=::\\", false},

    {L"A=1|A=2|B=3|a=4", L"", L"A=1|A=2|B=3|a=4", false}, /* what nobody mentions may be twice */
    {L"A=1|A=2|B=3|a=4", L"B=5", L"A=1|A=2|B=5|a=4", false},
    {L"A=1|B=3|A=2|a=4", L"A=5", L"A=5|B=3", false},
    {L"A=1|B=3|A=2|a=4", L"A", L"B=3", false},
    {L"A|B=1", L"", L"A|B=1", false}, /* not even a variable */
    {L"A|B=1", L"A=2", L"A=2|B=1", false},

    {L"A=1", L"H={h}", L"A=1|H=420", true},
    {L"H=1", L"H=<{h:x}> {h}", L"H=<1a4> 420", true},
    {L"H=1", L"H={{h}} {z} {\"h\":1}", L"H={h} {z} {\"h\":1}", false},
    {L"A={h}|B={h:x}", L"C=1", L"A={h}|B={h:x}|C=1", false}, /* only in what is set */
    {L"A={h}", L"{h}=1|{h:x}", L"A={h}|{h}=1", false},
    {L"{h}=1", L"{H}={h}", L"{H}=420", true},
    {L"", L"A={h}|A=1", L"A=1", false},
    {L"A=0", L"A={h}|a", L"", false},
    {L"", L"A=1|A={h}", L"A=420", true},
    {L"\xD800=\xDC00|\xFFFF=\x1", L"\xD800=\xFFFF", L"\xD800=\xFFFF|\xFFFF=\x1", false},
};

START_TEST(environment_row)
{
    check_edit(rows[_i].block, rows[_i].changes, rows[_i].result, rows[_i].used);
}
END_TEST

/* The rules once more, as operations on a list. Texts are expected ones: without placeholders. */
struct entry {
    wchar_t name[8], written[STRING_ROOM], expected[STRING_ROOM];
    bool sets, uses;
};

struct list {
    struct entry entries[2 * MOST_STRINGS];
    size_t count;
};

static int upper(wchar_t unit)
{
    return unit < 0x80 ? toupper(unit) : unit == 0xE9 ? 0xC9 : unit;
}

static int compare_names(const wchar_t *a, const wchar_t *b)
{
    while (*a != L'\0' && upper(*a) == upper(*b))
        a++, b++;
    return upper(*a) - upper(*b);
}

static bool is_same_name(const wchar_t *a, const wchar_t *b)
{
    return compare_names(a, b) == 0;
}

static size_t list_find(const struct list *list, size_t from, const wchar_t *name)
{
    while (from < list->count && !is_same_name(list->entries[from].name, name))
        from++;
    return from;
}

static void list_remove(struct list *list, size_t at)
{
    list->count--;
    memmove(&list->entries[at], &list->entries[at + 1], (list->count - at) * sizeof *list->entries);
}

static void list_remove_all(struct list *list, size_t from, const wchar_t *name)
{
    while ((from = list_find(list, from, name)) < list->count)
        list_remove(list, from);
}

/* Where it is, or else before the first that is greater. */
static void list_set(struct list *list, const struct entry *change)
{
    size_t at = list_find(list, 0, change->name);

    if (at == list->count) {
        at = 0;
        while (at < list->count && compare_names(list->entries[at].name, change->name) < 0)
            at++;
        memmove(&list->entries[at + 1], &list->entries[at], (list->count - at) * sizeof *list->entries);
        list->count++;
    }
    list->entries[at] = *change;
    list_remove_all(list, at + 1, change->name);
}

/* What is there already comes first: only then is it known where something new belongs. */
static void list_change_all(struct list *list, const struct list *changes)
{
    struct list added = {.count = 0};

    for (size_t i = 0; i < changes->count; i++) {
        const struct entry *change = &changes->entries[i];

        if (!change->sets)
            list_remove_all(list, 0, change->name);
        else if (list_find(list, 0, change->name) == list->count)
            added.entries[added.count++] = *change;
        else
            list_set(list, change);
    }
    for (size_t i = 0; i < added.count; i++)
        list_set(list, &added.entries[i]);
}

static void list_keep_last(struct list *result, const struct list *changes)
{
    result->count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        list_remove_all(result, 0, changes->entries[i].name);
        result->entries[result->count++] = changes->entries[i];
    }
}

static void list_text(const struct list *list, bool expected, wchar_t *text)
{
    *text = L'\0';
    for (size_t i = 0; i < list->count; i++) {
        wcscat(text, i > 0 ? L"|" : L"");
        wcscat(text, expected ? list->entries[i].expected : list->entries[i].written);
    }
}

static bool list_uses(const struct list *list)
{
    bool uses = false;

    for (size_t i = 0; i < list->count; i++)
        uses = uses || list->entries[i].uses;
    return uses;
}

/* Pieces of texts, as they are written and as they come out. */
static const struct piece {
    const wchar_t *written, *expected;
    bool uses;
} pieces[] = {
    {L"{h}", L"420", true},      {L"{h:x}", L"1a4", true},      {L"{{h}}", L"{h}", false},
    {L"{H}", L"{H}", false},     {L"{{h:x}}", L"{h:x}", false}, {L"=", L"=", false},
    {L"", L"", false},           {L" \"\\", L" \"\\", false},   {L"\xDC00\xFFFF", L"\xDC00\xFFFF", false},
    {L"\x1\n", L"\x1\n", false},
};

static void random_entry(struct entry *entry, bool change)
{
    static const wchar_t *const names[] = {L"A",   L"a",    L"AB",   L"aB",     L"B",    L"=C:", L"=c:",
                                           L"=",   L"Path", L"PATH", L"\xE9",   L"\xC9", L"@",   L"`",
                                           L"{h}", L"{H}",  L"A ",   L"\xD800", L"z",    L"Z"};

    memset(entry, 0, sizeof *entry);
    wcscpy(entry->name, names[random_below(LENGTH(names))]);
    wcscpy(entry->written, entry->name);
    entry->sets = random_below(4) != 0;
    if (entry->sets)
        wcscat(entry->written, L"=");
    wcscpy(entry->expected, entry->written);
    for (uint32_t count = entry->sets ? random_below(6) : 0; count > 0; count--) {
        const struct piece *piece = &pieces[random_below(LENGTH(pieces))];

        wcscat(wcscat(entry->written, piece->written), L",");
        wcscat(wcscat(entry->expected, change ? piece->expected : piece->written), L",");
        entry->uses = entry->uses || (change && piece->uses);
    }
}

static void random_list(struct list *list, bool changes)
{
    list->count = random_below(MOST_STRINGS + 1);
    for (size_t i = 0; i < list->count; i++)
        random_entry(&list->entries[i], changes);
}

START_TEST(environment_as_a_list)
{
    static struct list list, changes, last;
    static wchar_t block[BLOCK_ROOM], edits[BLOCK_ROOM], expected[BLOCK_ROOM];

    for (int trial = 0; trial < 20000; trial++) {
        struct text result;
        struct placeholder placeholder;
        size_t length, capacity;

        random_list(&list, false);
        random_list(&changes, true);
        list_text(&list, false, block);
        list_text(&changes, false, edits);
        list_keep_last(&last, &changes);
        list_change_all(&list, &last);
        list_text(&list, true, expected);
        check_edit(block, edits, expected, list_uses(&list));

        length = wcslen(expected) + 1;
        capacity = 1 + random_below((uint32_t)length);
        result = edit(block, edits, capacity, &placeholder);
        require(!text_end(&result) && result.length == length, "trial %d: capacity %zu", trial, capacity);
    }
}
END_TEST

START_TEST(environment_of_every_capacity)
{
    static const wchar_t block[] = L"=C:=C:\\dir|A=1|Path=old|B=2", changes[] = L"B|PATH={h}|NEW={h:x}";
    static const wchar_t whole[] = L"=C:=C:\\dir\0A=1\0NEW=1a4\0PATH=420\0";

    for (size_t capacity = 1; capacity < LENGTH(whole) + 3; capacity++) {
        size_t kept = capacity < LENGTH(whole) ? capacity - 1 : LENGTH(whole) - 1;
        struct placeholder placeholder;
        struct text result = edit(block, changes, capacity, &placeholder);

        ck_assert_uint_eq(result.length, LENGTH(whole) - 1);
        require(text_end(&result) == (capacity >= LENGTH(whole)), "capacity %zu", capacity);
        require(wmemcmp(result.at, whole, kept) == 0 && result.at[kept] == L'\0', "capacity %zu", capacity);
    }
}
END_TEST

/* What it adds is counted from where the text was, a closing NUL of nothing included. */
START_TEST(environment_after_other_text)
{
    struct text result = {.at = (wchar_t *)guard_end(GUARD_OUTPUT) - 8, .capacity = 8};

    text_put(&result, L"abc");
    edit_block(&result, L"", L"", NULL);
    ck_assert_uint_eq(result.length, 4);
    edit_block(&result, L"A=\0", L"", NULL);
    ck_assert_uint_eq(result.length, 7);
    ck_assert(text_end(&result));
    ck_assert(wmemcmp(result.at, L"abc\0A=\0", 8) == 0);
}
END_TEST

/* Asked about every name that is compared, since all differ in a unit that is not ASCII. */
static unsigned asked;

static wchar_t count_and_upcase(wchar_t unit)
{
    asked++;
    return unit;
}

/* V and a unit for each, falling. */
static const wchar_t *make_falling(wchar_t *block, uint32_t count)
{
    wchar_t *at = block;

    for (uint32_t i = count; i > 0; i--)
        at += swprintf(at, 8, L"V%lc=1", (wchar_t)(0x4E00 + i)) + 1;
    *at = L'\0';
    return block;
}

enum { MANY = 800, SOME = 100, FALLING_ROOM = 6 * MANY + 1 };

/* Into an empty block (`there` is 0) or one that has as many variables, which are all set or all removed. */
static unsigned count_comparisons(uint32_t count, uint32_t there, bool removes)
{
    static wchar_t block[FALLING_ROOM], changes[FALLING_ROOM], memory[FALLING_ROOM];
    static struct change room[MANY];
    struct text result = {.at = memory, .capacity = FALLING_ROOM};
    struct changes sorted = {.sorted = room, .upcase = count_and_upcase};
    wchar_t *to = changes;

    make_falling(block, there);
    make_falling(changes, count);
    for (const wchar_t *from = changes; removes && (*from != L'\0' || from[1] != L'\0'); from++) {
        if (*from != L'=' && *from != L'1')
            *to++ = *from;
    }
    if (removes)
        to[0] = to[1] = L'\0';
    asked = 0;
    environment_sort(&sorted, changes);
    environment_edit(&result, block, &sorted, NULL);
    ck_assert_uint_eq(sorted.count, count);
    ck_assert(text_end(&result));
    ck_assert_uint_eq(environment_count(memory), removes ? 0 : count);
    return asked;
}

/* Eight times as many take less than sixteen times as many comparisons: 12 is what n log n comes to, and 64 n^2. */
START_TEST(environment_of_many_changes)
{
    for (int trial = 0; trial < 3; trial++) {
        unsigned some = count_comparisons(SOME, trial > 0 ? SOME : 0, trial == 2);
        unsigned many = count_comparisons(MANY, trial > 0 ? MANY : 0, trial == 2);

        ck_assert_uint_gt(some, SOME);
        require(many < 16 * some, "trial %d: %u times for %d changes, %u for %d", trial, some, SOME, many, MANY);
    }
}
END_TEST

static const struct {
    const wchar_t *changes, *twice;
} twice_rows[] = {
    {L"", NULL},          {L"A=1", NULL},         {L"C=1|B|A=1", NULL},     {L"A=1|AB=1|=A=1", NULL},
    {L"A=1|a=2", L"a=2"}, {L"A|B=1|A=2", L"A=2"}, {L"C=1|B=3|A=1|b", L"b"}, {L"\xE9=1|B=3|A=1|\xC9=2", L"\xC9=2"},
};

START_TEST(environment_twice_row)
{
    const wchar_t *changes = guard_block(GUARD_AGAIN, twice_rows[_i].changes), *twice;
    struct change room[MOST_STRINGS];
    struct changes sorted = {.sorted = room, .upcase = upcase};

    environment_sort(&sorted, changes);
    twice = environment_find_twice(&sorted);
    ck_assert((twice != NULL) == (twice_rows[_i].twice != NULL));
    ck_assert(twice == NULL || wcscmp(twice, twice_rows[_i].twice) == 0);
}
END_TEST

Suite *environment_suite(void)
{
    Suite *suite = suite_create("environment");
    TCase *tcase = tcase_create("environment_edit");

    tcase_add_loop_test(tcase, environment_row, 0, LENGTH(rows));
    tcase_add_test(tcase, environment_as_a_list);
    tcase_add_test(tcase, environment_of_every_capacity);
    tcase_add_test(tcase, environment_after_other_text);
    tcase_add_test(tcase, environment_of_many_changes);
    tcase_add_loop_test(tcase, environment_twice_row, 0, LENGTH(twice_rows));
    suite_add_tcase(suite, tcase);
    return suite;
}
