/* SPDX-License-Identifier: MIT */
/*
 * large SIZE_MIN SIZE_MAX SLOTS COUNT: buffers above what slabs serve.
 *
 * Images, I/O buffers, hash tables.  Sizes are even between SIZE_MIN and
 * SIZE_MAX, a random one of SLOTS is replaced, one byte a page is written.  An
 * allocator that maps and unmaps each one pays a fault a page each time, one
 * that keeps them all keeps the memory; the row shows time, faults and
 * resident size beside each other for that reason.
 */
#include "bench.h"

int main(int argc, char **argv)
{
    size_t size_min = argument(argc, argv, 1, 32768);
    size_t size_max = argument(argc, argv, 2, 1048576);
    size_t slots = argument(argc, argv, 3, 100);
    size_t count = argument(argc, argv, 4, 200000);
    uint64_t state = random_start(0);
    void **slot = demand(calloc(slots, sizeof *slot));

    for (size_t i = 0; i < count; i++) {
        size_t at = random_below(&state, slots);
        free(slot[at]);
        slot[at] = make(random_between(&state, size_min, size_max));
    }
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);
    print_resident_after_free();
    return 0;
}
