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

/* Where there is no job, that is the process alone. FALSE if it is not gone in time. */
static BOOL end_tree(HANDLE job, HANDLE process, struct relay *relays, DWORD code)
{
    if (job != NULL)
        return end_members(job, relays, code);
    TerminateProcess(process, code);
    return relay_until_exit(relays, process, DEATH_TIMEOUT_MS);
}

static BOOL wait_for_end(const struct command *command, struct relay *relays, HANDLE process)
{
    return relay_until_exit(relays, process, deadline_left(&command->time)) &&
           (command->job.handle == NULL || !has_option(command, OPTION_WAIT_TREE) ||
            wait_for_members(command->job.handle, relays, &command->time));
}

DWORD time_for_readers(const struct command *command)
{
    DWORD left = deadline_left(&command->time);

    return left > GRACE_MS ? left : GRACE_MS;
}

static void note_losses(struct command *command, const struct relay *relays)
{
    for (int i = 0; i < RELAYS; i++) {
        if (command->files.tee_code == ERROR_SUCCESS)
            command->files.tee_code = relays[i].outlets[TEE].code;
        note_loss(i == 0 ? STD_OUTPUT_HANDLE : STD_ERROR_HANDLE, relays[i].outlets[OWN].code);
    }
}

void stand_in(struct command *command, struct relay *relays, HANDLE process)
{
    BOOL ended;

    end_after_others();
    deadline_begin(&command->time);
    ended = wait_for_end(command, relays, process);
    command->code = ended ? exit_code_of(process) : EXIT_TIMED_OUT;
    if (!ended || has_option(command, OPTION_KILL_ON_EXIT))
        command->lines.stays =
            !end_tree(command->job.handle, process, relays, ended ? ERROR_PROCESS_ABORTED : EXIT_TIMED_OUT);
    else if (command->job.handle != NULL && concerns_tree(command))
        spare_members(command->job.handle); /* what the command has started may go on */
    release_lock(command);
    finish_relays(relays, time_for_readers(command));
    note_losses(command, relays);
    if (!ended)
        command->lines.late = command->job.handle != NULL
                                  ? "--timeout: the time is up, so the command and all that it has started were ended:"
                                  : "--timeout: the time is up, so the command was ended, but not what it has started:";
}
