/* Batch files of the tests, read by cmd.exe's own parser. They find the directory that they are in, and that is
 * emptied after each test, in %DIR%, the prefix in %HANDOFF%, the child in %CHILD%, this process in %PID% and a name
 * for an object of it in %NAME%. */
#ifndef HANDOFF_TESTS_BATCH_H
#define HANDOFF_TESTS_BATCH_H

#include "system.h"

void set_up_batch(void);
void tear_down_batch(void);

/* A path in the directory. Lives for some calls. */
const wchar_t *in_directory(const wchar_t *name);
const wchar_t *write_batch(const wchar_t *name, const char *text);
char *make_big_file(const wchar_t *name, DWORD size); /* returns what is in it, to be freed */

void __attribute__((format(gnu_printf, 2, 3))) set_variable(const wchar_t *name, const char *format, ...);

/* What the last batch file wrote, and how it ended. */
extern struct result result;
void run_batch(const char *text);
struct running start_batch(const char *text, DWORD creation_flags);

void assert_content(const wchar_t *name, const char *content);
void assert_out(const char *expected); /* and nothing on stderr */
void assert_one_line(const char *text);

HANDLE open_process(DWORD process_id);
DWORD find_child_process(const wchar_t *name, DWORD parent_id); /* 0: there is none */

/* A command that lists its handles and waits: what a batch file has opened for it, while it is open. */
extern struct witness witness;
struct running start_witness(const char *text);
void finish_witness(struct running *running);
HANDLE of_witness(int which);

#endif
