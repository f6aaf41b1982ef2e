/* What is said of a command that runs: at its start, and at its end. There may be no reader, so a thread says it. */
#include "command.h"

#include "error.h"
#include "voice.h"

/* FALSE if there is still something that nobody has read in that time. */
static BOOL wait_until_said(struct command *command, DWORD timeout_ms)
{
    if (command->lines.speaker == NULL)
        return TRUE;
    if (WaitForSingleObject(command->lines.speaker, timeout_ms) == WAIT_TIMEOUT)
        return FALSE;
    CloseHandle(command->lines.speaker);
    command->lines.speaker = NULL;
    return TRUE;
}

static BOOL begin_to_say(struct command *command, LPTHREAD_START_ROUTINE say)
{
    command->lines.speaker = CreateThread(NULL, 0, say, command, 0, NULL);
    return command->lines.speaker != NULL;
}

/* ---- what is said at the start ---- */

static void say_outside(const struct command *command)
{
    struct line line;

    text_put_ascii(line_begin(&line), "--wait-tree waits for the command alone, which cannot be put into a job");
    error_put_code(&line.text, command->job.code, L"");
    text_put_ascii(&line.text, no_job_inside);
    line_say(&line);
}

static void say_held(void)
{
    struct line line;

    text_put_ascii(line_begin(&line),
                   "--detach: a job that handoff is in does not let the command go, which ends with that job");
    line_say(&line);
}

static BOOL is_half_waited_for(const struct command *command)
{
    return has_option(command, OPTION_WAIT_TREE) && command->job.code != ERROR_SUCCESS;
}

static DWORD WINAPI say_start(void *argument)
{
    struct command *command = argument;

    if (has_option(command, OPTION_TRACE_JSON))
        show_trace_json(command);
    if (is_half_waited_for(command))
        say_outside(command);
    if (command->child.held)
        say_held();
    if (has_option(command, OPTION_TRACE))
        show_trace(command);
    return 0;
}

/* The thread is waited for a moment, so that its lines are the first where somebody reads. If nobody does, it goes on
 * beside the command. Where there is no thread to be had, they are said at the end: the command does not wait. */
static void say_beside(struct command *command, LPTHREAD_START_ROUTINE say)
{
    enum { HEARD_MS = 200 };

    command->lines.unsaid = !begin_to_say(command, say);
    wait_until_said(command, HEARD_MS);
}

void say_at_start(struct command *command, const PROCESS_INFORMATION *child)
{
    BOOL traces = has_option(command, OPTION_TRACE) || has_option(command, OPTION_TRACE_JSON);

    command->child.id = child->dwProcessId;
    if (traces)
        command->child.program = program_of(child->hProcess);
    if (traces || is_half_waited_for(command) || command->child.held)
        say_beside(command, say_start);
}

/* ---- what is said at the end ---- */

/* To people, and into the file of --tee, which is what is read later. */
typedef void speaking(struct command *command, struct line *line);

static void say_to_people(struct command *command, struct line *line)
{
    (void)command;
    line_say(line);
}

static void write_to_tee(struct command *command, struct line *line)
{
    const struct sink tee = {.to = command->files.tee};

    if (command->files.tee_code == ERROR_SUCCESS)
        command->files.tee_code = line_write(line, &tee);
}

static void say_late(struct command *command, speaking *speak)
{
    struct line line;

    if (command->lines.late == NULL)
        return;
    text_put_ascii(line_begin(&line), command->lines.late);
    text_put_quoted(&line.text, command->options.values[OPTION_TIMEOUT]);
    speak(command, &line);
}

static void say_what_stays(struct command *command, speaking *speak)
{
    struct line line;

    if (!command->lines.stays)
        return;
    text_put_ascii(line_begin(&line), "what was ended has not gone within 5 s, and may still have its files open");
    speak(command, &line);
}

/* A long path leaves room for what follows it. */
static void put_place(struct text *text, const wchar_t *what)
{
    enum { ROOM = 256 };

    text_put_quoted(text, what);
    if (text->length > text->capacity - ROOM)
        text->length = text->capacity - ROOM;
}

static void say_loss(struct command *command, speaking *speak, const wchar_t *what, DWORD code, const char *option)
{
    struct line line;

    if (code == ERROR_SUCCESS)
        return;
    text_put_ascii(line_begin(&line), "cannot write");
    put_place(&line.text, what);
    error_put_code(&line.text, code, what);
    if (code == ERROR_SEM_TIMEOUT)
        text_put_ascii(&line.text, "; it took nothing until the time of --timeout was up");
    if (option != NULL)
        text_format(&line.text, " (--%s)", option);
    else if (has_option(command, OPTION_DETACH) && command->child.id != 0)
        text_format(&line.text, " (the command runs, as process %u)", command->child.id);
    speak(command, &line);
}

