#include "nonce.h"

#include <windows.h>

uint64_t make_nonce(void)
{
    static volatile LONG counter;
    LARGE_INTEGER now;

    QueryPerformanceCounter(&now);
    return (uint64_t)now.QuadPart << 24 ^ (uint32_t)InterlockedIncrement(&counter);
}
