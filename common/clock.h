/* Time between the steps of a spawn, and until its deadline. */
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

/* What is left of a time, in milliseconds; of INFINITE all. */
static inline DWORD time_left(DWORD timeout_ms, DWORD passed_ms)
{
    if (timeout_ms == INFINITE)
        return INFINITE;
    return passed_ms < timeout_ms ? timeout_ms - passed_ms : 0;
}

typedef BOOL(WINAPI *unbiased_function)(ULONGLONG *);

/* Measures up to 40 days for deadlines: on Windows 7 and later it stands still while the machine sleeps. Which clock
 * that is gets decided once, since the two say different times. */
struct stopwatch {
    unbiased_function unbiased;
    DWORD started;
};

static inline DWORD stopwatch_read(const struct stopwatch *watch)
{
    ULONGLONG now;

    if (watch->unbiased == NULL)
        return GetTickCount();
    watch->unbiased(&now);
    return (DWORD)(now >> 13); /* 100 ns each before that: 0.8192 ms, of which 32 bits last for 40 days */
}

static inline struct stopwatch stopwatch_start(void)
{
    struct stopwatch watch = {.unbiased =
                                  (unbiased_function)function_of(L"kernel32.dll", "QueryUnbiasedInterruptTime")};

    watch.started = stopwatch_read(&watch);
    return watch;
}

static inline DWORD stopwatch_ms(const struct stopwatch *watch)
{
    DWORD passed = stopwatch_read(watch) - watch->started; /* right across the wrap of 32 bits */

    /* 32 bits are enough for each step; to divide 64 bits takes a function of a runtime on x86. */
    return watch->unbiased != NULL ? passed / 10000 * 8192 + (passed % 10000 * 8192 + 5000) / 10000 : passed;
}

#endif
