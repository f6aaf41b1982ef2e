/* The steps of a command, in their order. */
#include "command.h"

#include "fd.h"
#include "heap.h"
#include "voice.h"
#include "words.h"

static const char version[] = "handoff " HANDOFF_VERSION "\r\n";

/* ---- from a suspended child on ---- */

static void print_pid(DWORD process_id)
{
    wchar_t units[16];
    struct text text = {.at = units, .capacity = ARRAYSIZE(units)};

    text_format(&text, "%u\r\n", process_id);
    print(STD_OUTPUT_HANDLE, units, text.length);
}

/* Lets the suspended child run, with somebody who waits for it. When it begins, this process holds nothing of what it
 * was given. */
static BOOL let_run(struct command *command, struct relay *relays, const PROCESS_INFORMATION *child,
                    struct failure *failure)
{
    DWORD code = ERROR_SUCCESS;

    if (command->parent.report != NULL)
        code = report_child(command, child);
    if (code != ERROR_SUCCESS)
        return failure_set(failure, HANDOFF_STAGE_REPORT, HANDOFF_NO_PASS, code);
    say_at_start(command, child);
    if (command->parent.process != NULL)
        CloseHandle(command->parent.process);
    if (is_waited_for(command)) {
        let_go_of_streams(command);
        start_relays(relays);
    }
    if (resume_command(command, child->hThread))
        return TRUE;
    code = GetLastError();
    if (is_waited_for(command))
        borrow_stderr(&command->options.request, child->hProcess);
    return failure_set(failure, HANDOFF_STAGE_RESUME, HANDOFF_NO_PASS, code);
}

static DWORD run_command(struct command *command)
{
    static struct relay relays[RELAYS];
    PROCESS_INFORMATION child;
    struct failure failure;

    if (!start_command(command, relays, &child, &failure))
        return explain_failure(command, &failure);
    if (!let_run(command, relays, &child, &failure)) {
        DWORD code;

        child_end(&child);
        code = explain_failure(command, &failure);
        finish_relays(relays, command->time.ms != INFINITE ? GRACE_MS : INFINITE);
        return code;
    }
    CloseHandle(child.hThread);
    if (has_option(command, OPTION_DETACH))
        print_pid(child.dwProcessId);
    if (is_waited_for(command))
        stand_in(command, relays, child.hProcess);
    say_at_end(command);
    return own_exit_code(command);
}

/* ---- the program ---- */

static DWORD print_text(const struct options *options)
{
    wchar_t *topic = allocate((text_length(options->after_help) + 1) * sizeof *topic);

    if (options->values[OPTION_VERSION] != NULL) {
        print_ascii(STD_OUTPUT_HANDLE, version);
        return 0;
    }
    if (topic == NULL)
        return EXIT_HANDOFF;
    line_argument(options->after_help, topic);
    if (show_help(topic))
        return 0;
    complain("help is about sources, sinks, running and codes, not", topic);
    return EXIT_HANDOFF;
}

/* Command and relays are static, since a thread that is stuck uses them until the process has ended. */
static DWORD run_line(const wchar_t *line)
{
    static struct command command;
    void *memory;

    command.times.started = clock_now();
    GetStartupInfoW(&command.startup);
    command.options.more_passes = STREAM_COUNT + 1 + startup_count_fds(&command.startup);
    memory = allocate(options_memory(line, command.options.more_passes));
    if (memory == NULL) {
        complain("no memory: Win32 error 8; nothing was stolen", NULL);
        return EXIT_HANDOFF;
    }
    if (!options_parse(&command.options, line, memory))
        return explain_refusal(&command.options, line);
    if (has_option(&command, OPTION_QUIET))
        voice_silence();
    if (command.options.request.command_line == NULL)
        return end_unstarted(&command, print_text(&command.options));
    if (!check_options(&command))
        return explain_refusal(&command.options, line);
    return has_option(&command, OPTION_DRY_RUN) ? end_unstarted(&command, show_plan(&command)) : run_command(&command);
}

/* The process' entry point: there is no C runtime, for which a waiting command would pay. */
void WINAPI program_start(void);
void WINAPI program_start(void)
{
    ExitProcess(run_line(GetCommandLineW()));
}
