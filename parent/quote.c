#include "quote.h"

#include "cmdline.h"

void line_put_argument(struct text *line, const wchar_t *argument)
{
    size_t backslashes = 0;
    bool bare = *argument != L'\0';

    for (const wchar_t *at = argument; *at != L'\0'; at++)
        bare = bare && !line_is_blank(*at) && *at != L'"' && *at > L' ';
    if (line->length > 0)
        text_put_unit(line, L' ');
    if (bare) {
        text_put(line, argument);
        return;
    }
    text_put_unit(line, L'"');
    for (; *argument != L'\0'; argument++) {
        /* Backslashes count double where a quote follows, ours at the end included. */
        for (; *argument == L'"' && backslashes > 0; backslashes--)
            text_put_unit(line, L'\\');
        backslashes = *argument == L'\\' ? backslashes + 1 : 0;
        if (*argument == L'"')
            text_put_unit(line, L'\\');
        text_put_unit(line, *argument);
    }
    for (; backslashes > 0; backslashes--)
        text_put_unit(line, L'\\');
    text_put_unit(line, L'"');
}
