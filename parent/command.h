/*
 * handoff.exe, the command for batch files: a thin user of the library.
 *
 *   main.c     reads the options, starts the command, waits
 *   open.c     what it can open: files, pipes, named objects, processes
 *   socket.c   and sockets
 *   user.c     who has a file open
 *   relay.c    passes the command's output on
 *   show.c     --dry-run and --trace
 *   help.c     --help
 */
#ifndef HANDOFF_COMMAND_H
#define HANDOFF_COMMAND_H

#include <windows.h>

#include "handoff.h"
#include "prefix.h"
#include "text.h"

/* The options of its own, in the order of `options`. */
enum {
    OPTION_READ = OPTION_OWN,
    OPTION_WRITE,
    OPTION_APPEND,
    OPTION_UPDATE,
    OPTION_PIPE,
    OPTION_LISTEN,
    OPTION_CONNECT,
    OPTION_EVENT,
    OPTION_MUTEX,
    OPTION_SEMAPHORE,
    OPTION_MAPPING,
    OPTION_PROCESS,
    OPTION_HANDLE,
    OPTION_DETACH,
    OPTION_KILL_ON_EXIT,
    OPTION_TIMEOUT,
    OPTION_RELAY,
    OPTION_DIR,
    OPTION_DRY_RUN,
    OPTION_TRACE_JSON,
    OPTION_END
};

extern const struct option options[OPTION_END];

struct command {
    struct prefix prefix;
    struct handoff_pass *passes; /* opened; then those of the relays */
    DWORD pass_count;
    DWORD *numbers;   /* of the passes, in the child */
    DWORD timeout_ms; /* INFINITE: none */
    wchar_t *line;    /* the command line, the ports of sockets put in */
    wchar_t *variables;
    struct handoff_trace trace;
};

/* ---- main.c ---- */

void complain_of_error(const struct handoff_error *error);

/* ---- open.c, socket.c, user.c ---- */

/* What is wrong with what the source names, before anything is opened; NULL if nothing is. */
const char *find_source_fault(const struct source *source);

/* Opens what the source names, with the local port if it is a socket, else 0. The handle is not inheritable.
 * NULL on failure, and GetLastError() says why. */
HANDLE open_source(const struct source *source, WORD *port);

/* Closes the handle that handoff was given, if the source is one: not before the command has it. */
void close_own(const struct source *source);

/* HOST:PORT, [HOST]:PORT or :PORT. */
BOOL address_is_good(const wchar_t *address);
HANDLE open_socket(uint32_t option, const wchar_t *address, WORD *port);

/* Puts " by NAME (PID)" for who has the file open, where Windows can tell. */
void put_users(struct text *text, const wchar_t *path);

/* ---- relay.c ---- */

struct relay {
    HANDLE from;          /* our end of the pipe, overlapped; NULL when there is nothing to relay any more */
    HANDLE to;            /* our own stream */
    OVERLAPPED operation; /* its event: the read or the write is done */
    char *buffer;
    DWORD size;   /* what is to be written of it */
    DWORD left;   /* what is still to be read at most */
    BOOL writing; /* otherwise reading */
};

/* A relay for our own stdout and stderr, two of them or one if they are the same, and the command's ends as
 * passes. A console is left alone. Returns a Win32 code. */
DWORD make_relays(struct command *command, struct relay *relays);

/* Begins, and goes on until the process ends. FALSE if the time is up before. */
void start_relays(struct relay *relays);
BOOL relay_until_exit(struct relay *relays, HANDLE process, DWORD timeout_ms);

/* After the end of the process: what it wrote is passed on, what others write is not. */
void finish_relays(struct relay *relays);

/* ---- show.c, help.c ---- */

/* Returns the exit code: the plan is also that the program is not there. */
DWORD show_plan(const struct command *command);
void show_trace(const struct command *command, DWORD child_id);
void show_trace_json(const struct command *command, DWORD child_id);
BOOL show_help(const wchar_t *topic); /* empty: all, in short. FALSE if there is no such topic */

/* The name of the option that a misspelt one was probably meant to be, or NULL. */
const char *nearest_option(const wchar_t *word);

#endif
