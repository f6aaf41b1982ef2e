/*
 * Campaigns against the library: a parent busier, and a machine deadlier, than any will be (G2 to G5, G12).
 *
 *   campaign.exe                      all, small, as `make test` runs them
 *   campaign.exe full                 all, in full size
 *   campaign.exe NAME[=SIZE]...       some
 *
 * Each prints what it counted, and a line that begins with FAIL for what must not be. The last line is that of a
 * Check program, for tests/run.sh. What ends a process at a random moment passes whatever that moment was.
 *
 *   main.c      arguments and verdicts
 *   churn.c     threads that never stand still
 *   spawner.c   threads that spawn, and check after each spawn what must hold
 *   launchers.c launchers die
 *   parents.c   parents die
 *   prefixes.c  prefixes die
 *   still.c     nothing dies, but nothing stands still
 *   leaks.c     who inherits what, beside somebody else's CreateProcessW
 *   soak.c      many spawns leave nothing
 *   child.c     the child
 *
 * What starts children in other ways than handoff's, counts handles and measures memory is the benchmark's.
 */
#ifndef HANDOFF_CAMPAIGN_H
#define HANDOFF_CAMPAIGN_H

#include "../bench/bench.h"
#include "random.h"

enum { PATIENCE_MS = 60000 }; /* for a process that should end, or start, by itself */

/* ---- main.c ---- */

/* Says what must not be, and makes the campaign fail, unless the condition holds. */
void expect(BOOL condition, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* This program's neighbour, in the directory of the other width if that is asked for and can run. */
const wchar_t *neighbour(const wchar_t *name, BOOL other_width);

/* splitmix64, from a state of the caller's. */

void random_spin(DWORD64 *state); /* up to about the time of a spawn */

BOOL lives_on(DWORD process_id); /* it does not end by itself */

/* Other processes of these programs but the listed, and so nobody's; one that is on its way out is waited for. */
unsigned count_left(const PROCESS_INFORMATION *staying, unsigned count);

/* ---- churn.c ---- */

/* A semaphore's count is its identity: releasing it once more tells and changes it. */
struct owned {
    HANDLE handle;
    LONG count;
};

BOOL own(struct owned *owned, LONG identity);
BOOL is_own(struct owned *owned);

enum { CHURNERS_MOST = 8 };

struct churner {
    HANDLE thread;
    const volatile LONG *stop;
    LONG identity; /* of its next semaphore, unlike any other's */
    volatile LONG operations;
    const char *strike;
    DWORD code;
};

struct churn {
    struct churner churners[CHURNERS_MOST];
    unsigned count;
    volatile LONG stop;
};

void start_churn(struct churn *churn, unsigned threads);
unsigned churned(const struct churn *churn); /* operations until now */
unsigned end_churn(struct churn *churn);     /* strikes, each of which it says */

/* ---- spawner.c ---- */

struct tally {
    unsigned spawns, succeeded, failed;
    unsigned refused;      /* of those that failed: Wine 8 could not start a process just then */
    unsigned unreclaimed;  /* in all */
    unsigned most;         /* ... and in one spawn */
    unsigned unallowed;    /* spawns that were told of an unreclaimed handle though nothing died */
    unsigned wrong_closes; /* handles of the spawner that were closed or replaced */
    unsigned orphans;      /* children that ran though the spawn had failed */
    unsigned hurt;         /* children of a spawn that had succeeded, and that did not do their work */
    unsigned odd;          /* failures that no death explains */
};

enum { KEPT = 4 };

struct spawner {
    const wchar_t *launcher;
    struct handoff_launcher *resident;
    BOOL deaths; /* launchers die */
    struct tally tally;
    struct owned kept[KEPT];
    HANDLE *struck; /* events of the children that must not run, ever */
    unsigned struck_count, struck_room;
    HANDLE thread;
};

void make_spawner(struct spawner *spawner, LONG identity);
void end_spawner(struct spawner *spawner); /* counts its last orphans and wrong closes */

/* One spawn, with its checks. NULL: the child that sets the event, and nothing is wrong with it. */
void spawn_checked(struct spawner *spawner, const wchar_t *line);

/* A child that stays, whatever happens, until it is ended here. */
PROCESS_INFORMATION spawn_staying(const struct spawner *spawner);
BOOL end_staying(PROCESS_INFORMATION *child); /* FALSE: it had ended before */

struct tally sum_tallies(const struct spawner *spawners, unsigned count);
void expect_clean(const struct tally *tally);

/* ---- the campaigns ---- */

void campaign_launchers(unsigned size);
void campaign_parents(unsigned size);
void campaign_prefixes(unsigned size);
void campaign_still(unsigned size);
void campaign_leaks(unsigned size);
void campaign_soak(unsigned size);

/* A parent that is going to die. */
int be_victim(const char *name);

#endif
