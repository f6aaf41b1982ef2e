#include "environment.h"

#include "cmdline.h"

static const wchar_t *next_string(const wchar_t *string)
{
    return string + text_length(string) + 1;
}

/* The first unit of a name may be '=': such variables are hidden. */
static size_t name_length(const wchar_t *string)
{
    size_t length = 1;

    while (string[length] != L'\0' && string[length] != L'=')
        length++;
    return length;
}

static bool sets(const wchar_t *change)
{
    return change[name_length(change)] == L'=';
}

static wchar_t fold(wchar_t unit, upcase_function *upcase)
{
    if (unit >= 0x80)
        return upcase(unit);
    return unit >= L'a' && unit <= L'z' ? (wchar_t)(unit - L'a' + L'A') : unit;
}

/* Negative, 0 or positive, as the name of `a` is less, the same or greater. */
static int compare(const wchar_t *a, const wchar_t *b, upcase_function *upcase)
{
    size_t of_a = name_length(a), of_b = name_length(b), least = of_a < of_b ? of_a : of_b;

    for (size_t i = 0; i < least; i++) {
        int difference = a[i] != b[i] ? fold(a[i], upcase) - fold(b[i], upcase) : 0;

        if (difference != 0)
            return difference;
    }
    return (of_a > of_b) - (of_a < of_b);
}

static const wchar_t *find_first(const wchar_t *block, const wchar_t *name, upcase_function *upcase)
{
    while (*block != L'\0' && compare(block, name, upcase) != 0)
        block = next_string(block);
    return *block != L'\0' ? block : NULL;
}

bool environment_has(const wchar_t *block, const wchar_t *name, upcase_function *upcase)
{
    return find_first(block, name, upcase) != NULL;
}

static const wchar_t *find_last(const wchar_t *block, const wchar_t *name, upcase_function *upcase)
{
    const wchar_t *last = NULL;

    while ((block = find_first(block, name, upcase)) != NULL) {
        last = block;
        block = next_string(block);
    }
    return last;
}

/* The least of the changes that set a variable which the block does not have, and greater than `after` (NULL: any);
 * NULL if there is none. */
static const wchar_t *find_new(const wchar_t *block, const wchar_t *changes, const wchar_t *after,
                               upcase_function *upcase)
{
    const wchar_t *least = NULL;

    for (const wchar_t *change = changes; *change != L'\0'; change = next_string(change)) {
        if (sets(change) && (after == NULL || compare(change, after, upcase) > 0) &&
            (least == NULL || compare(change, least, upcase) < 0) && find_last(changes, change, upcase) == change &&
            find_first(block, change, upcase) == NULL)
            least = change;
    }
    return least;
}

static void put_change(struct text *result, const wchar_t *change, struct pass *passes, uint32_t pass_count)
{
    size_t name = name_length(change);

    text_put_units(result, change, name);
    line_rewrite(result, change + name, passes, pass_count);
    text_put_unit(result, L'\0');
}

void environment_edit(struct text *result, const wchar_t *block, const wchar_t *changes, struct pass *passes,
                      uint32_t pass_count, upcase_function *upcase)
{
    size_t start = result->length;
    const wchar_t *new = find_new(block, changes, NULL, upcase);

    for (const wchar_t *string = block; *string != L'\0'; string = next_string(string)) {
        const wchar_t *change = find_last(changes, string, upcase);

        if (change != NULL && (!sets(change) || find_first(block, string, upcase) != string))
            continue;
        for (; new != NULL &&compare(new, string, upcase) < 0; new = find_new(block, changes, new, upcase))
            put_change(result, new, passes, pass_count);
        if (change != NULL)
            put_change(result, change, passes, pass_count);
        else
            text_put_units(result, string, text_length(string) + 1);
    }
    for (; new != NULL; new = find_new(block, changes, new, upcase))
        put_change(result, new, passes, pass_count);
    if (result->length == start)
        text_put_unit(result, L'\0');
}

void environment_rewrite(struct text *result, const wchar_t *changes, struct pass *passes, uint32_t pass_count)
{
    for (; *changes != L'\0'; changes = next_string(changes))
        put_change(result, changes, passes, pass_count);
}

uint32_t environment_length(const wchar_t *block)
{
    const wchar_t *end = block;

    while (*end != L'\0')
        end = next_string(end);
    return end == block ? 2 : (uint32_t)(end - block) + 1;
}
