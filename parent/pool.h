/*
 * Things that several threads use at once, each thread one of them: what is idle, and how many may be in use. A thread
 * beyond that waits, with a deadline, until another gives its place back. What has been idle for long goes when the
 * next place is given back, so there is no thread and no timer that would see to it. It is not said here what the
 * things are.
 */
#ifndef HANDOFF_POOL_H
#define HANDOFF_POOL_H

#include <windows.h>

#include "clock.h"

enum { IDLE_MOST_MS = 5000 };

/* The first member of each thing in the pool. */
struct seat {
    struct seat *next;
    struct deadline idle; /* when it has been idle for too long */
};

struct pool {
    CRITICAL_SECTION lock;
    HANDLE granted_places; /* a semaphore with a unit for each place that was granted to a waiting thread */
    DWORD most;            /* places */
    DWORD in_use;          /* places, with the granted ones */
    DWORD granted;         /* places whose thread has not come back from waiting yet */
    DWORD waiting;         /* threads without a place */
    struct seat *idle;     /* the last used first */
};

/* Zeroed before. FALSE with GetLastError(). */
BOOL pool_make(struct pool *pool, DWORD most);

/* Zeroed or made; nobody has a place. Returns all that is idle. */
struct seat *pool_close(struct pool *pool);

/* At any time. */
void pool_limit(struct pool *pool, DWORD most);

/* A place, and in *seat the thing that was used last, or NULL if none is idle. Returns a Win32 code: ERROR_TIMEOUT if
 * the deadline passed first. */
DWORD pool_take(struct pool *pool, const struct deadline *deadline, struct seat **seat);

/* A new one, idle. */
void pool_put(struct pool *pool, struct seat *seat);

/* Returns all that is idle. Places stay whose they are. */
struct seat *pool_empty(struct pool *pool);

/* Gives the place back, and the thing, if it is still good. Returns those that are to go, a list by `next`. */
struct seat *pool_give(struct pool *pool, struct seat *seat);

#endif
