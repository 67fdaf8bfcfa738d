/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for tests and benchmarks: the same on every machine for the
 * same seed, so that a failure can be had again. splitmix64 (Steele, Lea and
 * Flood, OOPSLA 2014): any seed is a good one, 0 included.
 */
#ifndef TESTS_LIB_RNG_H
#define TESTS_LIB_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* A number from 0 to limit - 1; limit >= 1. */
static inline uint32_t rng_below(struct rng *r, uint32_t limit)
{
    return (uint32_t)(((rng_next(r) >> 32) * limit) >> 32);
}

/* A number from 1 to limit whose logarithm is uniform: small ones are usual. */
static inline uint32_t rng_log(struct rng *r, uint32_t limit)
{
    uint32_t bits = 1;
    while (bits < 32 && limit >> bits)
        bits++;
    uint32_t below = UINT32_MAX >> (32 - (1 + rng_below(r, bits)));
    uint32_t value = 1 + rng_below(r, below);
    return value < limit ? value : limit;
}

#endif
