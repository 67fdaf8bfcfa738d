/* SPDX-License-Identifier: MIT */
/*
 * server THREADS COUNT SIZE_MAX SLOTS: objects freed by whichever thread.
 *
 * Workers take requests from a shared table, so a session made by one is often
 * ended by another.  Each of THREADS puts a fresh object into a random slot of
 * a table that all share, COUNT times altogether, and frees what was there.
 * With n threads (n - 1) / n of the frees are remote, in no order at all, which
 * is the hardest case for lists kept per owner.
 */
#include <stdatomic.h>

#include "bench.h"

static size_t operations, size_max, slots;
static _Atomic(void *) *table;

static void *work(void *index)
{
    uint64_t state = random_start((uintptr_t)index);

    for (size_t i = 0; i < operations; i++) {
        size_t at = random_below(&state, slots);
        void *object = make(random_size(&state, size_max));
        /* acq_rel pairs with itself: who frees sees what was written. */
        free(
            atomic_exchange_explicit(&table[at], object, memory_order_acq_rel));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 2);
    size_t total = argument(argc, argv, 2, 10000000);
    size_max = argument(argc, argv, 3, 1024);
    slots = argument(argc, argv, 4, 10000);
    if (count < 1 || count > BENCH_THREADS_MAX)
        return 2;
    operations = total / count;
    table = demand(calloc(slots, sizeof *table));

    run_threads(count, work);
    for (size_t i = 0; i < slots; i++)
        free(table[i]);
    free(table);
    print_resident_after_free();
    return 0;
}
