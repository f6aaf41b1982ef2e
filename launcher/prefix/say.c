/* What is said of a command that runs: at its start, and at its end. There may be no reader, so a thread says it. */
#include "command.h"

#include "error.h"
#include "voice.h"

/* FALSE if there is still something that nobody has read in that time. */
static BOOL wait_until_said(struct command *command, DWORD timeout_ms)
{
    if (command->speaker == NULL)
        return TRUE;
    if (WaitForSingleObject(command->speaker, timeout_ms) == WAIT_TIMEOUT)
        return FALSE;
    CloseHandle(command->speaker);
    command->speaker = NULL;
    return TRUE;
}

static BOOL begin_to_say(struct command *command, LPTHREAD_START_ROUTINE say)
{
    command->speaker = CreateThread(NULL, 0, say, command, 0, NULL);
    return command->speaker != NULL;
}

/* ---- what is said at the start ---- */

static void say_outside(const struct command *command)
{
    struct line line;

    text_put_ascii(line_begin(&line), "--wait-tree waits for the command alone, which cannot be put into a job");
    error_put_code(&line.text, command->job_code, L"");
    text_put_ascii(&line.text, no_job_inside);
    line_say(&line);
}

static BOOL is_half_waited_for(const struct command *command)
{
    return has_option(command, OPTION_WAIT_TREE) && command->job_code != ERROR_SUCCESS;
}

static DWORD WINAPI say_start(void *argument)
{
    struct command *command = argument;

    if (has_option(command, OPTION_TRACE_JSON))
        show_trace_json(command);
    if (is_half_waited_for(command))
        say_outside(command);
    if (command->held)
        complain("--detach: a job that handoff is in does not let the command go, which ends with that job", NULL);
    if (has_option(command, OPTION_TRACE))
        show_trace(command);
    return 0;
}

/* The thread is waited for a moment, so that its lines are the first where somebody reads. If nobody does, it goes on
 * beside the command. Where there is no thread to be had, they are said at the end: the command does not wait. */
static void say_beside(struct command *command, LPTHREAD_START_ROUTINE say)
{
    enum { HEARD_MS = 200 };

    command->unsaid = !begin_to_say(command, say);
    wait_until_said(command, HEARD_MS);
}

void say_at_start(struct command *command, const PROCESS_INFORMATION *child)
{
    BOOL traces = has_option(command, OPTION_TRACE) || has_option(command, OPTION_TRACE_JSON);

    command->child_id = child->dwProcessId;
    if (traces)
        command->program = program_of(child->hProcess);
    if (traces || is_half_waited_for(command) || command->held)
        say_beside(command, say_start);
}

/* ---- what is said at the end ---- */

/* Into the file of --tee too, which is what is read later. */
static void write_to_tee(struct command *command, struct line *line)
{
    const struct sink tee = {.to = command->tee};

    if (command->tee != NULL && command->tee_code == ERROR_SUCCESS)
        command->tee_code = line_write(line, &tee);
}

static void put_late(const struct command *command, struct line *line)
{
    text_put_ascii(line_begin(line), command->late);
    text_put_quoted(&line->text, command->options.values[OPTION_TIMEOUT]);
}

static void write_late(struct command *command)
{
    struct line line;

    put_late(command, &line);
    write_to_tee(command, &line);
}

static void print_late(const struct command *command)
{
    struct line line;

    put_late(command, &line);
    line_say(&line);
}

/* A long path leaves room for what follows it. */
static void put_place(struct text *text, const wchar_t *what)
{
    enum { ROOM = 256 };

    text_put_quoted(text, what);
    if (text->length > text->capacity - ROOM)
        text->length = text->capacity - ROOM;
}

static void say_loss(struct command *command, const wchar_t *what, DWORD code, const char *option)
{
    struct line line;

    if (code == ERROR_SUCCESS)
        return;
    text_put_ascii(line_begin(&line), "cannot write");
    put_place(&line.text, what);
    error_put_code(&line.text, code, what);
    if (option != NULL)
        text_format(&line.text, " (--%s)", option);
    else if (has_option(command, OPTION_DETACH) && command->child_id != 0)
        text_format(&line.text, " (the command runs, as process %u)", command->child_id);
    write_to_tee(command, &line);
    line_say(&line);
}

static void say_what_stays(struct command *command)
{
    struct line line;

    text_put_ascii(line_begin(&line), "what was ended has not gone within 5 s, and may still have its files open");
    write_to_tee(command, &line);
    line_print(&line, STD_ERROR_HANDLE);
}

/* The file of --tee comes last: it may be found full only when it is to have one of these lines. */
static void say_losses(struct command *command)
{
    const wchar_t *const *values = command->options.values;
    uint32_t tee = tee_option(command);

    say_loss(command, L"stdout", print_loss(STD_OUTPUT_HANDLE), NULL);
    say_loss(command, L"stderr", print_loss(STD_ERROR_HANDLE), NULL);
    say_loss(command, values[OPTION_TRACE_JSON], command->trace_code, option_table[OPTION_TRACE_JSON].name);
    say_loss(command, values[tee], command->tee_code, option_table[tee].name);
}

static BOOL ends_in_json(const struct command *command)
{
    return is_waited_for(command) && has_option(command, OPTION_TRACE_JSON);
}

static void say_end_to_files(struct command *command)
{
    if (command->unsaid)
        say_start(command);
    if (command->late != NULL)
        write_late(command);
    if (ends_in_json(command) && command->trace != NULL)
        show_trace_json_end(command);
}

static void say_end_to_people(struct command *command)
{
    if (ends_in_json(command) && command->trace == NULL)
        show_trace_json_end(command);
    if (command->late != NULL)
        print_late(command);
    if (command->stays)
        say_what_stays(command);
    if (is_waited_for(command) && has_option(command, OPTION_TRACE))
        show_trace_end(command);
    say_losses(command);
}

static DWORD WINAPI say_end(void *argument)
{
    say_end_to_files(argument);
    say_end_to_people(argument);
    return 0;
}

/* Somebody may still be stuck with what is said at the start. A file gets its lines nevertheless; and with --timeout
 * all has its time. */
void say_at_end(struct command *command)
{
    const struct deadline deadline = {time_for_readers(command), stopwatch_start()};

    if (deadline.ms == INFINITE) {
        wait_until_said(command, GRACE_MS);
        say_end_to_files(command);
        wait_until_said(command, INFINITE);
        say_end_to_people(command);
        return;
    }
    wait_until_said(command, deadline.ms / 2);
    if (!begin_to_say(command, say_end))
        say_end(command); /* which may take longer than the time, and loses nothing */
    else if (!wait_until_said(command, deadline_left(&deadline)))
        note_loss(STD_ERROR_HANDLE, ERROR_SEM_TIMEOUT);
}

DWORD own_exit_code(const struct command *command)
{
    BOOL lost = print_loss(STD_OUTPUT_HANDLE) != ERROR_SUCCESS || print_loss(STD_ERROR_HANDLE) != ERROR_SUCCESS ||
                command->trace_code != ERROR_SUCCESS || command->tee_code != ERROR_SUCCESS;

    return command->code == 0 && lost ? EXIT_LOST : command->code;
}

DWORD end_unstarted(struct command *command, DWORD code)
{
    command->code = code;
    say_losses(command);
    return own_exit_code(command);
}
