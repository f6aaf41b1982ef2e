#include "bench.h"

#include <stdlib.h>

double now_ms(void)
{
    LARGE_INTEGER now, frequency;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    return 1000.0 * (double)now.QuadPart / (double)frequency.QuadPart;
}

/* The same in each run, so that no run has a lucky order. */
unsigned chance(unsigned below)
{
    static unsigned state = 1;

    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

void pause_a_while(void)
{
    Sleep(10 + chance(21));
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Between two values: on the line that joins them. */
static double at(const double *sorted, size_t count, double part)
{
    double place = part * (double)(count - 1);
    size_t below = (size_t)place;

    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct quartiles quartiles_of(const double *values, size_t count)
{
    double *sorted = allocate(count, sizeof *sorted);
    struct quartiles quartiles;

    CopyMemory(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    quartiles = (struct quartiles){
        .low = at(sorted, count, 0.25), .median = at(sorted, count, 0.5), .high = at(sorted, count, 0.75)};
    free(sorted);
    return quartiles;
}

double median_of(const double *values, size_t count)
{
    return quartiles_of(values, count).median;
}

void shuffle(unsigned *order, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        unsigned other = chance(i), last = order[i - 1];

        order[i - 1] = order[other];
        order[other] = last;
    }
}

void require(BOOL condition, const char *what)
{
    DWORD code = GetLastError();

    if (condition)
        return;
    fprintf(stderr, "%s: Win32 error %lu\n", what, code);
    exit(1);
}

void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    require(memory != NULL, "out of memory");
    return memory;
}
