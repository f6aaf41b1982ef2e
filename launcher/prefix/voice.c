#include "voice.h"

#include <string.h>

#include "sink.h"

/* ---- streams ---- */

static DWORD stdout_loss, stderr_loss;

static struct sink stream_sink(DWORD stream)
{
    HANDLE handle = GetStdHandle(stream);

    return sink_for(handle, handle);
}

void note_loss(DWORD stream, DWORD code)
{
    DWORD *loss = stream == STD_OUTPUT_HANDLE ? &stdout_loss : &stderr_loss;

    if (*loss == ERROR_SUCCESS && sink_has_lost(code))
        *loss = code;
}

DWORD print_loss(DWORD stream)
{
    return stream == STD_OUTPUT_HANDLE ? stdout_loss : stderr_loss;
}

/* By portions, because there may be no memory to be had, and a console before Windows 8 takes no long text. */
enum { PORTION = 768 };

/* Two units that are one character stay together. */
static DWORD portion_of(const wchar_t *units, size_t length)
{
    DWORD portion = length < PORTION ? (DWORD)length : PORTION;

    return portion < length && IS_HIGH_SURROGATE(units[portion - 1]) ? portion - 1 : portion;
}

static DWORD write_portion(const struct sink *sink, const wchar_t *units, DWORD length)
{
    UINT code_page = GetConsoleOutputCP() != 0 ? GetConsoleOutputCP() : CP_UTF8;
    char bytes[4 * PORTION]; /* no code page of a console needs more */
    DWORD written;
    int size;

    if (WriteConsoleW(sink->to, units, length, &written, NULL))
        return ERROR_SUCCESS;
    size = WideCharToMultiByte(code_page, 0, units, (int)length, bytes, sizeof bytes, NULL, NULL);
    return size > 0 ? sink_write(sink, bytes, (DWORD)size) : GetLastError();
}

DWORD sink_print(const struct sink *sink, const wchar_t *units, size_t length)
{
    DWORD code = ERROR_SUCCESS;

    for (DWORD portion; length > 0 && code == ERROR_SUCCESS; units += portion, length -= portion) {
        portion = portion_of(units, length);
        code = write_portion(sink, units, portion);
    }
    return code;
}

void print(DWORD stream, const wchar_t *units, size_t length)
{
    struct sink sink = stream_sink(stream);

    note_loss(stream, sink_print(&sink, units, length));
}

void print_bytes(DWORD stream, const char *bytes, size_t size)
{
    struct sink sink = stream_sink(stream);

    note_loss(stream, sink_write(&sink, bytes, (DWORD)size));
}

void print_ascii(DWORD stream, const char *text)
{
    size_t length = 0;

    while (text[length] != '\0')
        length++;
    print_bytes(stream, text, length);
}

/* ---- lines ---- */

struct text *line_begin(struct line *line)
{
    line->text = (struct text){.at = line->units, .capacity = ARRAYSIZE(line->units) - 2};
    text_put_ascii(&line->text, "handoff: ");
    return &line->text;
}

/* Returns its length. May be called again. */
static size_t line_end(struct line *line)
{
    static const wchar_t cut[] = L"...";
    size_t length;

    if (!text_end(&line->text))
        memcpy(line->units + line->text.capacity - ARRAYSIZE(cut), cut, sizeof cut);
    length = text_length(line->units);
    line->units[length] = L'\r';
    line->units[length + 1] = L'\n';
    return length + 2;
}

void line_print(struct line *line, DWORD stream)
{
    print(stream, line->units, line_end(line));
}

static BOOL is_silent;

void voice_silence(void)
{
    is_silent = TRUE;
}

void line_say(struct line *line)
{
    if (!is_silent)
        line_print(line, STD_ERROR_HANDLE);
}

DWORD line_write(struct line *line, const struct sink *sink)
{
    return sink_print(sink, line->units, line_end(line));
}

void complain(const char *what, const wchar_t *which)
{
    struct line line;

    text_put_ascii(line_begin(&line), what);
    if (which != NULL)
        text_put_quoted(&line.text, which);
    line_print(&line, STD_ERROR_HANDLE);
}
