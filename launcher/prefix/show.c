/* --dry-run: what would be started. --trace: the way of each handle, the command line that came of it, and when each
 * step was done. */
#include "command.h"

#include "cmdline.h"
#include "function.h"
#include "heap.h"
#include "lookup.h"
#include "stream.h"
#include "voice.h"

/* ---- --dry-run ---- */

static void put_places(struct text *text, const struct pass *pass, const wchar_t *line)
{
    struct placeholder alone = {.name = pass->placeholder.name};
    struct text counted = {.capacity = 0};

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (has_stream(pass->streams, stream))
            text_format(text, ", %s", stream_name(stream));
    }
    if (pass->fd != 0)
        text_format(text, ", descriptor %u", pass->fd);
    if (alone.name != NULL)
        line_rewrite(&counted, line, &alone);
    if (alone.used)
        text_put_ascii(text, ", command line");
}

/* The copy of a handle has the name of the handle. */
static const wchar_t *name_of(const struct options *options, uint32_t i)
{
    return options->sources[i].origin == ORIGIN_PASS ? options->sources[i].what
                                                     : options->request.passes[i].placeholder.name;
}

static void show_source(const struct options *options, uint32_t i)
{
    const struct request *request = &options->request;
    const struct source *source = &options->sources[i];
    struct line line;

    text_format(line_begin(&line), "%w: ", name_of(options, i));
    if (source->origin == ORIGIN_OPTION)
        text_format(&line.text, "--%s%q", option_table[source->option].name, source->what);
    else
        text_put_ascii(&line.text, source->origin == ORIGIN_STREAM ? "handoff's own" : "again");
    put_places(&line.text, &request->passes[i], request->command_line);
    line_print(&line, STD_OUTPUT_HANDLE);
}

static void show_option(uint32_t option, const wchar_t *value)
{
    struct line line;

    text_format(line_begin(&line), "--%s", option_table[option].name);
    if (option_table[option].kind > OPTION_OPTIONAL || *value != L'\0')
        text_put_quoted(&line.text, value);
    line_print(&line, STD_OUTPUT_HANDLE);
}

static void show_variables(const wchar_t *variables)
{
    for (; variables != NULL && *variables != L'\0'; variables += text_length(variables) + 1) {
        const wchar_t *unit = variables;

        while (*unit != L'\0' && *unit != L'=')
            unit++;
        show_option(*unit == L'=' ? OPTION_ENV : OPTION_UNSET, variables);
    }
}

/* Those of the streams are said where their sources are, unless they have none. */
static void show_options(const wchar_t *const *values)
{
    for (uint32_t i = 0; i < OPTION_COUNT; i++) {
        if (values[i] != NULL && i != OPTION_DRY_RUN && (option_table[i].kind != OPTION_STREAM || *values[i] == L'\0'))
            show_option(i, values[i]);
    }
}

/* Descriptors too are said where their sources are. */
static void show_marks(const struct options *options)
{
    for (uint32_t i = 0; i < options->mention_count; i++) {
        if (option_table[options->mentions[i].option].kind == OPTION_MARK)
            show_option(options->mentions[i].option, options->mentions[i].text);
    }
}

/* Of any length, unlike a struct line. */
static void show_text(DWORD stream, const char *what, const wchar_t *text)
{
    print_ascii(stream, what);
    print(stream, text, text_length(text));
    print_ascii(stream, "\r\n");
}

DWORD show_plan(struct command *command)
{
    const struct request *request = &command->options.request;
    wchar_t *program;
    DWORD code = lookup_program(request->command_line, &program);

    for (uint32_t i = 0; i < request->pass_count; i++)
        show_source(&command->options, i);
    show_marks(&command->options);
    show_variables(request->variables);
    show_options(command->options.values);
    show_text(STD_OUTPUT_HANDLE, "handoff: would start: ", request->command_line);
    if (code != ERROR_SUCCESS)
        return explain_failure(command, &(struct failure){HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, code});
    show_text(STD_OUTPUT_HANDLE, "handoff: program: ", program);
    release(program);
    return 0;
}

