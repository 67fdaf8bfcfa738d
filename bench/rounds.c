/* SPDX-License-Identifier: MIT */
/*
 * rounds TOTAL_MIB SIZE_MAX COUNT: a batch, freed as a whole, and the next one.
 *
 * A frame of a game, a request of a server, a file of a compiler: each takes
 * TOTAL_MIB in objects of 16 bytes to SIZE_MAX, every doubling equally likely,
 * and frees all of it at its end, COUNT times.  An allocator that gives memory
 * back at once gets it again with a page fault for each page; one that keeps it
 * may do so for good.
 */
#include "bench.h"

struct object {
    struct object *next;
};

int main(int argc, char **argv)
{
    size_t total_bytes = argument(argc, argv, 1, 32) << 20;
    size_t size_max = argument(argc, argv, 2, 65536);
    size_t count = argument(argc, argv, 3, 100);

    for (size_t i = 0; i < count; i++) {
        struct object *first = NULL, **last = &first;
        uint64_t state = random_start(0);
        for (size_t sum = 0; sum < total_bytes;) {
            size_t size_bytes = random_size(&state, size_max);
            *last = make(size_bytes);
            last = &(*last)->next;
            sum += size_bytes;
        }
        *last = NULL;
        while (first != NULL) {
            struct object *next = first->next;
            free(first);
            first = next;
        }
    }

    size_t after_kib = resident_kib();
    print_result("rss_after_free_kib", after_kib);
    return 0;
}
