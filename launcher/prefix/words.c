#include "words.h"

#include "cmdline.h"
#include "environment.h"

const wchar_t *line_argument(const wchar_t *line, wchar_t *argument)
{
    bool quoted = false;

    if (*line == L'\0')
        return NULL;
    while (*line != L'\0' && (quoted || !line_is_blank(*line))) {
        size_t backslashes = 0;

        while (line[backslashes] == L'\\')
            backslashes++;
        line += backslashes;
        for (size_t i = *line == L'"' ? backslashes / 2 : backslashes; i > 0; i--)
            *argument++ = L'\\';
        if (*line == L'"' && backslashes % 2 != 0) {
            *argument++ = *line++;
        } else if (*line == L'"' && quoted && line[1] == L'"') {
            *argument++ = L'"';
            line += 2;
        } else if (*line == L'"') {
            quoted = !quoted;
            line++;
        } else if (*line != L'\0' && backslashes == 0) {
            *argument++ = *line++;
        }
    }
    *argument = L'\0';
    return line_skip_blanks(line);
}

const wchar_t *line_path(const wchar_t *line, wchar_t *path)
{
    bool quoted = false;

    if (*line == L'\0')
        return NULL;
    for (; *line != L'\0' && (quoted || !line_is_blank(*line)); line++) {
        if (*line == L'"')
            quoted = !quoted;
        else
            *path++ = *line;
    }
    *path = L'\0';
    return line_skip_blanks(line);
}

void environment_rewrite(struct text *result, const wchar_t *changes, struct placeholder *tree)
{
    for (; *changes != L'\0'; changes += text_length(changes) + 1) {
        size_t name = environment_name_length(changes);

        text_put_units(result, changes, name);
        line_rewrite(result, changes + name, tree);
        text_put_unit(result, L'\0');
    }
}
