#include "placeholder.h"

/* ---- names ---- */

bool name_has_unit(wchar_t unit)
{
    return (unit >= L'a' && unit <= L'z') || (unit >= L'A' && unit <= L'Z') || (unit >= L'0' && unit <= L'9') ||
           unit == L'_' || unit == L'-' || unit == L'.';
}

static size_t count_name_units(const wchar_t *at)
{
    size_t length = 0;

    while (name_has_unit(at[length]))
        length++;
    return length;
}

bool name_is_valid(const wchar_t *name)
{
    size_t length = count_name_units(name);

    return length > 0 && name[length] == L'\0';
}

/* ---- the tree ---- */

/* By whose bits, from the highest on, the way through the tree goes. So it is not deep, whatever the names have in
 * common and in whichever order they come. */
static uint32_t hash(const wchar_t *name, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum = (sum + name[i]) * 0x9E3779B1;
    return sum;
}

static bool has_name(const struct placeholder *placeholder, const wchar_t *name, size_t length)
{
    size_t same = 0;

    while (same < length && placeholder->name[same] == name[same])
        same++;
    return same == length && placeholder->name[length] == L'\0';
}

/* Where the placeholder of this name is, or would be. */
static struct placeholder **find_place(struct placeholder **at, const wchar_t *name, size_t length)
{
    for (uint32_t way = hash(name, length); *at != NULL && !has_name(*at, name, length); way <<= 1)
        at = &(*at)->next[way >> 31];
    return at;
}

bool placeholder_insert(struct placeholder **tree, struct placeholder *placeholder)
{
    struct placeholder **place = find_place(tree, placeholder->name, text_length(placeholder->name));

    if (*place != NULL)
        return false;
    placeholder->next[0] = placeholder->next[1] = NULL;
    *place = placeholder;
    return true;
}

struct placeholder *placeholder_find(struct placeholder *tree, const wchar_t *name, size_t length)
{
    return *find_place(&tree, name, length);
}

/* ---- texts ---- */

enum form { FORM_DECIMAL, FORM_HEX };

/* The length of what stands at the opening brace `at`, the closing one included; 0 if it is no placeholder of ours. */
static size_t match(const wchar_t *at, struct placeholder *tree, struct placeholder **found, enum form *form)
{
    size_t length = count_name_units(at + 1);
    const wchar_t *end = at + 1 + length;

    *form = end[0] == L':' && end[1] == L'x' ? FORM_HEX : FORM_DECIMAL;
    if (*form == FORM_HEX)
        end += 2;
    *found = *end == L'}' ? placeholder_find(tree, at + 1, length) : NULL;
    return *found != NULL ? (size_t)(end - at) + 1 : 0;
}

static void put_number(struct text *result, uint32_t number, enum form form)
{
    if (form == FORM_HEX)
        text_put_hex(result, number);
    else
        text_put_decimal(result, number);
}

void line_rewrite(struct text *result, const wchar_t *line, struct placeholder *tree)
{
    while (*line != L'\0') {
        struct placeholder *found;
        enum form form;
        size_t length;

        if (line[0] == L'{' && line[1] == L'{' && (length = match(line + 1, tree, &found, &form)) != 0 &&
            line[1 + length] == L'}') {
            text_put_units(result, line + 1, length);
            line += length + 2;
        } else if (line[0] == L'{' && (length = match(line, tree, &found, &form)) != 0) {
            put_number(result, found->number, form);
            found->used = true;
            line += length;
        } else {
            text_put_unit(result, *line++);
        }
    }
}