/* ---- --trace ---- */

/* Inheritance keeps the number that the handle has here. */
static void trace_handle(const struct command *command, uint32_t i)
{
    const struct pass *pass = &command->options.request.passes[i];
    uint32_t in_parent = number_in_parent(&command->options.sources[i]);
    struct line line;
    struct text *text = line_begin(&line);

    text_put(text, name_of(&command->options, i));
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (has_stream(pass->streams, stream))
            text_format(text, ">%s", stream_name(stream));
    }
    if (pass->fd != 0)
        text_format(text, ">fd%u", pass->fd);
    if ((pass->flags & PASS_SEALED) != 0)
        text_put_ascii(text, " (sealed)");
    text_put_ascii(text, ": ");
    if (in_parent != 0)
        text_format(text, "0x%x in parent %u -> ", in_parent, command->parent.id);
    text_format(text, "0x%x in handoff %u -> 0x%x in child %u", pass->number, GetCurrentProcessId(), pass->number,
                command->child.id);
    line_print(&line, STD_ERROR_HANDLE);
}

/* NULL if there is no memory. */
static wchar_t *child_line(const struct command *command)
{
    const struct request *request = &command->options.request;

    return rewritten(line_rewrite, request->command_line, request->names);
}

static void trace_time(const char *what_is_done, DWORD us)
{
    struct line line;

    text_format(line_begin(&line), "%u us: %s", us, what_is_done);
    line_print(&line, STD_ERROR_HANDLE);
}

void show_trace(const struct command *command)
{
    wchar_t *line = child_line(command);

    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        if (has_source(&command->options.request.passes[i]))
            trace_handle(command, i);
    }
    if (line != NULL)
        show_text(STD_ERROR_HANDLE, "handoff: ", line);
    else
        note_loss(STD_ERROR_HANDLE, ERROR_NOT_ENOUGH_MEMORY);
    release(line);
    trace_time("handles opened", command->times.opened_us);
    trace_time("child created", command->times.created_us);
}

/* ---- how it ended ---- */

typedef BOOL(WINAPI *image_function)(HANDLE, DWORD, wchar_t *, DWORD *);

wchar_t *program_of(HANDLE process)
{
    image_function ask = (image_function)function_of(L"kernel32.dll", "QueryFullProcessImageNameW");
    DWORD length = LINE_CAPACITY;
    wchar_t *path = ask != NULL ? allocate(length * sizeof *path) : NULL;

    if (path == NULL || ask(process, 0, path, &length))
        return path;
    release(path);
    return NULL;
}

/* Why, as far as the code tells: Windows ends a program that crashes with the status that it crashed by. */
static const char *end_text(const struct command *command)
{
    static const struct {
        DWORD code;
        char text[20];
    } crashes[] = {
        {0xC0000005, "access violation"}, {0xC00000FD, "stack overflow"},   {0xC0000135, "a DLL is missing"},
        {0xC000013A, "Ctrl-C"},           {0xC0000139, "a DLL is another"}, {0xC0000142, "a DLL gave up"},
        {0xC0000374, "heap corruption"},  {0xC0000409, "fail fast"},
    };

    if (command->lines.late != NULL)
        return "timeout";
    for (size_t i = 0; i < ARRAYSIZE(crashes); i++) {
        if (crashes[i].code == command->code)
            return crashes[i].text;
    }
    return "exited";
}

void show_trace_end(const struct command *command)
{
    struct line line;

    text_format(line_begin(&line), command->code > MAXLONG ? "exit code 0x%x (%s)" : "exit code %u (%s)", command->code,
                end_text(command));
    if (command->child.program != NULL)
        text_format(&line.text, ":%q", command->child.program);
    line_print(&line, STD_ERROR_HANDLE);
}

/* ---- --trace=json, in ASCII ---- */

