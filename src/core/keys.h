/* SPDX-License-Identifier: MIT */
/*
 * Eight numbers of 31 bits, which of them are at least as large as another, and
 * the greatest: by a few operations on words of two, without a branch.
 *
 * The highest bit of each number's half of a word is free. It is set before the
 * other number is subtracted, and still there if nothing had to be borrowed
 * from it.
 */
#ifndef STA_CORE_KEYS_H
#define STA_CORE_KEYS_H

#include <stdint.h>

/* The largest one. */
#define STA_KEY_MAX UINT32_C(0x7FFFFFFF)

#define STA_KEYS_ONES UINT64_C(0x0000000100000001)
#define STA_KEYS_TOPS UINT64_C(0x8000000080000000)

struct sta_keys {
    uint64_t pairs[4];
};

static inline uint32_t sta_keys_get(const struct sta_keys *keys, uint32_t i)
{
    return (uint32_t)(keys->pairs[i / 2] >> i % 2 * 32);
}

static inline void sta_keys_put(struct sta_keys *keys, uint32_t i, uint32_t key)
{
    uint64_t *pair = &keys->pairs[i / 2];
    uint32_t shift = i % 2 * 32;
    *pair = (*pair & ~(UINT64_C(0xFFFFFFFF) << shift)) | (uint64_t)key << shift;
}

/* Returns STA_KEYS_TOPS of those of a pair that are at least those of another.
 */
static inline uint64_t sta_keys_no_less(uint64_t pair, uint64_t other)
{
    return ((pair | STA_KEYS_TOPS) - other) & STA_KEYS_TOPS;
}

/* Returns which of the eight are at least `least`, a bit each. */
static inline uint32_t sta_keys_at_least(const struct sta_keys *keys,
                                         uint32_t least)
{
    uint64_t both = least * STA_KEYS_ONES;
    uint64_t found = sta_keys_no_less(keys->pairs[0], both) >> 31 |
                     sta_keys_no_less(keys->pairs[1], both) >> 29 |
                     sta_keys_no_less(keys->pairs[2], both) >> 27 |
                     sta_keys_no_less(keys->pairs[3], both) >> 25;
    return (uint32_t)(found | found >> 31) & 0xFF; /* even ones, odd ones */
}

/* Returns the greater one of each of two pairs. */
static inline uint64_t sta_keys_greater(uint64_t a, uint64_t b)
{
    uint64_t no_less = sta_keys_no_less(a, b);
    uint64_t from_a = no_less - (no_less >> 31);
    return (a & from_a) | (b & ~from_a);
}

/* Returns the greatest of the eight. */
static inline uint32_t sta_keys_greatest(const struct sta_keys *keys)
{
    const uint64_t *pairs = keys->pairs;
    uint64_t two = sta_keys_greater(sta_keys_greater(pairs[0], pairs[1]),
                                    sta_keys_greater(pairs[2], pairs[3]));
    return (uint32_t)sta_keys_greater(two, two >> 32);
}

#endif
