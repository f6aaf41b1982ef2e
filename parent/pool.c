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

/* The semaphore is released under the lock: where nobody is left waiting, it has a unit for each that has not looked. */
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
    seat->since = GetTickCount();
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
    DWORD now = GetTickCount(), there = pool->in_use - pool->granted;
    struct seat **at = &pool->idle, *surplus;

    for (; *at != NULL && now - (*at)->since < IDLE_MOST_MS && there < pool->most; there++)
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

/* FALSE if the time passed first: but one to whom a place was granted meanwhile has it. */
static BOOL await_place(struct pool *pool, DWORD timeout_ms)
{
    BOOL granted = WaitForSingleObject(pool->granted_places, timeout_ms) == WAIT_OBJECT_0;

    if (granted)
        return TRUE;
    EnterCriticalSection(&pool->lock);
    granted = pool->waiting == 0;
    if (granted)
        WaitForSingleObject(pool->granted_places, 0); /* which is there, and under the lock nobody else's */
    else
        pool->waiting--;
    LeaveCriticalSection(&pool->lock);
    return granted;
}

BOOL pool_take(struct pool *pool, DWORD timeout_ms, struct seat **seat)
{
    BOOL waits;

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
    if (!waits)
        return TRUE;
    if (!await_place(pool, timeout_ms))
        return FALSE;
    EnterCriticalSection(&pool->lock);
    pool->granted--;
    *seat = pop_idle(pool);
    LeaveCriticalSection(&pool->lock);
    return TRUE;
}

void pool_put(struct pool *pool, struct seat *seat)
{
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

    EnterCriticalSection(&pool->lock);
    if (seat != NULL)
        push_idle(pool, seat);
    pool->in_use--;
    grant_places(pool);
    surplus = take_surplus(pool);
    LeaveCriticalSection(&pool->lock);
    return surplus;
}
