#include "cmdline.h"

bool line_is_blank(wchar_t unit)
{
    return unit == L' ' || unit == L'\t';
}

const wchar_t *line_skip_blanks(const wchar_t *line)
{
    while (line_is_blank(*line))
        line++;
    return line;
}

const wchar_t *line_program(struct text *program, const wchar_t *line)
{
    bool quoted = *line == L'"';

    if (quoted)
        line++;
    while (*line != L'\0' && (quoted ? *line != L'"' : !line_is_blank(*line)))
        text_put_unit(program, *line++);
    return quoted && *line == L'"' ? line + 1 : line;
}

const wchar_t *line_after_program(const wchar_t *line)
{
    bool quoted = false;

    for (; *line != L'\0' && (quoted || !line_is_blank(*line)); line++) {
        if (*line == L'"')
            quoted = !quoted;
    }
    return line_skip_blanks(line);
}
