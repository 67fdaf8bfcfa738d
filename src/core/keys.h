/* SPDX-License-Identifier: MIT */
/*
 * Eight numbers, which of them are at least as large as another, and the
 * greatest: without a branch, since nothing would foretell it.
 */
#ifndef STA_CORE_KEYS_H
#define STA_CORE_KEYS_H

#include <stdint.h>

struct sta_keys {
    uint32_t key[8];
};

/* Returns which of the eight are at least `least`, a bit each. */
static inline uint32_t sta_keys_at_least(const struct sta_keys *keys,
                                         uint32_t least)
{
    const uint32_t *k = keys->key;
    uint32_t found = k[7] >= least;
    found = 2 * found + (k[6] >= least);
    found = 2 * found + (k[5] >= least);
    found = 2 * found + (k[4] >= least);
    found = 2 * found + (k[3] >= least);
    found = 2 * found + (k[2] >= least);
    found = 2 * found + (k[1] >= least);
    return 2 * found + (k[0] >= least);
}

static inline uint32_t sta_keys_greater(uint32_t a, uint32_t b)
{
    return a < b ? b : a;
}

/* Returns the greatest of the eight. */
static inline uint32_t sta_keys_greatest(const struct sta_keys *keys)
{
    const uint32_t *k = keys->key;
    uint32_t low = sta_keys_greater(sta_keys_greater(k[0], k[1]),
                                    sta_keys_greater(k[2], k[3]));
    uint32_t high = sta_keys_greater(sta_keys_greater(k[4], k[5]),
                                     sta_keys_greater(k[6], k[7]));
    return sta_keys_greater(low, high);
}

#endif
