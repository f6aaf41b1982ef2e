/* Time between the steps of a spawn, and until a deadline. */
#ifndef HANDOFF_CLOCK_H
#define HANDOFF_CLOCK_H

#include <windows.h>

#include "function.h"

static inline LONGLONG clock_now(void)
{
    LARGE_INTEGER now;

    QueryPerformanceCounter(&now);
    return now.QuadPart;
}

/* Microseconds since clock_now() said `start`: right for half an hour, which no spawn takes. MulDiv() takes 31 bits
 * of what a counter of several GHz needs more for, and of so many the last ones do not matter. */
static inline DWORD clock_us(LONGLONG start)
{
    LARGE_INTEGER second;
    LONGLONG passed = clock_now() - start;

    QueryPerformanceFrequency(&second);
    for (; passed > MAXLONG || second.QuadPart > MAXLONG; second.QuadPart >>= 1)
        passed >>= 1;
    return (DWORD)MulDiv((int)passed, 1000000, (int)second.QuadPart);
}

enum { DEATH_TIMEOUT_MS = 5000 }; /* for a process that was terminated, or told to end */

typedef BOOL(WINAPI *unbiased_function)(ULONGLONG *);

/*
 * When something must be over. The time that the machine sleeps does not count: nobody could work then, and a program
 * that is woken up must not find all its time gone. That is what QueryUnbiasedInterruptTime measures, on Windows 7 and
 * later; before that it is GetTickCount, which counts sleep too. Which of the two gets decided when the deadline
 * begins, since they say different times. 40 days at most.
 */
struct deadline {
    DWORD ms;                   /* from its beginning on; INFINITE: there is none; 0: it has passed, begun or not */
    DWORD began;                /* by the clock */
    unbiased_function unbiased; /* NULL: the clock is GetTickCount */
};

static inline DWORD deadline_clock(const struct deadline *deadline)
{
    ULONGLONG now;

    if (deadline->unbiased == NULL)
        return GetTickCount();
    deadline->unbiased(&now);
    return (DWORD)(now >> 13); /* 100 ns each before that: 0.8192 ms, of which 32 bits last for 40 days */
}

/* From now on its time runs. */
static inline void deadline_begin(struct deadline *deadline)
{
    deadline->unbiased = (unbiased_function)function_of(L"kernel32.dll", "QueryUnbiasedInterruptTime");
    deadline->began = deadline_clock(deadline);
}

static inline struct deadline deadline_in(DWORD ms)
{
    struct deadline deadline = {.ms = ms};

    deadline_begin(&deadline);
    return deadline;
}

/* In milliseconds; INFINITE if there is none, and 0 once it has passed. */
static inline DWORD deadline_left(const struct deadline *deadline)
{
    DWORD passed = deadline_clock(deadline) - deadline->began; /* right across the wrap of 32 bits */

    if (deadline->ms == INFINITE)
        return INFINITE;
    /* 32 bits are enough for each step; to divide 64 bits takes a function of a runtime on x86. */
    if (deadline->unbiased != NULL)
        passed = passed / 10000 * 8192 + (passed % 10000 * 8192 + 5000) / 10000;
    return passed < deadline->ms ? deadline->ms - passed : 0;
}

/* Waits as WaitForMultipleObjects for one of the handles, until the deadline; after it, it only looks. Up to Windows 7
 * waits count the time that the machine slept: a wait that ends before the deadline is repeated. */
static inline DWORD deadline_wait(const struct deadline *deadline, DWORD count, const HANDLE *handles)
{
    DWORD left, ended;

    do {
        left = deadline_left(deadline);
        ended = WaitForMultipleObjects(count, handles, FALSE, left);
    } while (ended == WAIT_TIMEOUT && left > 0);
    return ended;
}

#endif