static void put_json_string(struct text *text, const wchar_t *string)
{
    text_put_unit(text, L'"');
    for (; *string != L'\0'; string++) {
        if (*string == L'"' || *string == L'\\')
            text_put_unit(text, L'\\');
        if (*string >= L' ' && *string < 0x7F) {
            text_put_unit(text, *string);
        } else {
            text_put_ascii(text, "\\u");
            for (int shift = 12; shift >= 0; shift -= 4)
                text_put_hex(text, *string >> shift & 15);
        }
    }
    text_put_unit(text, L'"');
}

/* 0 is no process and no handle. */
static void put_json_number(struct text *text, const char *name, uint32_t number)
{
    text_format(text, number != 0 ? "\"%s\":%u," : "\"%s\":null,", name, number);
}

static void put_json_handle(struct text *text, const struct options *options, uint32_t i)
{
    const struct pass *pass = &options->request.passes[i];
    const char *comma = "";

    text_put_ascii(text, "{\"name\":");
    put_json_string(text, name_of(options, i));
    text_put_unit(text, L',');
    put_json_number(text, "parent", number_in_parent(&options->sources[i]));
    put_json_number(text, "launcher", pass->number);
    put_json_number(text, "child", pass->number);
    text_put_ascii(text, "\"streams\":[");
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if (!has_stream(pass->streams, stream))
            continue;
        text_format(text, "%s\"%s\"", comma, stream_name(stream));
        comma = ",";
    }
    text_put_ascii(text, "]");
    if (pass->fd != 0)
        text_format(text, ",\"descriptor\":%u", pass->fd);
    text_format(text, ",\"sealed\":%s}", (pass->flags & PASS_SEALED) != 0 ? "true" : "false");
}

typedef void put_function(struct text *text, const struct command *command, const wchar_t *line);

static void put_json(struct text *text, const struct command *command, const wchar_t *line)
{
    const char *comma = "";

    text_put_unit(text, L'{');
    put_json_number(text, "parent", command->parent.id);
    put_json_number(text, "launcher", GetCurrentProcessId());
    put_json_number(text, "child", command->child.id);
    text_put_ascii(text, "\"command_line\":");
    put_json_string(text, line);
    text_put_ascii(text, ",\"handles\":[");
    for (uint32_t i = 0; i < command->options.request.pass_count; i++) {
        if (!has_source(&command->options.request.passes[i]))
            continue;
        text_put_ascii(text, comma);
        put_json_handle(text, &command->options, i);
        comma = ",";
    }
    text_format(text, "],\"us\":{\"opened\":%u,\"created\":%u}}\r\n", command->times.opened_us,
                command->times.created_us);
}

static void put_json_end(struct text *text, const struct command *command, const wchar_t *program)
{
    text_format(text, "{\"child\":%u,\"program\":", command->child.id);
    if (program != NULL)
        put_json_string(text, program);
    else
        text_put_ascii(text, "null");
    text_format(text, ",\"exit_code\":%u,\"ended\":\"%s\"}\r\n", command->code, end_text(command));
}

static void write_bytes(struct command *command, const char *bytes, size_t size)
{
    const struct sink file = {.to = command->files.trace};

    if (command->files.trace == NULL)
        print_bytes(STD_ERROR_HANDLE, bytes, size);
    else if (command->files.trace_code == ERROR_SUCCESS)
        command->files.trace_code = sink_write(&file, bytes, (DWORD)size);
}

static void write_json(struct command *command, put_function *put, const wchar_t *string)
{
    struct text text = {.capacity = 0};
    char *bytes;

    put(&text, command, string);
    if (!text_allocate(&text)) {
        command->files.trace_code = ERROR_NOT_ENOUGH_MEMORY;
        return;
    }
    put(&text, command, string);
    bytes = (char *)text.at;
    for (size_t i = 0; i < text.length; i++)
        bytes[i] = (char)text.at[i];
    write_bytes(command, bytes, text.length);
    release(text.at);
}

void show_trace_json(struct command *command)
{
    wchar_t *line = child_line(command);

    if (line != NULL)
        write_json(command, put_json, line);
    else
        command->files.trace_code = ERROR_NOT_ENOUGH_MEMORY;
    release(line);
}

void show_trace_json_end(struct command *command)
{
    write_json(command, put_json_end, command->child.program);
}
