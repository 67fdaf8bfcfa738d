/* SPDX-License-Identifier: MIT */
/*
 * mix SIZE_MAX SLOTS COUNT: one thread, sizes mixed, a steady number live.
 *
 * The plain case, and most of what programs do: objects of 16 bytes to
 * SIZE_MAX, every doubling equally likely, each replacing a random one of
 * SLOTS.  Small SIZE_MAX shows the fast path with disordered free lists, large
 * SIZE_MAX the boundary between slabs and page runs, large SLOTS how dense the
 * heap is and how cost grows when it no longer fits the caches.
 */
#include "bench.h"

int main(int argc, char **argv)
{
    size_t size_max = argument(argc, argv, 1, 1024);
    size_t slots = argument(argc, argv, 2, 10000);
    size_t count = argument(argc, argv, 3, 10000000);
    uint64_t state = random_start(0);
    void **slot = demand(calloc(slots, sizeof *slot));

    for (size_t i = 0; i < slots; i++)
        slot[i] = make(random_size(&state, size_max));
    uint64_t start_ns = now_ns();
    for (size_t i = 0; i < count; i++) {
        size_t at = random_below(&state, slots);
        free(slot[at]);
        slot[at] = make(random_size(&state, size_max));
    }
    uint64_t took_ns = now_ns() - start_ns;
    size_t live_kib = resident_kib();
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);

    size_t after_kib = resident_kib();
    print_result("pair_ps", count == 0 ? 0 : took_ns * 1000 / count);
    print_result("rss_live_kib", live_kib);
    print_result("rss_after_free_kib", after_kib);
    return 0;
}
