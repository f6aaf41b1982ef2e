/* Batch files of the tests, read by cmd.exe's own parser. They find the directory that they are in, and that is
 * emptied after each test, in %DIR%, the prefix in %HANDOFF%, the child in %CHILD%, this process in %PID% and a name
 * for an object of it in %NAME%. */
#ifndef HANDOFF_TESTS_BATCH_H
#define HANDOFF_TESTS_BATCH_H

#include "prefix.h"

void set_up_batch(void);
void tear_down_batch(void);

/* A path in the directory. Lives for some calls. */
const wchar_t *in_directory(const wchar_t *name);
const wchar_t *write_batch(const wchar_t *name, const char *text);
void assert_content(const wchar_t *name, const char *content);

char *make_big_file(const wchar_t *name, DWORD size); /* returns what is in it, to be freed */
void assert_big_file(const wchar_t *name, const char *bytes, DWORD size);

void __attribute__((format(gnu_printf, 2, 3))) set_variable(const wchar_t *name, const char *format, ...);

void run_batch(const char *text);
struct running start_batch(const char *text, DWORD creation_flags);
void assert_out(const char *expected);     /* and nothing on stderr */
const char *last_line(const char *output); /* with its line break */

/* A line of the prefix', with these streams and no other handle. Variables are put in, as cmd.exe does. */
PROCESS_INFORMATION start_prefixed(const wchar_t *rest, HANDLE in, HANDLE out, HANDLE err);

/* ---- looking ---- */

HANDLE open_process(DWORD process_id);
DWORD find_child_process(const wchar_t *name, DWORD parent_id); /* 0: there is none */
void await_end(HANDLE process);
DWORD number_after(const char *text, const char *key); /* which the text has */

/* What a process was started with, from its own memory: the console, then the streams. Returns whether it ignores
 * Ctrl-C, as the first of a process group does. */
BOOL read_start(HANDLE process, HANDLE console_and_streams[4]);

/* A command that lists its handles and waits: what a batch file has opened for it, while it is open. */
extern struct witness witness;
struct running start_batch_witness(const char *text);
HANDLE of_witness(int which); /* a copy of what is told as this number */

/* ---- what a command is given ---- */

/* Under %NAME%. */
HANDLE make_named_event(void);
const wchar_t *pipe_name(void); /* \\.\pipe\%NAME% */
HANDLE make_pipe_server(DWORD direction);
void assert_arrives(HANDLE server, const char *expected); /* all of it in one piece */

/* Options for every source there is, with this port for what connects, and placeholders for all of them. The pipe has a
 * server, and the file `in` is there. */
enum { SOURCES_UNITS = 2048 };
void put_every_source(wchar_t to[SOURCES_UNITS], WORD port);
extern const wchar_t every_name[];

#endif
