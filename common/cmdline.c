#include "cmdline.h"

static bool is_blank(wchar_t unit)
{
    return unit == L' ' || unit == L'\t';
}

static const wchar_t *skip_blanks(const wchar_t *line)
{
    while (is_blank(*line))
        line++;
    return line;
}

const wchar_t *line_program(struct text *program, const wchar_t *line)
{
    bool quoted = *line == L'"';

    if (quoted)
        line++;
    while (*line != L'\0' && (quoted ? *line != L'"' : !is_blank(*line)))
        text_put_unit(program, *line++);
    return quoted && *line == L'"' ? line + 1 : line;
}

const wchar_t *line_after_program(const wchar_t *line)
{
    bool quoted = false;

    for (; *line != L'\0' && (quoted || !is_blank(*line)); line++) {
        if (*line == L'"')
            quoted = !quoted;
    }
    return skip_blanks(line);
}

const wchar_t *line_argument(const wchar_t *line, wchar_t *argument)
{
    bool quoted = false;

    if (*line == L'\0')
        return NULL;
    while (*line != L'\0' && (quoted || !is_blank(*line))) {
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
    return skip_blanks(line);
}

const wchar_t *line_path(const wchar_t *line, wchar_t *path)
{
    bool quoted = false;

    if (*line == L'\0')
        return NULL;
    for (; *line != L'\0' && (quoted || !is_blank(*line)); line++) {
        if (*line == L'"')
            quoted = !quoted;
        else
            *path++ = *line;
    }
    *path = L'\0';
    return skip_blanks(line);
}

void line_put_argument(struct text *line, const wchar_t *argument)
{
    size_t backslashes = 0;
    bool bare = *argument != L'\0';

    for (const wchar_t *at = argument; *at != L'\0'; at++)
        bare = bare && !is_blank(*at) && *at != L'"' && *at > L' ';
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

bool line_is_batch(const wchar_t *path)
{
    size_t length = text_length(path);
    wchar_t last[5] = {0};

    while (length > 0 && (path[length - 1] == L'.' || path[length - 1] == L' '))
        length--;
    for (size_t i = 0; i < 4 && i < length; i++)
        last[3 - i] = path[length - 1 - i] | (L'a' ^ L'A');
    return text_equal_ascii(last, ".bat") || text_equal_ascii(last, ".cmd");
}

/* In a command line cmd.exe knows no way to write a %, only what becomes of it: a % before what is nothing at all, the
 * first 0 characters of the current directory. (Rust's library runs batch files so.) */
static void put_path_for_cmd(struct text *result, const wchar_t *path)
{
    for (; *path != L'\0'; path++) {
        if (*path == L'%')
            text_put_ascii(result, "%%cd:~,");
        text_put_unit(result, *path);
    }
}

bool line_put_batch(struct text *result, const wchar_t *cmd, const wchar_t *path, const wchar_t *line)
{
    struct text first = {.capacity = 0};

    text_put_unit(result, L'"');
    text_put(result, cmd);
    text_put_ascii(result, "\" /d /e:on /v:off /s /c \"\"");
    put_path_for_cmd(result, path);
    text_put_unit(result, L'"');
    text_put(result, line != NULL ? line_program(&first, line) : L"");
    text_put_unit(result, L'"');
    return text_end(result) && result->length < BATCH_CAPACITY;
}
