/* What the suites of the system tests share: where the programs are, how to spawn, how to look. */
#ifndef HANDOFF_TESTS_SYSTEM_H
#define HANDOFF_TESTS_SYSTEM_H

#include <winsock2.h>
#include <windows.h>

#include <check.h>

#include "handoff.h"
#include "harness.h"

enum { X64, X86, WIDTH_COUNT };
#ifdef _WIN64
enum { OWN_WIDTH = X64 };
#else
enum { OWN_WIDTH = X86 };
#endif
enum { OTHER_WIDTH = X64 + X86 - OWN_WIDTH };

/* The path of a program of the build, e.g. program(X86, L"child.exe"). Lives for ever. Where no 32-bit program may be
 * started it is a 64-bit one, with which the test comes to its end all the same: it counts as left out. */
const wchar_t *program(int width, const wchar_t *name);
extern const wchar_t *const width_names[WIDTH_COUNT];

/* A request for `launcher_width`'s launcher and the line `"...child.exe" ARGUMENTS` with
 * `child_width`'s child. The line lives until the next call on the same thread. */
struct handoff_request request_child(int launcher_width, int child_width, const wchar_t *arguments);

/* Waits for what is to come by itself; FALSE if it does not, after a time that is long on any machine. From any
 * thread. */
BOOL comes(HANDLE object);

/* Waits for the end, asserts that it comes, closes the handles. */
DWORD finish_child(PROCESS_INFORMATION *child);

/* Spawns with stdout as a pipe and returns what came, NUL-terminated, and the child's exit code. */
char *spawn_reading(struct handoff_request *request, DWORD *size, DWORD *exit_code);

/* Wine 8 sometimes fails to start a process, above all while other threads are busy (the forked copy
 * of the process trips over ld.so's lock): then it is ERROR_INTERNAL_ERROR, and worth another try. */
enum { START_TRIES = 3 };

/* CreateProcessW() with such tries: fails the test with the code if it fails. */
PROCESS_INFORMATION start_program(const wchar_t *path, wchar_t *line, DWORD creation_flags);

/* handoff_spawn() with such tries. May be called from any thread: it asserts nothing. */
BOOL spawn_patiently(const struct handoff_request *request, PROCESS_INFORMATION *child, struct handoff_error *error);

/* Fails the test with the error's text if the spawn fails. */
PROCESS_INFORMATION spawn_or_fail(const struct handoff_request *request);

/* Starts a program without handoff, with these streams and no other handle, with the same tries. May
 * be called from any thread: it asserts nothing. */
BOOL start_directly(wchar_t *line, const HANDLE streams[3], DWORD creation_flags, PROCESS_INFORMATION *process);

/* The same with all that CreateProcessW can be told: `startup` has the streams, which alone are
 * inherited; environment and directory may be NULL. */
BOOL start_with(wchar_t *line, const STARTUPINFOW *startup, DWORD creation_flags, const wchar_t *environment,
                const wchar_t *directory, PROCESS_INFORMATION *process);

/* ---- commands that run another ---- */

