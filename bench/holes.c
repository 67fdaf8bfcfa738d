/* SPDX-License-Identifier: MIT */
/*
 * holes COUNT ROUNDS: a page run behind many holes that are too small.
 *
 * COUNT pairs of pages are allocated and every other one freed, so that first
 * fit has COUNT holes in front of the first place for a run of 300 KiB.  What
 * malloc and free of such a run cost is printed with no holes and with all of
 * them: a search that visits hole after hole shows here.  Both are the least of
 * ROUNDS rounds.
 */
#include "bench.h"

enum { HOLE_BYTES = 4 << 10, RUN_BYTES = 300 << 10, PAIRS = 2000 };

/* Picoseconds of a malloc with its free, the least of some rounds. */
static size_t pair_ps(size_t rounds)
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
    return (size_t)(least * 1000 / PAIRS);
}

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 100000);
    size_t rounds = argument(argc, argv, 2, 50);
    void **run = demand(malloc(2 * count * sizeof *run));

    size_t none = pair_ps(rounds);
    for (size_t i = 0; i < 2 * count; i++)
        run[i] = demand(malloc(HOLE_BYTES));
    for (size_t i = 0; i < 2 * count; i += 2)
        free(run[i]);
    size_t all = pair_ps(rounds);
    print_result("no_holes_ps", none);
    print_result("pair_ps", all);
    return 0;
}
