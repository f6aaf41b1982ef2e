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

static wchar_t fold(wchar_t unit)
{
    return unit >= L'a' && unit <= L'z' ? (wchar_t)(unit - L'a' + L'A') : unit;
}

static bool same_name(const wchar_t *a, const wchar_t *b)
{
    size_t length = name_length(a);

    if (length != name_length(b))
        return false;
    while (length > 0 && fold(a[length - 1]) == fold(b[length - 1]))
        length--;
    return length == 0;
}

static const wchar_t *find_first(const wchar_t *block, const wchar_t *name)
{
    while (*block != L'\0' && !same_name(block, name))
        block = next_string(block);
    return *block != L'\0' ? block : NULL;
}

static const wchar_t *find_last(const wchar_t *block, const wchar_t *name)
{
    const wchar_t *last = NULL;

    while ((block = find_first(block, name)) != NULL) {
        last = block;
        block = next_string(block);
    }
    return last;
}

static void put_change(struct text *result, const wchar_t *change, struct pass *passes, uint32_t pass_count)
{
    size_t name = name_length(change);

    text_put_units(result, change, name);
    line_rewrite(result, change + name, passes, pass_count);
    text_put_unit(result, L'\0');
}

void environment_edit(struct text *result, const wchar_t *block, const wchar_t *changes, struct pass *passes,
                      uint32_t pass_count)
{
    size_t start = result->length;

    for (const wchar_t *string = block; *string != L'\0'; string = next_string(string)) {
        const wchar_t *change = find_last(changes, string);

        if (change == NULL)
            text_put_units(result, string, text_length(string) + 1);
        else if (sets(change) && find_first(block, string) == string)
            put_change(result, change, passes, pass_count);
    }
    for (const wchar_t *change = changes; *change != L'\0'; change = next_string(change)) {
        if (sets(change) && find_last(changes, change) == change && find_first(block, change) == NULL)
            put_change(result, change, passes, pass_count);
    }
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
