/* Rounds of one scenario, in each of which another OS call fails. */
#ifndef HANDOFF_TESTS_ROUNDS_H
#define HANDOFF_TESTS_ROUNDS_H

#include "system.h"
#include "counted.h"

/* Whose calls fail. */
enum side { LIBRARY, LAUNCHER, SIDE_COUNT };

extern struct calls *const of_library, *of_launcher;

/* What a scenario came to. */
struct outcome {
    BOOL done;
    DWORD stage; /* enum handoff_stage; 0 where the scenario has no way to tell */
    DWORD code;
};

/* Does it once, gives everything back, and asserts what must hold of what was done, or was not. */
typedef struct outcome scenario(void);

/* Before everything else: tells the launchers where to count. */
void share_calls(void);

/*
 * Call 1 fails, then call 2, until none is left to fail (32-bit: every third, or all with the variable
 * HANDOFF_ALL_CALLS). After each round the test's handles are the same as
 * before, nobody is left, and the scenario was either done or came to the answer that belongs to the function
 * that failed. With `launcher_fails` a call of the launcher's fails in each round as well, so that none is done.
 */
void fail_each_call(const char *name, scenario *once, enum side side, BOOL launcher_fails);

/* With the name of the round. */
extern char round_name[160];
#define assert_round(condition) ck_assert_msg(condition, "%s: %s", round_name, #condition)

#endif
