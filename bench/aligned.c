/* SPDX-License-Identifier: MIT */
/*
 * aligned ALIGN_MAX SIZE_MAX SLOTS COUNT: over-aligned objects.
 *
 * Vectors for SIMD, cache-line padded structs, buffers for direct I/O.  The
 * alignment is a power of two from 32 to ALIGN_MAX, the size mixed up to
 * SIZE_MAX.  Rounding the size up to the alignment and searching for a fitting
 * place are both correct, and cost memory and time in that order.
 */
#include "bench.h"

int main(int argc, char **argv)
{
    size_t align_max = argument(argc, argv, 1, 4096);
    size_t size_max = argument(argc, argv, 2, 4096);
    size_t slots = argument(argc, argv, 3, 4000);
    size_t count = argument(argc, argv, 4, 4000000);
    unsigned doublings = (unsigned)__builtin_ctzl(align_max) - 4;
    uint64_t state = random_start(0);
    void **slot = demand(calloc(slots, sizeof *slot));

    for (size_t i = 0; i < count; i++) {
        size_t at = random_below(&state, slots);
        size_t align = (size_t)32 << random_below(&state, doublings);
        size_t size_bytes = random_size(&state, size_max);
        free(slot[at]);
        if (posix_memalign(&slot[at], align, size_bytes) != 0 ||
            (uintptr_t)slot[at] % align != 0)
            abort();
        touch(slot[at], size_bytes);
    }
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);
    print_resident_after_free();
    return 0;
}
