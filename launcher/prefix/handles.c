/* The handles of a command: what its options name, then what it has from this process without being named. */
#include "command.h"

#include "cmdline.h"
#include "descriptor.h"
#include "environment.h"
#include "heap.h"
#include "steal.h"
#include "stream.h"

/* ---- what the options name ---- */

static DWORD open_pass(struct command *command, uint32_t i, struct pass *port)
{
    const struct source *source = &command->options.sources[i];
    WORD number = 0;
    HANDLE handle;
    DWORD code;

    if (is_of_parent(source)) {
        code = copy_from_parent(command, source, &handle);
    } else {
        handle = open_source(source, &number);
        code = handle != NULL ? ERROR_SUCCESS : GetLastError();
    }
    command->options.request.passes[i].number = (uint32_t)handle_number(handle);
    port->number = number;
    return code;
}

/* Last of all that can go wrong with the options, since a file that is opened for writing is emptied; and what comes out
 * of a process before what is opened. */
static BOOL open_passes(struct command *command, struct pass *ports, struct failure *failure)
{
    for (int of_parent = 1; of_parent >= 0; of_parent--) {
        for (uint32_t i = 0; i < command->declared; i++) {
            DWORD code = ERROR_SUCCESS;

            if (is_of_parent(&command->options.sources[i]) == of_parent)
                code = open_pass(command, i, &ports[i]);
            if (code != ERROR_SUCCESS)
                return fail(failure, of_parent ? HANDOFF_STAGE_STEAL : HANDOFF_STAGE_OPEN, i, code);
        }
    }
    return TRUE;
}

/* ---- {NAME.port}, which only the prefix knows ---- */

/* A pass for each declared one, with the port's name for its own; and the names. NULL if there is no memory. */
static struct pass *make_ports(const struct request *request)
{
    size_t units = 0;
    struct pass *ports;
    struct text names;

    for (uint32_t i = 0; i < request->pass_count; i++)
        units += text_length(request->passes[i].name) + sizeof ".port";
    ports = allocate((request->pass_count + 1) * sizeof *ports + units * sizeof *names.at);
    if (ports == NULL)
        return NULL;
    names = (struct text){.at = (wchar_t *)(void *)(ports + request->pass_count + 1), .capacity = units + 1};
    for (uint32_t i = 0; i < request->pass_count; i++) {
        ports[i].name = names.at + names.length;
        text_format(&names, "%w.port", request->passes[i].name);
        text_put_unit(&names, L'\0');
    }
    return ports;
}

/* Only sockets have one: the others' names go, so that their braces stay. */
static uint32_t keep_sockets(struct pass *ports, uint32_t count)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (ports[i].number != 0)
            ports[kept++] = ports[i];
    }
    request_index(ports, kept);
    return kept;
}

static BOOL rewrite_ports(struct request *request, struct pass *ports, uint32_t count)
{
    struct text line = {.at = allocate(LINE_CAPACITY * sizeof *line.at), .capacity = LINE_CAPACITY}, variables = {0};
    wchar_t nowhere[1];

    if (line.at == NULL)
        return FALSE;
    line_rewrite(&line, request->command_line, ports, count);
    text_end(&line);
    request->command_line = line.at;
    if (request->variables == NULL)
        return TRUE;
    variables = (struct text){.at = nowhere, .capacity = 1};
    environment_rewrite(&variables, request->variables, ports, count);
    variables =
        (struct text){.capacity = variables.length + 1, .at = allocate((variables.length + 1) * sizeof *variables.at)};
    if (variables.at == NULL)
        return FALSE;
    environment_rewrite(&variables, request->variables, ports, count);
    text_end(&variables);
    request->variables = variables.at;
    return TRUE;
}

/* Opens everything, and puts the ports of what turned out to be a socket into line and variables. */
BOOL open_handles(struct command *command, struct failure *failure)
{
    struct request *request = &command->options.request;
    struct pass *ports = make_ports(request);
    uint32_t count;

    if (ports == NULL)
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    if (!open_passes(command, ports, failure))
        return FALSE;
    count = keep_sockets(ports, command->declared);
    if (count > 0 && !rewrite_ports(request, ports, count))
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    release(ports);
    return TRUE;
}

/* ---- what the command has without being named ---- */

/* This process' own streams are passes as they are: a copy of each would only be one more to close. One that is not
 * open is none, as it is for CreateProcessW; two that are one handle stay one. Returns a Win32 code, of the pass behind
 * the last. */
static DWORD add_stream(struct command *command, int stream)
{
    struct request *request = &command->options.request;
    HANDLE own = GetStdHandle(stream_id(stream));
    uint32_t number = (uint32_t)handle_number(own), i = command->own;
    DWORD flags;

    if (!handle_can_travel(handle_number(own)))
        return ERROR_SUCCESS;
    while (i < request->pass_count && request->passes[i].number != number)
        i++;
    if (i == request->pass_count) {
        request->passes[i] = (struct pass){.number = number, .streams = 1u << stream};
        if (!GetHandleInformation(own, &flags))
            return GetLastError() == ERROR_INVALID_HANDLE ? ERROR_SUCCESS : GetLastError();
        request->pass_count++;
    }
    request->passes[i].streams |= 1u << stream;
    return ERROR_SUCCESS;
}

/* Nor is one inheritable that the command does not get. */
static DWORD add_streams(struct command *command)
{
    struct request *request = &command->options.request;
    uint32_t claimed = request_claimed_streams(request);
    DWORD code = ERROR_SUCCESS;

    command->own = request->pass_count;
    for (int stream = 0; stream < STREAM_COUNT && code == ERROR_SUCCESS; stream++) {
        if ((claimed >> stream & 1) == 0)
            code = add_stream(command, stream);
        else
            SetHandleInformation(GetStdHandle(stream_id(stream)), HANDLE_FLAG_INHERIT, 0);
    }
    command->own_end = request->pass_count;
    return code;
}

void close_handles(const struct command *command)
{
    const struct request *request = &command->options.request;

    close_passes(request, 0, command->own);
    close_passes(request, command->own_end, request->pass_count);
}

BOOL add_own_handles(struct command *command, struct relay *relays, struct failure *failure)
{
    struct request *request = &command->options.request;
    DWORD code = ERROR_SUCCESS;

    if (has_option(command, OPTION_DETACH))
        request->closed_streams |= ~request_claimed_streams(request) & ((1u << STREAM_COUNT) - 1);
    else if (has_option(command, OPTION_RELAY))
        code = make_relays(request, relays);
    if (code != ERROR_SUCCESS)
        return fail(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
    code = add_streams(command);
    if (code == ERROR_SUCCESS && !has_option(command, OPTION_DETACH))
        code = append_descriptors(request, &command->startup, GetCurrentProcess(), FALSE);
    if (code != ERROR_SUCCESS) /* of the pass that could not be made */
        return fail(failure, HANDOFF_STAGE_STEAL, request->pass_count++, code);
    return TRUE;
}
