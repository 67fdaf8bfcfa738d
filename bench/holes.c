/* SPDX-License-Identifier: MIT */
/*
 * holes COUNT ROUNDS: a page run behind many holes that are too small.
 *
 * COUNT pairs of runs of 140 KiB are allocated and every other one freed, so
 * that first fit has COUNT holes in front of the first place for a run of 300
 * KiB.  The cost of malloc and free of such a run is printed with no holes and
 * with all of them, and their ratio: a search that visits hole after hole
 * shows here.  Both are the least of ROUNDS rounds.  Preload the allocator.
 */
#include "bench.h"

enum { HOLE_BYTES = 140 << 10, RUN_BYTES = 300 << 10, PAIRS = 2000 };

/* Nanoseconds of a malloc with its free, the least of some rounds. */
static double pair_ns(size_t rounds)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t began = now_ns();
        for (int k = 0; k < PAIRS; k++) {
            void *volatile p = demand(malloc(RUN_BYTES));
            free(p);
        }
        uint64_t took = now_ns() - began;
        least = took < least ? took : least;
    }
    return (double)least / PAIRS;
}

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 100000);
    size_t rounds = argument(argc, argv, 2, 50);
    void **run = demand(malloc(2 * count * sizeof *run));

    double none = pair_ns(rounds);
    for (size_t i = 0; i < 2 * count; i++)
        run[i] = demand(malloc(HOLE_BYTES));
    for (size_t i = 0; i < 2 * count; i += 2)
        free(run[i]);
    double all = pair_ns(rounds);
    printf("no_holes_ns %.1f\nholes_ns %.1f\nratio %.2f\n", none, all,
           all / none);
    return 0;
}
