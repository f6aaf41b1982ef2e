/* How the prefix speaks to people. */
#ifndef HANDOFF_VOICE_H
#define HANDOFF_VOICE_H

#include <windows.h>

#include "sink.h"
#include "text.h"

/* A line under construction: begins with "handoff: ", and is cut, which shows, rather than broken. */
struct line {
    struct text text;
    wchar_t units[1024];
};

struct text *line_begin(struct line *line);

/* Ends the line and writes it to the stream (STD_OUTPUT_HANDLE or STD_ERROR_HANDLE), or elsewhere. */
void line_print(struct line *line, DWORD stream);

/* The same on stderr, for what went wrong: with --quiet nothing. */
void line_say(struct line *line);
void voice_silence(void);
DWORD line_write(struct line *line, const struct sink *sink);

/* To a console as it is, elsewhere in the console's code page, as the tools around us write. A Win32 code. */
DWORD sink_print(const struct sink *sink, const wchar_t *units, size_t length);

/* To a stream. What could not be written is noted. */
void print(DWORD stream, const wchar_t *units, size_t length);
void print_bytes(DWORD stream, const char *bytes, size_t size);
void print_ascii(DWORD stream, const char *text);

/* Why the stream has not got all that was for it; ERROR_SUCCESS if nothing was lost. */
DWORD print_loss(DWORD stream);
void note_loss(DWORD stream, DWORD code);

/* "handoff: what 'which'" as one line on stderr; `which` may be NULL. */
void complain(const char *what, const wchar_t *which);

#endif
