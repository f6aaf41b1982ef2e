/*
 * handoff.exe and handoffw.exe: open what the command is to have, or take it out of a process by number, start
 * the command and stand in for it. A file calls only those below it.
 *
 *   main.c     the steps, in their order
 *   check.c    what is wrong with the options
 *   start.c    from options to a suspended command
 *   say.c      what is said of a command that runs
 *   show.c     --dry-run and --trace
 *   complain.c why there is no command
 *   wait.c     stands in for a command that runs
 *   console.c  outlives it, or ends with it
 *   job.c      the command and what it starts
 *   let_go.c   holds nothing of what this process was given
 *   handles.c  all that the command is to have
 *   relay.c    passes the command's output on
 *   parent.c   the process that --parent names: --steal, --copy, --report
 *   open.c     what can be opened: files, pipes, named objects, processes
 *   socket.c   and sockets
 *   user.c     who has a file open
 *   library.c  DLLs that only some options need
 *   help.c     --help
 *   voice.c    lines to people
 *   sink.c     all that handoff itself writes, and what it passes on
 *   options.c  the command line
 *   words.c    how its words are read, and how variables are passed on
 */
#ifndef HANDOFF_COMMAND_H
#define HANDOFF_COMMAND_H

#include <windows.h>

#include "clock.h"
#include "engine.h"
#include "options.h"
#include "sink.h"
#include "text.h"

/* What handoff ends with when it has no exit code of a command to pass on. */
enum {
    EXIT_LOST = 122, /* the command's own code was 0, but some output is lost */
    EXIT_TAKEN = 123,
    EXIT_TIMED_OUT = 124,
    EXIT_HANDOFF = 125,
    EXIT_CANNOT_RUN = 126,
    EXIT_NOT_FOUND = 127
};

struct command {
    struct options options; /* its passes get their handles; those of relays, streams and descriptors follow */
    STARTUPINFOW startup;   /* of this process */
    struct deadline time;   /* of --timeout, once the command runs */
    DWORD code;             /* what this process ends with, if nothing is lost */

    struct {
        struct deadline deadline; /* by then all must be open */
        BOOL tries_again;         /* --wait */
        DWORD taken_code;         /* the exit code if somebody else has something */
        uint32_t unopened;        /* the option of handoff's own file that could not be opened, if it was one */
    } opening;

    struct {
        HANDLE handle; /* NULL: none */
        DWORD code;    /* why the command is in none, though it is waited for */
    } job;

    struct {
        HANDLE lock, tee, trace;    /* of handoff's own; NULL: none */
        DWORD tee_code, trace_code; /* why these have not got all */
    } files;

    struct {
        HANDLE speaker;   /* a thread that is still saying something; NULL: none */
        BOOL unsaid;      /* there was no thread for what is to be said at the start */
        const char *late; /* that --timeout has ended the command; NULL: it has ended in time */
        BOOL stays;       /* what was ended, and is not gone */
    } lines;

    struct {
        wchar_t *program; /* what runs, where --trace is to say it; NULL: not known */
        DWORD id;
        BOOL held; /* --detach has not taken it out of somebody else's job */
    } child;

    struct {
        DWORD id;
        HANDLE process;
        HANDLE report; /* a pipe's writing end; NULL: the prefix stands in for the command */
        BOOL stolen;   /* what --steal names is gone */
    } parent;

    struct {
        LONGLONG started; /* clock_now() */
        DWORD opened_us, created_us;
    } times;
};

/* Whether the pass has a source: an option, an own stream, or another pass that it is a copy of. */
static inline BOOL has_source(const struct pass *pass)
{
    return pass->kind == PASS_ASKED || pass->kind == PASS_COPY;
}

static inline BOOL has_option(const struct command *command, uint32_t option)
{
    return command->options.values[option] != NULL;
}

/* The one of the two options that names the file. */
static inline uint32_t tee_option(const struct command *command)
{
    return has_option(command, OPTION_TEE_APPEND) ? OPTION_TEE_APPEND : OPTION_TEE;
}

static inline BOOL has_tee(const struct command *command)
{
    return has_option(command, tee_option(command));
}

/* Whether this process stays while the command runs. */
static inline BOOL is_waited_for(const struct command *command)
{
    return !has_option(command, OPTION_DETACH) && !has_option(command, OPTION_REPORT);
}

/* For whatever is still to be done when the time of --timeout is up. */
enum { GRACE_MS = 1000 };

/* How long the readers of what is passed on or said may take, after the end of the command. */
DWORD time_for_readers(const struct command *command);

struct relay;

/* ---- check.c ---- */

/* FALSE with a fault. */
BOOL check_options(struct command *command);

/* ---- start.c ---- */

/* The command is suspended, and alone has the handles that were opened. */
BOOL start_command(struct command *command, struct relay *relays, PROCESS_INFORMATION *child, struct failure *failure);

/* ---- say.c ---- */

