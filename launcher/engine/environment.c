#include "environment.h"

static const wchar_t *next_string(const wchar_t *string)
{
    return string + text_length(string) + 1;
}

size_t environment_name_length(const wchar_t *string)
{
    size_t length = 1;

    while (string[length] != L'\0' && string[length] != L'=')
        length++;
    return length;
}

static bool sets(const wchar_t *change)
{
    return change[environment_name_length(change)] == L'=';
}

static wchar_t fold(wchar_t unit, upcase_function *upcase)
{
    if (unit >= 0x80)
        return upcase(unit);
    return unit >= L'a' && unit <= L'z' ? (wchar_t)(unit - L'a' + L'A') : unit;
}

static bool ends_name(const wchar_t *string, size_t at)
{
    return at > 0 && (string[at] == L'\0' || string[at] == L'=');
}

/* Negative, 0 or positive, as the name of `a` is less, the same or greater. */
static int compare(const wchar_t *a, const wchar_t *b, upcase_function *upcase)
{
    size_t i = 0;

    for (; !ends_name(a, i) && !ends_name(b, i); i++) {
        int difference = a[i] != b[i] ? fold(a[i], upcase) - fold(b[i], upcase) : 0;

        if (difference != 0)
            return difference;
    }
    return ends_name(b, i) - ends_name(a, i);
}

bool environment_has(const wchar_t *block, const wchar_t *name, upcase_function *upcase)
{
    while (*block != L'\0' && compare(block, name, upcase) != 0)
        block = next_string(block);
    return *block != L'\0';
}

/* ---- changes, sorted ---- */

uint32_t environment_count(const wchar_t *block)
{
    uint32_t count = 0;

    for (; *block != L'\0'; block = next_string(block))
        count++;
    return count;
}

static bool is_before(const struct changes *changes, const struct change *a, const struct change *b)
{
    int difference = compare(a->string, b->string, changes->upcase);

    return difference != 0 ? difference < 0 : a->string < b->string;
}

/* Of a heap, whose greatest is the first: moves the one at `at` down to where it belongs. */
static void sift(const struct changes *changes, uint32_t at, uint32_t count)
{
    struct change *heap = changes->sorted, moved = heap[at];

    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_before(changes, &heap[child], &heap[child + 1]))
            child++;
        if (!is_before(changes, &moved, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

void environment_sort(struct changes *changes, const wchar_t *block)
{
    struct change *sorted = changes->sorted;

    changes->count = 0;
    for (; *block != L'\0'; block = next_string(block))
        sorted[changes->count++] = (struct change){.string = block};
    for (uint32_t i = changes->count / 2; i-- > 0;)
        sift(changes, i, changes->count);
    for (uint32_t end = changes->count; end > 1;) {
        struct change greatest = sorted[0];

        sorted[0] = sorted[--end];
        sorted[end] = greatest;
        sift(changes, 0, end);
    }
}

/* Whether the next change is of the same variable, and so counts instead. */
static bool is_overruled(const struct changes *changes, uint32_t i)
{
    return i + 1 < changes->count &&
           compare(changes->sorted[i].string, changes->sorted[i + 1].string, changes->upcase) == 0;
}

const wchar_t *environment_find_twice(const struct changes *changes)
{
    uint32_t i = 0;

    while (i < changes->count && !is_overruled(changes, i))
        i++;
    return i < changes->count ? changes->sorted[i + 1].string : NULL;
}

/* The change that counts for this variable; NULL if there is none. */
static struct change *find(const struct changes *changes, const wchar_t *variable)
{
    uint32_t low = 0, high = changes->count;
    struct change *last;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare(changes->sorted[middle].string, variable, changes->upcase) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    last = &changes->sorted[low - 1];
    return compare(last->string, variable, changes->upcase) == 0 ? last : NULL;
}

static void locate(const struct changes *changes, const wchar_t *block)
{
    for (uint32_t i = 0; i < changes->count; i++)
        changes->sorted[i].place = NULL;
    for (; *block != L'\0'; block = next_string(block)) {
        struct change *change = find(changes, block);

        if (change != NULL && change->place == NULL)
            change->place = block;
    }
}

/* From the i-th change on, the first that sets a variable which the block does not have, or the count. */
static uint32_t find_new(const struct changes *changes, uint32_t i)
{
    while (i < changes->count &&
           (changes->sorted[i].place != NULL || !sets(changes->sorted[i].string) || is_overruled(changes, i)))
        i++;
    return i;
}

/* ---- the new block ---- */

static void put_change(struct text *result, const wchar_t *change, struct placeholder *tree)
{
    size_t name = environment_name_length(change);

    text_put_units(result, change, name);
    line_rewrite(result, change + name, tree);
    text_put_unit(result, L'\0');
}

/* Those from the i-th on that belong before `string`, NULL being the end. Returns the first that does not. */
static uint32_t put_new(struct text *result, const struct changes *changes, uint32_t i, const wchar_t *string,
                        struct placeholder *tree)
{
    for (i = find_new(changes, i); i < changes->count; i = find_new(changes, i + 1)) {
        if (string != NULL && compare(changes->sorted[i].string, string, changes->upcase) >= 0)
            break;
        put_change(result, changes->sorted[i].string, tree);
    }
    return i;
}

void environment_edit(struct text *result, const wchar_t *block, const struct changes *changes,
                      struct placeholder *tree)
{
    size_t start = result->length;
    uint32_t new = 0;

    locate(changes, block);
    for (const wchar_t *string = block; *string != L'\0'; string = next_string(string)) {
        const struct change *change = find(changes, string);

        if (change != NULL && (!sets(change->string) || change->place != string))
            continue;
        new = put_new(result, changes, new, string, tree);
        if (change != NULL)
            put_change(result, change->string, tree);
        else
            text_put_units(result, string, text_length(string) + 1);
    }
    put_new(result, changes, new, NULL, tree);
    if (result->length == start)
        text_put_unit(result, L'\0');
}