/* But for the file of --tee. */
static void say_losses(struct command *command, speaking *speak)
{
    say_loss(command, speak, L"stdout", print_loss(STD_OUTPUT_HANDLE), NULL);
    say_loss(command, speak, L"stderr", print_loss(STD_ERROR_HANDLE), NULL);
    say_loss(command, speak, command->options.values[OPTION_TRACE_JSON], command->files.trace_code,
             option_table[OPTION_TRACE_JSON].name);
}

static BOOL ends_in_json(const struct command *command)
{
    return is_waited_for(command) && has_option(command, OPTION_TRACE_JSON);
}

static DWORD WINAPI write_end_to_trace(void *argument)
{
    struct command *command = argument;

    if (command->lines.unsaid)
        say_start(command);
    if (ends_in_json(command) && command->files.trace != NULL)
        show_trace_json_end(command);
    return 0;
}

static DWORD WINAPI say_end_to_people(void *argument)
{
    struct command *command = argument;

    if (ends_in_json(command) && command->files.trace == NULL)
        show_trace_json_end(command);
    say_late(command, say_to_people);
    say_what_stays(command, say_to_people);
    if (is_waited_for(command) && has_option(command, OPTION_TRACE))
        show_trace_end(command);
    say_losses(command, say_to_people);
    return 0;
}

static DWORD WINAPI write_end_to_tee(void *argument)
{
    struct command *command = argument;

    say_late(command, write_to_tee);
    say_what_stays(command, write_to_tee);
    say_losses(command, write_to_tee);
    return 0;
}

/* It may be found full, or stuck, only when it is to have its lines: so this comes last. */
static DWORD WINAPI say_loss_of_tee(void *argument)
{
    struct command *command = argument;
    uint32_t tee = tee_option(command);

    say_loss(command, say_to_people, command->options.values[tee], command->files.tee_code, option_table[tee].name);
    return 0;
}

/* FALSE if it is not said in that time. Where there is no thread it may take longer, and nothing is lost. */
static BOOL say_within(struct command *command, LPTHREAD_START_ROUTINE say, DWORD timeout_ms)
{
    if (timeout_ms != INFINITE && begin_to_say(command, say))
        return wait_until_said(command, timeout_ms);
    say(command);
    return TRUE;
}

/* Half of what is left, so that something is left for those who come later. */
static DWORD part_of(const struct deadline *deadline)
{
    return deadline->ms == INFINITE ? INFINITE : deadline_left(deadline) / 2;
}

/*
 * Any of the three may be stuck: stderr, whose lines at the start may still be unread, the file of --trace=json and
 * that of --tee, which may be a pipe. With --timeout none of them holds up another. Without it the file of --trace=json
 * does not wait for the reader of stderr, and neither of the two waits for --tee.
 */
void say_at_end(struct command *command)
{
    const struct deadline deadline = deadline_in(time_for_readers(command));
    HANDLE to_people;

    wait_until_said(command, deadline.ms == INFINITE ? GRACE_MS : part_of(&deadline));
    if (!say_within(command, write_end_to_trace, part_of(&deadline)) && command->files.trace != NULL)
        command->files.trace_code = ERROR_SEM_TIMEOUT;
    if (deadline.ms == INFINITE)
        wait_until_said(command, INFINITE);
    say_within(command, say_end_to_people, part_of(&deadline));
    to_people = command->lines.speaker;
    command->lines.speaker = NULL;
    if (command->files.tee != NULL && !say_within(command, write_end_to_tee, part_of(&deadline)))
        command->files.tee_code = ERROR_SEM_TIMEOUT;
    command->lines.speaker = to_people;
    if (!wait_until_said(command, deadline_left(&deadline)) ||
        (command->files.tee_code != ERROR_SUCCESS && !say_within(command, say_loss_of_tee, deadline_left(&deadline))))
        note_loss(STD_ERROR_HANDLE, ERROR_SEM_TIMEOUT);
}

DWORD own_exit_code(const struct command *command)
{
    BOOL lost = print_loss(STD_OUTPUT_HANDLE) != ERROR_SUCCESS || print_loss(STD_ERROR_HANDLE) != ERROR_SUCCESS ||
                command->files.trace_code != ERROR_SUCCESS || command->files.tee_code != ERROR_SUCCESS;

    return command->code == 0 && lost ? EXIT_LOST : command->code;
}

DWORD end_unstarted(struct command *command, DWORD code)
{
    command->code = code;
    say_losses(command, say_to_people);
    return own_exit_code(command);
}
