#include "voice.h"

#include "heap.h"

void print(DWORD stream, const wchar_t *units, size_t length)
{
    HANDLE handle = GetStdHandle(stream);
    UINT code_page = GetConsoleOutputCP() != 0 ? GetConsoleOutputCP() : CP_UTF8;
    DWORD written;
    char *bytes;
    int size;

    if (length == 0 || WriteConsoleW(handle, units, (DWORD)length, &written, NULL))
        return;
    size = WideCharToMultiByte(code_page, 0, units, (int)length, NULL, 0, NULL, NULL);
    bytes = allocate((size_t)size + 1);
    if (bytes == NULL)
        return;
    WideCharToMultiByte(code_page, 0, units, (int)length, bytes, size, NULL, NULL);
    WriteFile(handle, bytes, (DWORD)size, &written, NULL);
    release(bytes);
}

void print_ascii(DWORD stream, const char *text)
{
    DWORD length = 0, written;

    while (text[length] != '\0')
        length++;
    WriteFile(GetStdHandle(stream), text, length, &written, NULL);
}

struct text *line_begin(struct line *line)
{
    line->text = (struct text){.at = line->units, .capacity = ARRAYSIZE(line->units) - 2};
    text_put_ascii(&line->text, "handoff: ");
    return &line->text;
}

void line_print(struct line *line, DWORD stream)
{
    size_t length;

    text_end(&line->text);
    length = text_length(line->units);
    line->units[length] = L'\r';
    line->units[length + 1] = L'\n';
    print(stream, line->units, length + 2);
}

void complain(const char *what, const wchar_t *which)
{
    struct line line;

    text_put_ascii(line_begin(&line), what);
    if (which != NULL)
        text_put_quoted(&line.text, which);
    line_print(&line, STD_ERROR_HANDLE);
}

DWORD error_exit_code(const struct handoff_error *error)
{
    if (error->stage != HANDOFF_STAGE_FIND && error->stage != HANDOFF_STAGE_CREATE)
        return EXIT_HANDOFF;
    return error->code == ERROR_FILE_NOT_FOUND || error->code == ERROR_PATH_NOT_FOUND ? EXIT_NOT_FOUND
                                                                                      : EXIT_CANNOT_RUN;
}