/* Before the command runs. */
void say_at_start(struct command *command, const PROCESS_INFORMATION *child);

/* After the command's end. Returns when all is read, or with --timeout after a moment. */
void say_at_end(struct command *command);

/* The exit code of this process: the command's, or EXIT_LOST if that is 0 and output was lost. */
DWORD own_exit_code(const struct command *command);

/* Says what was lost and returns the exit code, where there was no command to wait for. */
DWORD end_unstarted(struct command *command, DWORD code);

/* ---- show.c ---- */

/* Returns the exit code, which also says whether the program was found. */
DWORD show_plan(struct command *command);
void show_trace(const struct command *command);
void show_trace_json(struct command *command);

/* The program that a process runs, in memory of its own; NULL if it cannot be told (before Windows Vista). */
wchar_t *program_of(HANDLE process);

/* After the child's end: what ran, its exit code and why it ended, as far as that tells. */
void show_trace_end(const struct command *command);
void show_trace_json_end(struct command *command);

/* ---- complain.c ---- */

extern const char no_job_inside[]; /* why a command is in no job, where that may be why */

/* Says what is wrong with the line. Returns the exit code. */
DWORD explain_refusal(const struct options *options, const wchar_t *line);

/* Says why there is no command, on stderr and, if there is one, in the report. Returns the exit code: 125 or 123 only
 * if nothing was stolen. */
DWORD explain_failure(struct command *command, const struct failure *failure);

/* ---- wait.c ---- */

/* Waits for the child and notes how it went and what this process is to end with. */
void stand_in(struct command *command, struct relay *relays, HANDLE process);

/* ---- console.c ---- */

/* Ctrl-C and Ctrl-Break are the child's: from now on this process goes on when they come. When the console
 * closes, or the session ends, this process ends, and the child goes on as if it had been started without. */
void outlive_console_events(void);

/* The creation flags for a console command: where handoff.exe has no console, the command gets none either.
 * handoffw.exe never has one, so its command gets one of its own, without a window. */
DWORD console_flags(void);

/* Lets the child run. FALSE with GetLastError(). */
BOOL resume_command(const struct command *command, HANDLE thread);

/* ---- job.c ---- */

/*
 * A job whose only handle stays here, so that a child in it ends when this process does, however it does. The child's
 * own children are in it only if the options are about the whole tree.
 */
void make_job(struct command *command);

/* Afterwards there is a job only if the child is in it. FALSE if the command was to run only in one. */
BOOL keep_job(struct command *command);

/* Whether all that the command starts is in it. Then nothing breaks away from it, even if it asks. */
BOOL concerns_tree(const struct command *command);

/* Lets the processes in the job go on when this process ends. */
void spare_members(HANDLE job);

/* Ends what is in the job, and waits until it is gone. FALSE if it is not within five seconds. */
BOOL end_members(HANDLE job, struct relay *relays, DWORD code);

/* Waits until the job is empty, whatever its processes start meanwhile. FALSE if the time is up before. */
BOOL wait_for_members(HANDLE job, struct relay *relays, const struct deadline *deadline);

/* ---- let_go.c ---- */

/* Closes all that this process was given, but its streams: what the command is to have has been copied. */
void let_go_of_inherited(void);

/* Closes the streams too, but for stderr where an option may have something to say, and leaves the start directory. */
void let_go_of_streams(const struct command *command);

/* After that: takes the child's stderr for the lines of this process. */
void borrow_stderr(const struct request *request, HANDLE child);

/* To be called before anything is said or passed on: a slow reader must not hold up those who wait for the lock. */
void release_lock(struct command *command);

/* ---- handles.c ---- */

/* Before anything is opened: copies what this process was given by number, which are its descriptors and what
 * --handle names. */
BOOL take_given(struct command *command, struct failure *failure);

/* Opens all else that the options name, handoff's own files among it, and puts the ports of sockets into line and
 * variables. */
BOOL open_handles(struct command *command, struct failure *failure);

/* A text with the numbers of these placeholders; `rewrite` is line_rewrite() or environment_rewrite(). In memory of its
 * own; NULL if there is none. */
typedef void rewriting(struct text *result, const wchar_t *from, struct placeholder *tree);
wchar_t *rewritten(rewriting *rewrite, const wchar_t *from, struct placeholder *tree);

/* Adds this process' own streams, or relays instead. */
BOOL add_streams_or_relays(struct command *command, struct relay *relays, struct failure *failure);

/* Makes handles inheritable that were not opened so, for the one call of CreateProcessW. FALSE with GetLastError(). */
BOOL expose_handles(struct command *command);

/* Closes them all, but the streams and the job, which are this process' own. */
void close_handles(struct command *command);

/* ---- relay.c ---- */

enum { RELAYS = 2 };

/* Who gets what a relay reads. */
struct outlet {
    struct sink sink;
    DWORD code;        /* why it gets no more */
    BOOL busy, stuck;  /* with what it was given last; and nobody waits for it any more */
    HANDLE done;       /* event: what follows has been written, or not */
    const char *bytes; /* until then not to be touched */
    DWORD size, result;
};

