#include "command.h"

#include "cmdline.h"
#include "error.h"
#include "heap.h"
#include "lookup.h"
#include "stream.h"
#include "trace.h"
#include "voice.h"

static void put_places(struct text *text, const struct handoff_pass *pass, const wchar_t *line)
{
    struct pass declared = {.name = pass->name};
    wchar_t nowhere[1];
    struct text rewritten = {.at = nowhere, .capacity = 1};

    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if ((pass->streams >> stream & 1) != 0)
            text_format(text, ", %s", stream_name(stream));
    }
    if (pass->descriptor != 0)
        text_format(text, ", descriptor %u", pass->descriptor);
    request_index(&declared, 1);
    line_rewrite(&rewritten, line, &declared, 1);
    if (declared.used)
        text_put_ascii(text, ", command line");
}

static void show_source(const struct command *command, uint32_t i)
{
    const struct request *request = &command->prefix.request;
    const struct source *source = &command->prefix.sources[i];
    const struct handoff_pass pass = {.name = request->passes[i].name,
                                      .streams = request->passes[i].streams,
                                      .descriptor = request->passes[i].descriptor};
    struct line line;

    text_format(line_begin(&line), "%w: --%s%q", pass.name, options[source->option].name, source->what);
    put_places(&line.text, &pass, request->command_line);
    line_print(&line, STD_OUTPUT_HANDLE);
}

static void show_option(uint32_t option, const wchar_t *value)
{
    struct line line;

    text_format(line_begin(&line), "--%s", options[option].name);
    if (options[option].kind != OPTION_FLAG)
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
    for (uint32_t i = 0; i < OPTION_END; i++) {
        if (values[i] != NULL && i != OPTION_DRY_RUN && (options[i].kind != OPTION_STREAM || *values[i] == L'\0'))
            show_option(i, values[i]);
    }
}

DWORD show_plan(const struct command *command)
{
    const struct request *request = &command->prefix.request;
    struct handoff_error error = {0};
    wchar_t *program = allocate(LINE_CAPACITY * sizeof *program);
    DWORD code = program != NULL ? lookup_program(request->command_line, program) : ERROR_NOT_ENOUGH_MEMORY;

    for (uint32_t i = 0; i < request->pass_count; i++)
        show_source(command, i);
    show_variables(request->variables);
    show_options(command->prefix.values);
    print_ascii(STD_OUTPUT_HANDLE, "handoff: would start: ");
    print(STD_OUTPUT_HANDLE, request->command_line, text_length(request->command_line));
    print_ascii(STD_OUTPUT_HANDLE, "\r\n");
    if (code == ERROR_SUCCESS) {
        print_ascii(STD_OUTPUT_HANDLE, "handoff: program: ");
        print(STD_OUTPUT_HANDLE, program, text_length(program));
        print_ascii(STD_OUTPUT_HANDLE, "\r\n");
        return 0;
    }
    error_describe(&error, request, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, code);
    complain_of_error(&error);
    return error_exit_code(&error);
}

/* The request as the launcher saw it: with the numbers of the child. */
static void number_passes(const struct command *command, struct request *request)
{
    *request = command->prefix.request;
    request->command_line = command->line;
    for (uint32_t i = 0; i < request->pass_count; i++) {
        request->passes[i].number = command->numbers[i];
        if (command->prefix.values[OPTION_SEAL] != NULL)
            request->passes[i].flags |= PASS_SEALED;
    }
}

void show_trace(const struct command *command, DWORD child_id)
{
    struct way way = {
        .parent_id = GetCurrentProcessId(), .launcher_id = command->trace.launcher_id, .child_id = child_id};
    struct request request;

    number_passes(command, &request);
    for (uint32_t i = 0; i < request.pass_count; i++)
        trace_handle(&way, &request.passes[i], (uint32_t)(UINT_PTR)command->passes[i].handle, command->numbers[i]);
    trace_command_line(&request);
    trace_time("handles duplicated", command->trace.duplicated_us);
    trace_time("launcher started", command->trace.launched_us);
    trace_time("child created", command->trace.created_us);
    trace_time("child taken over", command->trace.adopted_us);
}

/* ---- JSON, in ASCII ---- */

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

static void put_json_handle(struct text *text, const struct pass *pass, uint32_t in_parent)
{
    const char *comma = "";

    text_put_ascii(text, "{\"name\":");
    put_json_string(text, pass->name);
    text_format(text, ",\"parent\":%u,\"launcher\":%u,\"child\":%u,\"streams\":[", in_parent, pass->number,
                pass->number);
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        if ((pass->streams >> stream & 1) == 0)
            continue;
        text_format(text, "%s\"%s\"", comma, stream_name(stream));
        comma = ",";
    }
    text_put_ascii(text, "]");
    if (pass->descriptor != 0)
        text_format(text, ",\"descriptor\":%u", pass->descriptor);
    text_format(text, ",\"sealed\":%s}", (pass->flags & PASS_SEALED) != 0 ? "true" : "false");
}

static void put_json(struct text *text, const struct command *command, struct request *request, DWORD child_id)
{
    const struct handoff_trace *trace = &command->trace;
    wchar_t *line = allocate(LINE_CAPACITY * sizeof *line);
    struct text rewritten = {.at = line, .capacity = line != NULL ? LINE_CAPACITY : 0};

    line_rewrite(&rewritten, request->command_line, request->passes, request->pass_count);
    text_format(text, "{\"parent\":%u,\"launcher\":%u,\"child\":%u,\"command_line\":", GetCurrentProcessId(),
                trace->launcher_id, child_id);
    if (line != NULL && text_end(&rewritten))
        put_json_string(text, line);
    else
        text_put_ascii(text, "null");
    release(line);
    text_put_ascii(text, ",\"handles\":[");
    for (uint32_t i = 0; i < request->pass_count; i++) {
        text_put_ascii(text, i > 0 ? "," : "");
        put_json_handle(text, &request->passes[i], (uint32_t)(UINT_PTR)command->passes[i].handle);
    }
    text_format(text, "],\"us\":{\"duplicated\":%u,\"launched\":%u,\"created\":%u,\"adopted\":%u}}\r\n",
                trace->duplicated_us, trace->launched_us, trace->created_us, trace->adopted_us);
}

void show_trace_json(const struct command *command, DWORD child_id)
{
    wchar_t nowhere[1];
    struct text text = {.at = nowhere, .capacity = 1};
    struct request request;

    number_passes(command, &request);
    put_json(&text, command, &request, child_id);
    text = (struct text){.capacity = text.length + 1, .at = allocate((text.length + 1) * sizeof *text.at)};
    if (text.at == NULL)
        return;
    put_json(&text, command, &request, child_id);
    print(STD_ERROR_HANDLE, text.at, text.length);
    release(text.at);
}
