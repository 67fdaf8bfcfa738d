/* SPDX-License-Identifier: MIT */
/* Stretches of bits in an array of words: set, clear and count. */
#ifndef STA_CORE_BITMAP_H
#define STA_CORE_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bits.h"

/*
 * Sets bits first to first + count - 1 to `value`; returns how many of them
 * changed.  Cost: count / 64 words.
 */
static inline uint32_t sta_bitmap_assign(uint64_t *words, uint32_t first,
                                         uint32_t count, bool value)
{
    uint32_t changed = 0;
    uint32_t end = first + count;
    while (first < end) {
        uint32_t from = first % 64;
        uint32_t to = end - first < 64 - from ? from + (end - first) : 64;
        uint64_t mask = sta_ones64(from, to);
        uint64_t *word = &words[first / 64];
        uint64_t changing = (value ? ~*word : *word) & mask;
        changed += changing == mask ? to - from : sta_popcount64(changing);
        *word ^= changing;
        first += to - from;
    }
    return changed;
}

/* Returns the lowest one at or above bit `first` and below `end`, else `end`.
 */
static inline uint32_t sta_bitmap_first_one(const uint64_t *words,
                                            uint32_t first, uint32_t end)
{
    while (first < end) {
        uint64_t word = words[first / 64] >> first % 64;
        if (word != 0) {
            first += sta_ctz64(word);
            return first < end ? first : end;
        }
        first = (first | 63) + 1;
    }
    return end;
}

/* Returns one past the highest bit of that value at or above bit `floor` and
 * below `end`, else `floor`. */
static inline uint32_t sta_bitmap_behind_last(const uint64_t *words,
                                              uint32_t floor, uint32_t end,
                                              bool value)
{
    while (end > floor) {
        uint64_t word = words[(end - 1) / 64];
        uint64_t found =
            (value ? word : ~word) & sta_ones64(0, (end - 1) % 64 + 1);
        end = (end - 1) & ~UINT32_C(63);
        if (found != 0) {
            end += sta_log2(found) + 1;
            break;
        }
    }
    return end > floor ? end : floor;
}

/*
 * Finds the highest stretch of ones that ends at or below bit `end`: returns
 * its length and stores its first bit, or returns 0 when there is none at or
 * above bit `floor`.  Cost: the words looked through.
 */
static inline uint32_t sta_bitmap_last_ones(const uint64_t *words,
                                            uint32_t floor, uint32_t end,
                                            uint32_t *first)
{
    uint32_t top = sta_bitmap_behind_last(words, floor, end, true);
    *first = sta_bitmap_behind_last(words, floor, top, false);
    return top - *first;
}

#endif