/* Our own stream, if that is open; and a file that gets the same, if there is one, which is not ours to close. */
enum { OWN, TEE, OUTLETS };

struct relay {
    HANDLE from; /* our end of the pipe, overlapped; NULL when there is nothing to relay any more */
    struct outlet outlets[OUTLETS];
    OVERLAPPED operation; /* its event: the read is done */
    char *buffer;
    DWORD size;   /* what is to be written of it */
    DWORD left;   /* what is still to be read at most */
    BOOL writing; /* otherwise reading */
};

/* A relay for our own stdout and stderr, two of them or one if they are the same, and the command's ends as
 * passes. A console is left alone, unless a file is to get the same. Returns a Win32 code. */
DWORD make_relays(struct request *request, struct relay *relays, HANDLE tee);

/* Begins, and goes on until the process ends (NULL: until all is passed on). FALSE if the time is up before. */
void start_relays(struct relay *relays);
BOOL relay_until_exit(struct relay *relays, HANDLE process, DWORD timeout_ms);

/* After the end of the process: what it wrote is passed on, what others write is not. When the time is up, those who
 * take nothing are given up, and for a moment the others get the rest. */
void finish_relays(struct relay *relays, DWORD timeout_ms);

/* ---- parent.c ---- */

/* FALSE with a fault, before anything is touched. */
BOOL check_parent_options(struct command *command);

/* Opens the process and copies the pipe for the report. */
BOOL reach_parent(struct command *command, struct failure *failure);

/* A copy of a number in that process, as a Win32 code. */
DWORD copy_from_parent(const struct command *command, const struct source *source, HANDLE *handle);
uint32_t number_in_parent(const struct source *source); /* 0: it is of no other process */

/* Closes there what --steal names: from now on it is gone. */
void close_stolen(struct command *command);

/* Puts a handle of the child into the parent and says so; takes it back if nobody hears it. A Win32 code. */
DWORD report_child(const struct command *command, const PROCESS_INFORMATION *child);
void report_error(const struct command *command, DWORD exit_code, const wchar_t *message);

/* ---- open.c, socket.c, user.c ---- */

/* What is wrong with what the source names, before anything is opened; NULL if nothing is. Of a fault *remedy says what
 * may have been meant, if that is known. */
const char *find_source_fault(const struct source *source, const char **remedy);

/* Opens what the source names, and notes its port if it is a socket. Until the deadline it tries again, if that is
 * asked for and may help. The handle is not inheritable. A file of --write still has its content: see empty_file(). A
 * Win32 code, and NULL if it cannot be opened. */
DWORD open_source(struct source *source, const struct deadline *deadline, BOOL tries_again, HANDLE *handle);

/* Closes what open_source() has opened, before it is opened again. */
void close_source(const struct source *source, HANDLE handle);

/* A Win32 code. */
DWORD empty_file(HANDLE file);

/* Why something could not be opened, by the codes of the last try and of the one before it (ERROR_SUCCESS: there was
 * none). When the time is up in the middle of a try, its WSAETIMEDOUT tells less than the code before. */
DWORD open_reason(DWORD code, DWORD before);

/* Whether this failure to open means that somebody else has it. */
BOOL is_taken(DWORD code);

/* Waits before the next try, after this failure. FALSE, at once, if no further try can help or the time is up. */
BOOL wait_a_moment(const struct source *source, DWORD code, const struct deadline *deadline);

/* The number of a handle that the text is; 0 if it can be none. */
uint64_t named_handle(const wchar_t *text);

/* HOST:PORT, [HOST]:PORT or :PORT. */
BOOL address_is_good(const wchar_t *address);

/* Connects in that time, or fails with WSAETIMEDOUT and may leave a thread behind. A Win32 code. */
DWORD open_socket(struct source *source, DWORD timeout_ms, HANDLE *handle);

/* Whether this failure to connect can pass: there is no server, no way or no name yet. */
BOOL server_may_come(DWORD code);
void close_socket(HANDLE s);

/* Puts "; in use by 'NAME' (PID)" for who has the file open, where Windows can tell. */
void put_users(struct text *text, const wchar_t *path);

/* ---- library.c ---- */

/* Of a DLL of Windows, by their names, of which each ends with a NUL. FALSE if one of them is not there. */
BOOL load_functions(const wchar_t *module_name, const char *names, FARPROC *functions, size_t count);

/* ---- help.c ---- */

BOOL show_help(const wchar_t *topic); /* empty: all, in short. FALSE if there is no such topic */

/* The name of the option that another word for it, or a misspelling, was probably meant to be, or NULL. */
const char *nearest_option(const wchar_t *word);

/* The same for the name of a handle. */
const wchar_t *nearest_name(const struct options *options, const wchar_t *word);

#endif
