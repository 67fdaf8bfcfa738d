/* SPDX-License-Identifier: MIT */
/*
 * Division of 64-bit numbers where a 32-bit machine has no instruction for it
 * and, freestanding, no library to call (__udivdi3): then it is done by hand,
 * a bit at a time. Nothing here is in a fast path there.
 */
#ifndef STA_EMBED_DIVIDE_H
#define STA_EMBED_DIVIDE_H

#include <stdint.h>

/* Returns n / d and sets *rest to n % d; d != 0. */
static inline uint64_t sta_divide64(uint64_t n, uint64_t d, uint64_t *rest)
{
    uint64_t quotient = 0, r = 0;

    if (sizeof(void *) >= sizeof(uint64_t)) { /* the machine's own */
        *rest = n % d;
        return n / d;
    }
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t carry = r >> 63;

        r = r << 1 | (n >> bit & 1);
        if (carry || r >= d) {
            r -= d;
            quotient |= (uint64_t)1 << bit;
        }
    }
    *rest = r;
    return quotient;
}

#endif
