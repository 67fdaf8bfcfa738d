/* SPDX-License-Identifier: MIT */
/*
 * pinned SIZE TOTAL_MIB STRIDE_KIB: one object keeps each slab alive.
 *
 * A burst of TOTAL_MIB in objects of SIZE bytes, of which one in every
 * STRIDE_KIB lives on: an entry in a cache, a name in a symbol table.  Whole
 * pages between the survivors are free, but a slab with one object left is not,
 * so an allocator that gives back slabs only keeps everything.  Three figures:
 * resident size when all was live, after the burst was freed, and after
 * malloc_trim, which is a request to give back all that can be.  What that call
 * takes is told apart from the row's time: most allocators do nothing there.
 */
#include <malloc.h>

#include "bench.h"

int main(int argc, char **argv)
{
    size_t size_bytes = argument(argc, argv, 1, 64);
    size_t total_bytes = argument(argc, argv, 2, 128) << 20;
    size_t stride_bytes = argument(argc, argv, 3, 64) << 10;
    size_t count = total_bytes / size_bytes;
    size_t stride = stride_bytes / size_bytes;
    void **object = demand(malloc(count * sizeof *object));

    for (size_t i = 0; i < count; i++)
        object[i] = make(size_bytes);
    size_t live_kib = resident_kib();

    for (size_t i = 0; i < count; i++)
        if (i % stride != 0)
            free(object[i]);
    size_t pinned_kib = resident_kib();
    uint64_t trim_ns = now_ns();
    malloc_trim(0);
    trim_ns = now_ns() - trim_ns;
    size_t trimmed_kib = resident_kib();

    for (size_t i = 0; i < count; i += stride)
        free(object[i]);
    free(object);
    size_t after_kib = resident_kib();

    print_result("trim_us", trim_ns / 1000);
    print_result("rss_live_kib", live_kib);
    print_result("rss_pinned_kib", pinned_kib);
    print_result("rss_trimmed_kib", trimmed_kib);
    print_result("rss_after_free_kib", after_kib);
    return 0;
}
