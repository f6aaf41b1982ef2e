/* From options to a suspended command that alone has the handles that were opened. */
#include "command.h"

#include "heap.h"
#include "lookup.h"
#include "startup.h"
#include "steal.h"

/* What a command has from the process that starts it. Of these, Windows itself does not hand on a high priority
 * class. */
static void set_surroundings(struct command *command)
{
    struct request *request = &command->options.request;

    take_startup(request, &command->startup);
    request->creation_flags = GetPriorityClass(GetCurrentProcess());
    request->directory = command->options.values[OPTION_DIR];
    /* With a console that has no window, or the programs that it starts would open windows; and out of the reach of
     * Ctrl-C and of the job. */
    if (has_option(command, OPTION_DETACH))
        request->creation_flags |= CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_BREAKAWAY_FROM_JOB;
    else
        request->creation_flags |= console_flags();
    for (uint32_t i = 0; has_option(command, OPTION_SEAL) && i < request->pass_count; i++)
        request->passes[i].flags |= PASS_SEALED;
}

static BOOL create_once(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;

    return command->job.handle != NULL ? create_child_in_job(request, child, &command->job.code, failure)
                                       : create_child(request, child, failure);
}

/* Outside of the job that this process may be in, if that lets it go at all. */
static BOOL create_outside(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;

    if (create_once(command, child, failure))
        return TRUE;
    if (failure->code != ERROR_ACCESS_DENIED || (request->creation_flags & CREATE_BREAKAWAY_FROM_JOB) == 0)
        return FALSE;
    request->creation_flags &= ~(uint32_t)CREATE_BREAKAWAY_FROM_JOB;
    return create_once(command, child, failure);
}

/* It may have left one job and still be in another that has the first one inside, since Windows 8. */
static BOOL is_held(const struct command *command, HANDLE process)
{
    BOOL in_job = FALSE;

    return has_option(command, OPTION_DETACH) && IsProcessInJob(GetCurrentProcess(), NULL, &in_job) && in_job &&
           IsProcessInJob(process, NULL, &in_job) && in_job;
}

/* Before let_go_of_streams() leaves the start directory. */
static BOOL create_command(struct command *command, PROCESS_INFORMATION *child, struct failure *failure)
{
    struct request *request = &command->options.request;
    wchar_t *program;
    DWORD code = lookup_program(request->command_line, &program);
    BOOL created = FALSE;

    if (code != ERROR_SUCCESS) {
        failure_set(failure, HANDOFF_STAGE_FIND, HANDOFF_NO_PASS, code);
    } else {
        request->application = program;
        created =
            (expose_handles(command) || failure_set(failure, HANDOFF_STAGE_CREATE, HANDOFF_NO_PASS, GetLastError())) &&
            create_outside(command, child, failure);
        request->application = NULL; /* errors name it as the line does */
    }
    release(program);
    return created;
}

/* Where the command is in no job, it does not run if a job is what was asked for. */
static BOOL check_job(struct command *command, const PROCESS_INFORMATION *child, struct failure *failure)
{
    if (keep_job(command))
        return TRUE;
    child_end(child);
    return failure_set(failure, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, command->job.code);
}

/* The command is in it from its creation on, where Windows lets it be at all. */
static void add_job(struct command *command)
{
    struct request *request = &command->options.request;

    make_job(command);
    if (command->job.handle != NULL)
        request->passes[request->pass_count++] = (struct pass){
            .kind = PASS_JOB, .flags = PASS_OPTIONAL, .number = (uint32_t)handle_number(command->job.handle)};
}

BOOL start_command(struct command *command, struct relay *relays, PROCESS_INFORMATION *child, struct failure *failure)
{
    BOOL created;

    if (!take_given(command, failure) || !reach_parent(command, failure) || !open_handles(command, failure) ||
        !add_streams_or_relays(command, relays, failure))
        return FALSE;
    outlive_console_events(); /* not earlier: Ctrl-C ends the waiting for files */
    close_stolen(command);
    command->times.opened_us = clock_us(command->times.started);
    let_go_of_inherited();
    set_surroundings(command);
    /* A command that is not to end with us is in no job of ours: a process in a job cannot join every other job. */
    if (is_waited_for(command))
        add_job(command);
    created = create_command(command, child, failure);
    close_handles(command);
    command->times.created_us = clock_us(command->times.started);
    command->child.held = created && is_held(command, child->hProcess);
    return created && check_job(command, child, failure);
}
