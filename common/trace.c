#include "trace.h"

#include "cmdline.h"
#include "heap.h"
#include "stream.h"
#include "voice.h"

void trace_handle(const struct way *way, const struct pass *pass, uint32_t in_parent, uint32_t in_child)
{
    struct line line;
    struct text *text = line_begin(&line);

    if (pass->name != NULL)
        text_put(text, pass->name);
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if ((pass->streams >> stream & 1) != 0)
            text_format(text, ">%s", stream_name(stream));
    }
    if (pass->descriptor != 0)
        text_format(text, ">fd%u", pass->descriptor);
    if ((pass->flags & PASS_SEALED) != 0)
        text_put_ascii(text, " (sealed)");
    text_put_ascii(text, ": ");
    if (in_parent != 0)
        text_format(text, "0x%x in parent %u -> ", in_parent, way->parent_id);
    text_format(text, "0x%x in launcher %u -> 0x%x in child %u", in_child, way->launcher_id, in_child, way->child_id);
    line_print(&line, STD_ERROR_HANDLE);
}

void trace_command_line(const struct request *request)
{
    struct text line = {.at = allocate(LINE_CAPACITY * sizeof *line.at), .capacity = LINE_CAPACITY};

    if (line.at == NULL)
        return;
    line_rewrite(&line, request->command_line, request->passes, request->pass_count);
    text_end(&line);
    print_ascii(STD_ERROR_HANDLE, program_name);
    print_ascii(STD_ERROR_HANDLE, ": ");
    print(STD_ERROR_HANDLE, line.at, text_length(line.at));
    print_ascii(STD_ERROR_HANDLE, "\r\n");
    release(line.at);
}

void trace_time(const char *what_is_done, DWORD us)
{
    struct line line;

    text_format(line_begin(&line), "%u us: %s", us, what_is_done);
    line_print(&line, STD_ERROR_HANDLE);
}
