#include "pool.h"

#include <limits.h>

BOOL pool_make(struct pool *pool, DWORD most)
{
    HANDLE places = CreateSemaphoreW(NULL, 0, LONG_MAX, NULL);

    if (places == NULL)
        return FALSE;
    pool->most = most;
    if (InitializeCriticalSectionAndSpinCount(&pool->lock, 0)) {
        pool->granted_places = places;
    } else {
        DWORD code = GetLastError();

        CloseHandle(places);
        SetLastError(code);
    }
    return pool->granted_places != NULL;
}

struct seat *pool_close(struct pool *pool)
{
    if (pool->granted_places == NULL)
        return NULL;
    DeleteCriticalSection(&pool->lock);
    CloseHandle(pool->granted_places);
    return pool->idle;
}

/* ---- under the lock ---- */

/* The semaphore is released under the lock: where nobody is left waiting, it has a unit for each that has not
 * looked. */
static void grant_places(struct pool *pool)
{
    LONG count = 0;

    for (; pool->waiting > 0 && pool->in_use < pool->most; count++) {
        pool->waiting--;
        pool->in_use++;
        pool->granted++;
    }
    if (count > 0)
        ReleaseSemaphore(pool->granted_places, count, NULL);
}

static void push_idle(struct pool *pool, struct seat *seat)
{
    seat->next = pool->idle;
    pool->idle = seat;
}

static struct seat *pop_idle(struct pool *pool)
{
    struct seat *seat = pool->idle;

    if (seat != NULL)
        pool->idle = seat->next;
    return seat;
}

/* They lie in the order of their time: the first that is to go has all others behind it. */
static struct seat *take_surplus(struct pool *pool)
{
    DWORD there = pool->in_use - pool->granted;
    struct seat **at = &pool->idle, *surplus;

    for (; *at != NULL && deadline_left(&(*at)->idle) > 0 && there < pool->most; there++)
        at = &(*at)->next;
    surplus = *at;
    *at = NULL;
    return surplus;
}

/* ---- */

void pool_limit(struct pool *pool, DWORD most)
{
    EnterCriticalSection(&pool->lock);
    pool->most = most;
    grant_places(pool);
    LeaveCriticalSection(&pool->lock);
}

/* A Win32 code. One to whom a place was granted meanwhile has it, however the wait ended. */
static DWORD await_place(struct pool *pool, const struct deadline *deadline)
{
    DWORD ended = deadline_wait(deadline, 1, &pool->granted_places);
    DWORD code = ended == WAIT_FAILED ? GetLastError() : ERROR_TIMEOUT;

    if (ended == WAIT_OBJECT_0)
        return ERROR_SUCCESS;
    EnterCriticalSection(&pool->lock);
    if (pool->waiting == 0) {
        WaitForSingleObject(pool->granted_places, 0); /* which is there, and under the lock nobody else's */
        code = ERROR_SUCCESS;
    } else {
        pool->waiting--;
    }
    LeaveCriticalSection(&pool->lock);
    return code;
}

DWORD pool_take(struct pool *pool, const struct deadline *deadline, struct seat **seat)
{
    BOOL waits;
    DWORD code;

    *seat = NULL;
    EnterCriticalSection(&pool->lock);
    waits = pool->in_use >= pool->most;
    if (waits)
        pool->waiting++;
    else {
        pool->in_use++;
        *seat = pop_idle(pool);
    }
    LeaveCriticalSection(&pool->lock);
    code = waits ? await_place(pool, deadline) : ERROR_SUCCESS;
    if (!waits || code != ERROR_SUCCESS)
        return code;
    EnterCriticalSection(&pool->lock);
    pool->granted--;
    *seat = pop_idle(pool);
    LeaveCriticalSection(&pool->lock);
    return ERROR_SUCCESS;
}

void pool_put(struct pool *pool, struct seat *seat)
{
    seat->idle = deadline_in(IDLE_MOST_MS);
    EnterCriticalSection(&pool->lock);
    push_idle(pool, seat);
    LeaveCriticalSection(&pool->lock);
}

struct seat *pool_empty(struct pool *pool)
{
    struct seat *all;

    EnterCriticalSection(&pool->lock);
    all = pool->idle;
    pool->idle = NULL;
    LeaveCriticalSection(&pool->lock);
    return all;
}

struct seat *pool_give(struct pool *pool, struct seat *seat)
{
    struct seat *surplus;

    if (seat != NULL)
        seat->idle = deadline_in(IDLE_MOST_MS); /* not under the lock: it takes the loader's */
    EnterCriticalSection(&pool->lock);
    if (seat != NULL)
        push_idle(pool, seat);
    pool->in_use--;
    grant_places(pool);
    surplus = take_surplus(pool);
    LeaveCriticalSection(&pool->lock);
    return surplus;
}
