/*
 * handoff.exe: opens what its options name, starts the command with these handles and nothing else
 * of its own, waits, and ends with the command's exit code.
 *
 * What follows "--" is the command line of the child, unit for unit but for placeholders. Failures
 * of handoff itself end with 125, or 126 if the program cannot be run, or 127 if it is not found.
 */
#include "handoff.h"
#include "heap.h"
#include "open.h"
#include "prefix.h"
#include "process.h"
#include "trace.h"
#include "voice.h"

const char program_name[] = "handoff";

enum { OPTION_READ = OPTION_OWN, OPTION_WRITE, OPTION_APPEND };

static const struct option options[] = {
    OPTIONS_OF_BOTH, {"read", OPTION_SOURCE}, {"write", OPTION_SOURCE}, {"append", OPTION_SOURCE}};

static const char help[] = "usage: handoff [OPTION]... -- COMMAND LINE\r\n"
                           "\r\n"
                           "Starts the command with handles that handoff opens for it, and waits for it.\r\n"
                           "\r\n"
                           "  --read NAME=PATH     open an existing file for reading\r\n"
                           "  --write NAME=PATH    create or empty a file for writing\r\n"
                           "  --append NAME=PATH   create a file, or add to its end\r\n"
                           "\r\n"
                           "  --stdin NAME         let the handle be the command's standard input\r\n"
                           "  --stdout NAME        ... its standard output\r\n"
                           "  --stderr NAME        ... its standard error\r\n"
                           "  --fd NUMBER=NAME     ... its C runtime's descriptor, as for _read(3, ...)\r\n"
                           "  --seal               its own children shall not inherit any of its handles\r\n"
                           "\r\n"
                           "  --env VARIABLE=TEXT  set a variable for the command, placeholders and all\r\n"
                           "  --unset VARIABLE     remove one\r\n"
                           "\r\n"
                           "  --trace              say on stderr which handle became which\r\n"
                           "  --help, --version\r\n"
                           "\r\n"
                           "In the command line {NAME} becomes the handle's number in the command, decimal;\r\n"
                           "{NAME:x} hexadecimal; {{NAME}} a literal {NAME}. All else stays as it is.\r\n"
                           "\r\n"
                           "Exit code: the command's; 127 if it is not found, 126 if it cannot be run, 125\r\n"
                           "for any other failure of handoff.\r\n"
                           "\r\n"
                           "Example:  handoff --read cfg=app.ini -- server.exe --config-handle {cfg}\r\n";

static const char version[] = "handoff " HANDOFF_VERSION "\r\n";

struct command {
    struct prefix prefix;
    struct handoff_pass *passes;
    DWORD *numbers; /* of the passes, in the child */
    struct handoff_trace trace;
};

static void complain_of_error(const struct handoff_error *error)
{
    struct line line;
    struct text *text = line_begin(&line);

    text->length += handoff_error_text(error, text->at + text->length, text->capacity - text->length);
    line_print(&line, STD_ERROR_HANDLE);
}

static HANDLE open_source(const struct source *source)
{
    switch (source->option) {
    case OPTION_READ: return open_read(source->what);
    case OPTION_WRITE: return open_write(source->what);
    default: return open_append(source->what);
    }
}

/* Last of all that can go wrong with the options, since a file that is opened for writing is emptied. */
static BOOL open_sources(const struct command *command)
{
    const struct request *request = &command->prefix.request;

    for (uint32_t i = 0; i < request->pass_count; i++) {
        const struct source *source = &command->prefix.sources[i];
        struct handoff_error error = {.stage = HANDOFF_STAGE_OPEN};
        struct text subject = {.at = error.subject, .capacity = ARRAYSIZE(error.subject)};

        command->passes[i] = (struct handoff_pass){.name = request->passes[i].name,
                                                   .handle = open_source(source),
                                                   .streams = request->passes[i].streams,
                                                   .descriptor = request->passes[i].descriptor};
        if (command->passes[i].handle != NULL)
            continue;
        error.code = GetLastError();
        text_put(&subject, source->what);
        text_end(&subject);
        complain_of_error(&error);
        return FALSE;
    }
    return TRUE;
}

static void trace(struct command *command, const PROCESS_INFORMATION *child)
{
    const struct request *request = &command->prefix.request;
    struct way way = {
        .parent_id = GetCurrentProcessId(), .launcher_id = command->trace.launcher_id, .child_id = child->dwProcessId};

    for (uint32_t i = 0; i < request->pass_count; i++) {
        request->passes[i].number = command->numbers[i];
        if (command->prefix.values[OPTION_SEAL] != NULL)
            request->passes[i].flags |= PASS_SEALED;
        trace_handle(&way, &request->passes[i], (uint32_t)(UINT_PTR)command->passes[i].handle, command->numbers[i]);
    }
    trace_command_line(request);
    trace_time("handles duplicated", command->trace.duplicated_us);
    trace_time("launcher started", command->trace.launched_us);
    trace_time("child created", command->trace.created_us);
    trace_time("child taken over", command->trace.adopted_us);
}

static BOOL spawn(struct command *command, PROCESS_INFORMATION *child, struct handoff_error *error)
{
    STARTUPINFOW startup;
    struct handoff_request request = {.cb = sizeof request,
                                      .command_line = command->prefix.request.command_line,
                                      .variables = command->prefix.request.variables,
                                      .creation_flags = CREATE_SUSPENDED | GetPriorityClass(GetCurrentProcess()),
                                      .startup = &startup,
                                      .closed_streams = command->prefix.request.closed_streams,
                                      .seal_all = command->prefix.values[OPTION_SEAL] != NULL,
                                      .passes = command->passes,
                                      .pass_count = command->prefix.request.pass_count,
                                      .numbers = command->numbers,
                                      .trace = &command->trace};

    GetStartupInfoW(&startup);
    return handoff_spawn(&request, child, error);
}

static DWORD run(struct command *command)
{
    struct handoff_error error;
    PROCESS_INFORMATION child;

    if (!open_sources(command))
        return EXIT_HANDOFF;
    outlive_console_events();
    if (!spawn(command, &child, &error)) {
        complain_of_error(&error);
        return error_exit_code(&error);
    }
    bind_child(child.hProcess);
    if (command->prefix.values[OPTION_TRACE] != NULL)
        trace(command, &child);
    ResumeThread(child.hThread);
    CloseHandle(child.hThread);
    for (uint32_t i = 0; i < command->prefix.request.pass_count; i++)
        CloseHandle(command->passes[i].handle);
    return stand_in_for(child.hProcess);
}

static DWORD run_line(const wchar_t *line)
{
    struct command command = {.prefix = {.options = options, .option_count = ARRAYSIZE(options)}};
    void *memory = allocate(prefix_memory(line, 0));

    if (memory == NULL || !prefix_parse(&command.prefix, line, memory)) {
        complain(memory != NULL ? command.prefix.fault : "out of memory", command.prefix.subject);
        return EXIT_HANDOFF;
    }
    if (command.prefix.request.command_line == NULL) {
        print_ascii(STD_OUTPUT_HANDLE, command.prefix.values[OPTION_HELP] != NULL ? help : version);
        return 0;
    }
    command.passes = allocate((command.prefix.request.pass_count + 1) * sizeof *command.passes);
    command.numbers = allocate((command.prefix.request.pass_count + 1) * sizeof *command.numbers);
    if (command.passes == NULL || command.numbers == NULL) {
        complain("out of memory", NULL);
        return EXIT_HANDOFF;
    }
    return run(&command);
}

int main(void)
{
    ExitProcess(run_line(GetCommandLineW()));
}
