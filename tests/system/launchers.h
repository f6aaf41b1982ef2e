/* Launchers that stay, for the suites that are about them. */
#ifndef HANDOFF_TESTS_LAUNCHERS_H
#define HANDOFF_TESTS_LAUNCHERS_H

#include "system.h"

/* Of the spawn before, unless threads did it. */
extern struct handoff_trace trace;

struct handoff_launcher *open_launcher(int width, const wchar_t *name);
struct handoff_launcher *open_good(int width);
struct handoff_launcher *open_faulty(int width, const char *fault); /* see tests/faulty/faults.h */

/* A request for a child of that width. The line lives until the next call on the same thread. */
struct handoff_request ask(struct handoff_launcher *launcher, int child_width, const wchar_t *arguments);

/* Spawns one that must succeed and returns the pid of the launcher that did it. */
DWORD spawn_good(struct handoff_launcher *launcher, int width);

/* A child that stays. It runs, it is not only there: it has set its event. */
PROCESS_INFORMATION spawn_staying(struct handoff_launcher *launcher, int width);
BOOL is_alive(const PROCESS_INFORMATION *child);
void end_staying(PROCESS_INFORMATION *child);

/* One that succeeds, whose child never runs, or one that fails in the launcher. */
void spawn_either(struct handoff_launcher *launcher, int width, BOOL fails);

DWORD count_programs(DWORD parent_id, const wchar_t *name);
void kill_process(DWORD process_id); /* who may not be opened, too */

/* A spawn that is to be tried, and what is to be cleared up after it. */
struct trial {
    struct handoff_request request;
    struct handoff_pass pass;
    STARTUPINFOW startup;
    HANDLE file;
};

#endif
