/* Environment blocks, as CreateProcessW takes them: strings NAME=TEXT, each with its NUL, and one
 * more NUL after the last. No OS calls. */
#ifndef HANDOFF_ENVIRONMENT_H
#define HANDOFF_ENVIRONMENT_H

#include "placeholder.h"
#include "text.h"

/* Windows' upper case of a unit, by which names compare: see upcase.h. It is not asked about ASCII. */
typedef wchar_t upcase_function(wchar_t unit);

/* A change is a string of a block too: NAME=TEXT sets a variable, NAME alone removes it. */
struct change {
    const wchar_t *string;
    const wchar_t *place; /* the first variable of its name in the block that is edited; NULL: it has none */
};

/* Sorted by their names, and those of one name in their order, of which the last counts. */
struct changes {
    struct change *sorted; /* the caller's memory, for environment_count() of them */
    uint32_t count;
    upcase_function *upcase;
};

/* Units of the name of a string of a block. Its first may be '=': such variables are hidden. */
size_t environment_name_length(const wchar_t *string);

/* How many strings a block has. */
uint32_t environment_count(const wchar_t *block);

/* Fills `changes`, whose memory and upcase function are there, with those of a block. */
void environment_sort(struct changes *changes, const wchar_t *block);

/* The second change of a variable that two of them change; NULL if there is none. */
const wchar_t *environment_find_twice(const struct changes *changes);

/*
 * Copies a block with changes. Placeholders in their texts are replaced, as line_rewrite() does. A variable that is
 * there is set where it stands, and everything else stays unit for unit and in its order, the hidden ones
 * (=C:=C:\directory) included. A new one comes before the first that is greater, by ordinal comparison of upper-cased
 * names: blocks are sorted so, and a Windows whose SetEnvironmentVariable stops at the first greater name finds no
 * other.
 *
 * result->length counts all but the last NUL, which text_end() puts.
 */
void environment_edit(struct text *result, const wchar_t *block, const struct changes *changes,
                      struct placeholder *tree);

/* Whether a block has the variable of this name, which ends with its string or with '='. */
bool environment_has(const wchar_t *block, const wchar_t *name, upcase_function *upcase);

#endif
