/* Random numbers that are the same in each run, of a state that somebody has. */
#ifndef HANDOFF_TESTS_RANDOM_H
#define HANDOFF_TESTS_RANDOM_H

#include <stdint.h>

/* splitmix64 */
static inline uint64_t random_of(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;

    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

/* 0 to limit - 1 */
static inline uint32_t random_of_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((random_of(state) >> 32) * limit >> 32);
}

#endif
