/* SPDX-License-Identifier: MIT */
/*
 * What an allocation and its free cost a run manager, by the number of free
 * runs that are too small and lie in front.
 *
 *     holes  unit_ns  pair_ns  random_ns
 *
 * unit    one unit: the lowest hole serves it, from the cache
 * pair    two units: every hole is passed over, the run behind all serves it
 * random  a used unit between two holes, taken at random, is freed, so that two
 *         units fit there, are allocated, and one is given back
 *
 * First fit in a list of free runs pays for each hole: 141,000 ns for a pair
 * with 32,500 of them. Here 100,000 holes are to cost at most 4 times what 10
 * do; with none the run behind is the cached one. Exits 1 when they cost more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/runs.h"
#include "tests/lib/rng.h"

enum { ROUNDS = 7, PAIRS = 200000, SPARE = 4096 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Allocates and frees `count` units; ns a pair. */
static double time_pairs(struct sta_runs *r, uint32_t count)
{
    double start = now_ns();
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint32_t first = sta_runs_alloc(r, count, 1);
        __asm__ volatile("" : "+r"(first));
        sta_runs_free(r, first, count);
    }
    return (now_ns() - start) / PAIRS;
}

/* Widens a random hole to three units and has two of them; ns a pair. */
static double time_random(struct sta_runs *r, uint32_t holes, struct rng *rng)
{
    double start = now_ns();
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint32_t used = 2 * rng_below(rng, holes) + 1;
        sta_runs_free(r, used, 1);
        uint32_t first = sta_runs_alloc(r, 2, 1);
        if (first != used - 1)
            abort();
        sta_runs_free(r, first, 1);
    }
    return (now_ns() - start) / PAIRS;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Measures one number of holes; returns ns a pair of two units. */
static double measure(uint32_t holes)
{
    uint32_t units = 2 * holes + SPARE;
    void *index = calloc(sta_runs_index_bytes(units), 1);
    struct sta_runs r;
    struct rng rng = {1};
    double unit = 1e9;
    double pair = 1e9;
    double random = 1e9;
    if (!index)
        abort();
    sta_runs_init(&r, index, units);
    sta_runs_extend(&r, units);
    sta_runs_alloc(&r, 2 * holes + 1, 1);
    for (uint32_t i = 0; i < holes; i++)
        sta_runs_free(&r, 2 * i, 1);
    for (int round = 0; round < ROUNDS; round++) {
        unit = least(unit, time_pairs(&r, 1));
        pair = least(pair, time_pairs(&r, 2));
        if (holes > 0)
            random = least(random, time_random(&r, holes, &rng));
    }
    printf("%9u %8.1f %8.1f %10.1f\n", holes, unit, pair,
           holes > 0 ? random : 0.0);
    free(index);
    return pair;
}

int main(void)
{
    printf("%9s %8s %8s %10s\n", "holes", "unit_ns", "pair_ns", "random_ns");
    measure(0);
    double few = measure(10);
    measure(1000);
    double many = measure(100000);
    measure(1000000);
    printf("100,000 holes cost %.1f times what 10 do (at most 4)\n",
           many / few);
    return many <= 4 * few ? 0 : 1;
}
