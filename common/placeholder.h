/*
 * Numbers in braces, as command lines and variables mention them: each {name} becomes the number of the handle that has
 * this name. No OS calls.
 */
#ifndef HANDOFF_PLACEHOLDER_H
#define HANDOFF_PLACEHOLDER_H

#include "text.h"

/* A name, and the number that is written in the place of its braces. Its memory is its owner's, who leaves it where it
 * is as long as it is found by its name. */
struct placeholder {
    const wchar_t *name;
    uint32_t number;
    bool used;                   /* a text has mentioned it */
    struct placeholder *next[2]; /* placeholder_insert()'s: what is below it in the tree */
};

/* A name is what a batch file, a command line and a URL leave alone: letters, digits, '_', '-', '.' */
bool name_has_unit(wchar_t unit);
bool name_is_valid(const wchar_t *name);

/* A tree of placeholders is its root, which is NULL if it has none. A placeholder that is zeroed but for its name and
 * number is a tree of one. False, and nothing is done, if the tree has one of that name. */
bool placeholder_insert(struct placeholder **tree, struct placeholder *placeholder);

/* The one of that name, of `length` units; NULL if there is none. */
struct placeholder *placeholder_find(struct placeholder *tree, const wchar_t *name, size_t length);

/*
 * Puts a text with the numbers of the placeholders that are in the tree, and marks these as used.
 *
 *   {name}      the number, decimal
 *   {name:x}    the number, hexadecimal, without a prefix
 *   {{name}}    a literal {name}; {{name:x}} likewise
 *
 * A name counts in exactly this spelling; every other brace is left alone. Reading goes from left to right and the
 * longest form wins.
 */
void line_rewrite(struct text *result, const wchar_t *line, struct placeholder *tree);

#endif
