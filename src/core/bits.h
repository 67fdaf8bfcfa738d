/* SPDX-License-Identifier: MIT */
/*
 * Questions about the bits of one word: positions, stretches, rounding.
 *
 * Bit 0 is the lowest. Functions that find something say what they need to be
 * there: none has a reserved answer for "nothing".
 */
#ifndef STA_CORE_BITS_H
#define STA_CORE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Returns the position of the lowest one; word != 0. By halves where a long is
 * one: there the builtin for 64 bits may be a call of the compiler's library.
 */
static inline uint32_t sta_ctz64(uint64_t word)
{
    if (sizeof(long) == 8)
        return (uint32_t)__builtin_ctzll(word);
    return (uint32_t)word != 0
               ? (uint32_t)__builtin_ctz((uint32_t)word)
               : 32 + (uint32_t)__builtin_ctz((uint32_t)(word >> 32));
}

/* Returns how many zeros stand above the highest one; word != 0. */
static inline uint32_t sta_clz64(uint64_t word)
{
    if (sizeof(long) == 8)
        return (uint32_t)__builtin_clzll(word);
    return word >> 32 != 0 ? (uint32_t)__builtin_clz((uint32_t)(word >> 32))
                           : 32 + (uint32_t)__builtin_clz((uint32_t)word);
}

/* Returns the position of the highest one: log2 rounded down; word != 0. */
static inline uint32_t sta_log2(uint64_t word)
{
    return 63 - sta_clz64(word);
}

/* Returns log2 rounded up: the smallest k with 2^k >= word; word != 0. */
static inline uint32_t sta_log2_ceil(uint64_t word)
{
    return sta_log2(word) + ((word & (word - 1)) != 0);
}

/*
 * Returns how many bits are one: sums of 2, 4 and 8 bits side by side, then all
 * bytes at once. The builtin would be a call of the compiler's library.
 */
static inline uint32_t sta_popcount64(uint64_t word)
{
    word -= (word >> 1) & UINT64_C(0x5555555555555555);
    word = (word & UINT64_C(0x3333333333333333)) +
           ((word >> 2) & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (uint32_t)((word * UINT64_C(0x0101010101010101)) >> 56);
}

/* True for 1, 2, 4, 8, ... */
static inline bool sta_is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Rounds up to a multiple of `align`, a power of two; the sum must fit. */
static inline size_t sta_round_up(size_t value, size_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* Ones at bits `from` to `to` - 1; 0 <= from < to <= 64. */
static inline uint64_t sta_ones64(uint32_t from, uint32_t to)
{
    return (~UINT64_C(0) >> (64 - (to - from))) << from;
}

/* Returns how many ones stand at the bottom of the word, 0 to 64. */
static inline uint32_t sta_low_ones64(uint64_t word)
{
    return ~word == 0 ? 64 : sta_ctz64(~word);
}

/* Returns how many ones stand at the top of the word, 0 to 64. */
static inline uint32_t sta_high_ones64(uint64_t word)
{
    return ~word == 0 ? 64 : sta_clz64(~word);
}

/*
 * Returns a one at each bit where `count` ones begin, 1 <= count <= 64.
 *
 * Each step joins two stretches that are known to be ones, so that their
 * length doubles: 6 steps for any count.
 */
static inline uint64_t sta_starts_of_ones64(uint64_t word, uint32_t count)
{
    uint32_t known = 1;
    while (known < count) {
        uint32_t step = known < count - known ? known : count - known;
        word &= word >> step;
        known += step;
    }
    return word;
}

/* Where ones stand that many are side by side, and how many. */
struct sta_stretch64 {
    uint64_t starts;
    uint32_t length;
};

/* Makes them longer by `step`, if a stretch is; `power` has a one where that
 * many ones begin. No branch, as nothing would foretell it. */
static inline struct sta_stretch64 sta_longer64(struct sta_stretch64 s,
                                                uint64_t power, uint32_t step)
{
    uint64_t starts = s.starts & power >> s.length;
    uint64_t none = (uint64_t)(starts != 0) - 1;
    return (struct sta_stretch64){starts | (s.starts & none),
                                  s.length + (step & ~(uint32_t)none)};
}

/* Returns the length of the longest stretch of ones, 0 to 64: put together from
 * powers of two, the largest first. */
static inline uint32_t sta_longest_ones64(uint64_t word)
{
    uint64_t twos = word & word >> 1;
    uint64_t fours = twos & twos >> 2;
    uint64_t eights = fours & fours >> 4;
    uint64_t sixteens = eights & eights >> 8;
    struct sta_stretch64 s = {~UINT64_C(0), 0};
    if (sixteens != 0) {
        if (~word == 0)
            return 64;
        s = sta_longer64(s, sixteens & sixteens >> 16, 32);
        s = sta_longer64(s, sixteens, 16);
    }
    s = sta_longer64(s, eights, 8);
    s = sta_longer64(s, fours, 4);
    s = sta_longer64(s, twos, 2);
    return sta_longer64(s, word, 1).length;
}

#endif
