/* Standing in for a command that runs: the prefix takes it along if that is what was asked for, and ends as it does. */
#include "command.h"

#include "voice.h"

static DWORD exit_code_of(HANDLE process)
{
    DWORD code;

    return WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0 && GetExitCodeProcess(process, &code)
               ? code
               : EXIT_CANNOT_RUN;
}

/* One less than that of other programs: when the session ends, those are told first. */
static void end_after_others(void)
{
    enum { USUAL_LEVEL = 0x280 };

    SetProcessShutdownParameters(USUAL_LEVEL - 1, SHUTDOWN_NORETRY);
}

/* Where there is no job, that is the process alone. */
static void end_tree(HANDLE job, HANDLE process, struct relay *relays, DWORD code)
{
    if (job != NULL) {
        end_members(job, relays, code);
    } else {
        TerminateProcess(process, code);
        WaitForSingleObject(process, GRACE_MS);
    }
}

static BOOL wait_for_end(const struct command *command, struct relay *relays, HANDLE process,
                         const struct deadline *deadline)
{
    return relay_until_exit(relays, process, deadline_left(deadline)) &&
           (command->job == NULL || !has_option(command, OPTION_WAIT_TREE) ||
            wait_for_members(command->job, relays, deadline));
}

void stand_in(struct command *command, struct relay *relays, HANDLE process)
{
    const struct deadline deadline = {command->timeout_ms, stopwatch_start()};
    BOOL ended;

    end_after_others();
    ended = wait_for_end(command, relays, process, &deadline);
    command->code = ended ? exit_code_of(process) : EXIT_TIMED_OUT;
    if (!ended || has_option(command, OPTION_KILL_ON_EXIT))
        end_tree(command->job, process, relays, ended ? ERROR_PROCESS_ABORTED : EXIT_TIMED_OUT);
    else if (command->job != NULL && whole_tree(command))
        spare_members(command->job); /* what the command has started may go on */
    release_lock(command);
    if (!finish_relays(relays, deadline_left(&deadline) > GRACE_MS ? deadline_left(&deadline) : GRACE_MS))
        command->late = "--timeout: the time is up, and nobody reads the output:";
    command->tee_code = relays[0].tee_code != ERROR_SUCCESS ? relays[0].tee_code : relays[1].tee_code;
    note_loss(STD_OUTPUT_HANDLE, relays[0].own_code);
    note_loss(STD_ERROR_HANDLE, relays[1].own_code);
    if (!ended)
        command->late = command->job != NULL
                            ? "--timeout: the time is up, so the command and all that it has started were ended:"
                            : "--timeout: the time is up, so the command was ended, but not what it has started:";
    if (command->late != NULL)
        command->code = EXIT_TIMED_OUT;
}
