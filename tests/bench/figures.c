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

enum { ROUNDS_LEAST = 5 };

struct rounds begin_rounds(double seconds)
{
    return (struct rounds){.end = now_ms() + 1000 * seconds};
}

BOOL next_round(struct rounds *rounds)
{
    if (rounds->done >= ROUNDS_LEAST && now_ms() >= rounds->end)
        return FALSE;
    rounds->done++;
    return TRUE;
}

void add_sample(struct samples *samples, double value)
{
    if (samples->count == samples->room) {
        samples->room = 2 * samples->room + 64;
        samples->values = realloc(samples->values, samples->room * sizeof *samples->values);
        require(samples->values != NULL, "out of memory");
    }
    samples->values[samples->count++] = value;
}

void clear_samples(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){0};
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

struct quartiles quartiles_of(const struct samples *samples)
{
    double *sorted = allocate(samples->count, sizeof *sorted);
    struct quartiles quartiles;

    CopyMemory(sorted, samples->values, samples->count * sizeof *sorted);
    qsort(sorted, samples->count, sizeof *sorted, compare);
    quartiles = (struct quartiles){.low = at(sorted, samples->count, 0.25),
                                   .median = at(sorted, samples->count, 0.5),
                                   .high = at(sorted, samples->count, 0.75)};
    free(sorted);
    return quartiles;
}

struct quartiles divide_quartiles(struct quartiles quartiles, double by)
{
    return (struct quartiles){quartiles.low / by, quartiles.median / by, quartiles.high / by};
}

struct quartiles ratio_of(const struct samples *samples, const struct samples *base)
{
    struct samples ratios = {0};
    struct quartiles quartiles;

    for (size_t i = 0; i < samples->count; i++)
        add_sample(&ratios, samples->values[i] / base->values[i]);
    quartiles = quartiles_of(&ratios);
    clear_samples(&ratios);
    return quartiles;
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
