/* SPDX-License-Identifier: MIT */
/*
 * threads COUNT TOTAL SIZE_MAX SLOTS: threads that mind their own business.
 *
 * Each thread does what mix does, with objects of its own, and the work of all
 * together is TOTAL operations however many they are.  On two processors two
 * threads should take half the wall time of one; more threads than processors
 * show what a thread costs in memory.
 */
#include "bench.h"

static size_t operations, size_max, slots;

static void *work(void *index)
{
    uint64_t state = random_start((uintptr_t)index);
    void **slot = demand(calloc(slots, sizeof *slot));

    for (size_t i = 0; i < operations; i++) {
        size_t at = random_below(&state, slots);
        free(slot[at]);
        slot[at] = make(random_size(&state, size_max));
    }
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);
    return NULL;
}

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 2);
    size_t total = argument(argc, argv, 2, 20000000);
    size_max = argument(argc, argv, 3, 1024);
    slots = argument(argc, argv, 4, 1000);
    if (count < 1 || count > BENCH_THREADS_MAX)
        return 2;
    operations = total / count;

    uint64_t start_ns = now_ns();
    run_threads(count, work);
    print_result("wall_us", (now_ns() - start_ns) / 1000);
    print_resident_after_free();
    return 0;
}
