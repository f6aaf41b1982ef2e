/* What the suites of the system tests share: where the programs are, how to spawn, how to look. */
#ifndef HANDOFF_TESTS_SYSTEM_H
#define HANDOFF_TESTS_SYSTEM_H

#include <winsock2.h>
#include <windows.h>

#include <check.h>

#include "handoff.h"
#include "harness.h"

enum { X64, X86, WIDTH_COUNT };

/* The path of a program of the build, e.g. program(X86, L"child.exe"). Lives for ever. */
const wchar_t *program(int width, const wchar_t *name);
extern const wchar_t *const width_names[WIDTH_COUNT];

/* A request for `launcher_width`'s launcher and the line `"...child.exe" ARGUMENTS` with
 * `child_width`'s child. The line lives until the next call on the same thread. */
struct handoff_request request_child(int launcher_width, int child_width, const wchar_t *arguments);

/* Waits for the end, asserts that it comes, closes the handles. */
DWORD finish_child(PROCESS_INFORMATION *child);

/* Spawns with stdout as a pipe and returns what came, NUL-terminated, and the child's exit code. */
char *spawn_reading(struct handoff_request *request, DWORD *size, DWORD *exit_code);

/* Wine 8 sometimes fails to start a process while other threads are busy (the forked copy of the
 * process trips over ld.so's lock): then it is ERROR_INTERNAL_ERROR, and worth another try. */
enum { START_TRIES = 3 };

/* handoff_spawn() with such tries. May be called from any thread: it asserts nothing. */
BOOL spawn_patiently(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error);

/* Fails the test with the error's text if the spawn fails. */
PROCESS_INFORMATION spawn_or_fail(const struct handoff_request *request);

/* Starts a program without handoff, with these streams and no other handle, with the same tries. May
 * be called from any thread: it asserts nothing. */
BOOL start_directly(wchar_t *line, const HANDLE streams[3], DWORD creation_flags, PROCESS_INFORMATION *process);

HANDLE make_event(void); /* manual reset, non-inheritable */
BOOL is_set(HANDLE event);
void make_pipe(HANDLE *read, HANDLE *write); /* neither end inheritable */

/* FALSE, with *known FALSE, where Windows cannot tell (before 10). */
BOOL same_object(HANDLE a, HANDLE b, BOOL *known);

/* How many handles a process has, from the system's own list. */
DWORD count_handles(DWORD process_id);
#define count_own_handles() count_handles(GetCurrentProcessId())

/* Fails the test if any child or launcher of the tests is alive that this process' tests started. */
void assert_nobody_left(void);

Suite *spawn_suite(void);
Suite *errors_suite(void);
Suite *faults_suite(void);
Suite *race_suite(void);
Suite *command_suite(void);

#endif
