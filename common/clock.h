/* Time between the steps of a spawn. */
#ifndef HANDOFF_CLOCK_H
#define HANDOFF_CLOCK_H

#include <windows.h>

static inline LONGLONG clock_now(void)
{
    LARGE_INTEGER now;

    QueryPerformanceCounter(&now);
    return now.QuadPart;
}

/* Microseconds since clock_now() said `start`: right for minutes, which no spawn takes. */
static inline DWORD clock_us(LONGLONG start)
{
    LARGE_INTEGER frequency;

    QueryPerformanceFrequency(&frequency);
    return (DWORD)MulDiv((int)(clock_now() - start), 1000000, (int)frequency.QuadPart);
}

#endif
