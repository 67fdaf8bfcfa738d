/* SPDX-License-Identifier: MIT */
/*
 * zeroed SIZE_MAX SLOTS COUNT WRITE_PERCENT: calloc.
 *
 * Memory fresh from the system is zero already, and clearing it once more costs
 * time and, worse, touches it.  Tables of 16 bytes to SIZE_MAX replace each
 * other; WRITE_PERCENT of each one's pages are written, as in a sparse table.
 * An allocator that knows what is zero keeps the rest untouched; one that
 * forgets hands out old contents, which this program would find.
 */
#include "bench.h"

static void write_some(char *table, size_t size_bytes, size_t percent,
                       uint64_t *state)
{
    if (table[0] != 0 || table[size_bytes / 2] != 0 ||
        table[size_bytes - 1] != 0)
        abort();
    table[0] = table[size_bytes - 1] = 1;
    for (size_t at = 0; at < size_bytes; at += BENCH_PAGE)
        if (random_below(state, 100) < percent)
            table[at] = 1;
}

int main(int argc, char **argv)
{
    size_t size_max = argument(argc, argv, 1, 4096);
    size_t slots = argument(argc, argv, 2, 1000);
    size_t count = argument(argc, argv, 3, 3000000);
    size_t percent = argument(argc, argv, 4, 100);
    uint64_t state = random_start(0);
    void **slot = demand(calloc(slots, sizeof *slot));

    for (size_t i = 0; i < count; i++) {
        size_t at = random_below(&state, slots);
        size_t size_bytes = random_size(&state, size_max);
        free(slot[at]);
        slot[at] = demand(calloc(1, size_bytes));
        write_some(slot[at], size_bytes, percent, &state);
    }
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);
    print_resident_after_free();
    return 0;
}