enum { LINE_UNITS = 40000, EXIT_HANDOFF = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

/* What a command wrote and how it ended. */
struct result {
    wchar_t line[LINE_UNITS];
    char out[LINE_UNITS * 4]; /* a NUL after it, as wide as a unit */
    DWORD out_size;
    char err[16384];
    DWORD exit_code;
};

/* Runs the program at `path` with a line that follows its name, with nothing on stdin; FALSE with
 * nothing in `result` if that fails. From any thread. */
BOOL try_run(struct result *result, const wchar_t *path, const wchar_t *line);

/* The same, asserted. The line is a format. If it is the program that meets Wine's failure to start a
 * process, and nothing is stolen by then, it is run again. */
void run(struct result *result, const wchar_t *path, const wchar_t *line, ...);

/* A command that runs, and our ends of its streams. */
struct running {
    PROCESS_INFORMATION process;
    HANDLE in, out, err;
};

/* Starts `"path" line` with pipes for streams. `startup` (its streams are not read), environment and
 * directory may be NULL. */
struct running start_running(const wchar_t *path, const wchar_t *line, const STARTUPINFOW *startup,
                             DWORD creation_flags, const wchar_t *environment, const wchar_t *directory);

/* The same for a program that inherits all that is inheritable here. */
struct running start_with_rubbish(const wchar_t *path, const wchar_t *line, DWORD creation_flags);

/* In its parts: the streams, whose other ends are inheritable and in `startup` until they are closed, and the start. */
struct running make_streams(STARTUPINFOW *startup);
void start_with_all(struct running *running, const wchar_t *path, const wchar_t *line, STARTUPINFOW *startup,
                    DWORD creation_flags);
void close_streams(const STARTUPINFOW *startup);

/* Closes our ends, waits for its end and returns its exit code. */
DWORD finish_running(struct running *running);

/* A session on a console of its own, with the command and its child on it, all of which inherit what is inheritable
 * here: when the child says "ready", the key reaches them all. Returns the command's exit code. */
DWORD press(DWORD event, const wchar_t *command);

/* As Windows does: a thread in the process that begins at the function for such events, which is kernel32's before
 * Windows 7. NULL if it cannot be found. */
HANDLE send_console_event(const PROCESS_INFORMATION *process, DWORD console_event);

/* One line, without its line break; FALSE at the end. */
BOOL read_line(HANDLE from, char *line, size_t capacity);

/* One line that is the prefix'. */
void assert_one_line(const char *text);

/* A reader sees the end of the pipe: nobody has its other end open any more. */
void assert_ended(HANDLE pipe);

/* All that is left, closed by a NUL as wide as a unit. Closes the handle. */
DWORD read_all(HANDLE from, char *to, DWORD capacity);

/* A file in the temporary directory, under a name with a blank and beyond ASCII. Lives for some calls. */
const wchar_t *file_path(const wchar_t *name);

/* A directory that nobody is in can be removed; a process that is on its way out of it is waited for. */
void assert_can_be_removed(const wchar_t *directory);
void write_file(const wchar_t *path, const char *text);

/* ---- looking ---- */

HANDLE make_event(void); /* manual reset, non-inheritable */
BOOL is_set(HANDLE event);
void make_pipe(HANDLE *read, HANDLE *write); /* neither end inheritable */

void make_inheritable(HANDLE handle);
BOOL is_inheritable(HANDLE handle);

/* A loopback socket, not inheritable: of any free port, or of this one, INVALID_SOCKET if somebody has it. */
SOCKET bound_socket(int family, BOOL listens, WORD *port);
SOCKET bind_socket(int family, WORD port);

BOOL lives(HANDLE process);

/* FALSE, with *known FALSE, where Windows cannot tell (before 10). */
BOOL same_object(HANDLE a, HANDLE b, BOOL *known);

/* Whether the number is open for that object: it may have been taken for another meanwhile. */
BOOL is_open_for(HANDLE number, HANDLE object);

HANDLE duplicate(HANDLE handle); /* not inheritable */
unsigned number_of(HANDLE handle);

/* Bytes that the process has committed for itself. Page by page, since not every system counts them. */
SIZE_T private_memory(HANDLE process);

/* How many handles a process has, from the system's own list. */
DWORD count_handles(DWORD process_id);
#define count_own_handles() count_handles(GetCurrentProcessId())

/* What a child's `table` action says: a child that has listed its handle table and waits. It has no
 * console, whose handles would count. */
enum { MOST_HANDLES = 1024, MOST_ENTRIES = 4096 };

struct witness {
    PROCESS_INFORMATION child;
    DWORD process_id;
    HANDLE stdin_write, stdout_read;
    DWORD told[MOST_HANDLES]; /* the numbers on its command line */
    DWORD told_count;
    DWORD has[MOST_ENTRIES];
    DWORD has_count;
};

/* Spawns the request as one. The passes have room for two more. */
void start_witness(struct witness *witness, struct handoff_request *request, struct handoff_pass *passes, DWORD count);
void end_witness(struct witness *witness);

/* The same of a command that runs already, and whose child it is. */
void begin_witness(struct witness *witness, const struct running *running);
void finish_witness(struct witness *witness, struct running *running);

void read_table(struct witness *witness);
HANDLE copy_from_child(const struct witness *witness, DWORD number);
BOOL child_number_is(const struct witness *witness, DWORD number, HANDLE object);

/* A fixture for races: tests/run.sh keeps the tests on one processor, and these take all. */
void use_all_processors(void);
void use_own_processors(void);

/* Programs that their environment tells to hang (tests/faulty/faults.h), and a spawn that waits for one in vain, first
 * for HANG_MS. If the time was up before it came to that, the spawn says nothing, and is repeated with twice as
 * much. */
enum { HANG_MS = 125 };
HANDLE await_hang(void); /* set when it hangs */
DWORD wait_longer(HANDLE hang, DWORD timeout_ms);
void end_hang(HANDLE hang);

/* Fails the test if any child or launcher of the tests is alive that this process' tests started. */
void assert_nobody_left(void);

/* ---- suites ---- */

/* A console where there is none, and whether it was made so. */
void enter_console(void);
void leave_console(void);
BOOL is_own_console(void);

/* A suite as a table: the tests of one case follow each other. */
struct listed_test {
    const TTest *test;
    const char *name; /* of the case */
    int rows;
};
void add_tests(Suite *suite, const struct listed_test *tests, size_t count);

/* Of tests with a console; set_up and tear_down are each test's. */
Suite *console_suite(const char *name, const struct listed_test *tests, size_t count, SFun set_up, SFun tear_down);

/* Each is the file of its name, the second list in tests/system/prefix. */
suite_maker spawn_suite, resident_suite, pool_suite, deaths_suite, errors_suite, faults_suite, descriptors_suite,
    dropin_suite, offers_suite, dll_suite, hostile_suite, neighbours_suite, caller_suite, numbers_suite, rights_suite;
suite_maker lines_suite, mistakes_suite, help_suite, lookup_suite, opening_suite, streams_suite, turns_suite,
    waiting_suite, stealing_suite, holding_suite, idling_suite, ending_suite, detaching_suite, relaying_suite,
    writing_suite, trace_suite, report_suite, passing_on_suite, programs_suite, recipes_suite;

#endif
