/* SPDX-License-Identifier: MIT */
/*
 * Size classes: which slot size serves a request.
 *
 *     16 32 48 … 256        every 16 bytes       classes  0 to 15
 *     288 320 … 512         every 32 bytes       classes 16 to 23
 *     640 768 896 1024 …    four per doubling    classes 24 to 35 (4 KiB)
 *     4608 5120 … 8192      every 512 bytes      classes 36 to 43
 *     10240 12288 …         four per doubling    classes 44 to 47 (16 KiB)
 *
 * Finer steps waste less inside objects and more in partly used slabs: each
 * class in use holds a slab of its own.  Sixteen-byte steps where objects are
 * many and small, then at most a quarter above the request; but an eighth above
 * 4 KiB, where a page with a header of its own is common.
 *
 * A slot size is a multiple of 16, hence every slot is aligned to 16 when its
 * slab is.  The class of a multiple of a power of two is again a multiple
 * of it: classes are the multiples of a step, which in each doubling is a power
 * of two of at most a quarter of it.
 */
#ifndef STA_CORE_SIZECLASS_H
#define STA_CORE_SIZECLASS_H

#include <stddef.h>
#include <stdint.h>

#include "core/bits.h"

enum {
    STA_CLASS_COUNT = 48,
    STA_CLASS_TABLE_MAX = 1024, /* bytes up to which the table answers */
    STA_CLASS_SIZE_MAX = 16384  /* bytes of the largest class */
};

/* Class of a size up to STA_CLASS_TABLE_MAX, by (size + 15) / 16. */
extern const uint8_t sta_class_table[STA_CLASS_TABLE_MAX / 16 + 1];

/* Returns the slot size in bytes of class `c`, by the formula that sta_zone
 * goes on with above the table. */
static inline uint32_t sta_class_bytes(uint32_t c)
{
    if (c < 16)
        return (c + 1) * 16;
    if (c < 24)
        return 256 + (c - 15) * 32;
    if (c >= 36 && c < 44)
        return 4096 + (c - 35) * 512;
    if (c >= 44)
        c -= 4;
    return (5 + (c & 3)) << (c / 4 + 1);
}

/* The same of the classes below STA_CLASS_COUNT, without a branch; of that one,
 * which is none, 0. */
extern const uint16_t sta_class_size[STA_CLASS_COUNT + 1];

/* sta_class_of() for a size above STA_CLASS_TABLE_MAX. */
static inline uint32_t sta_class_of_medium(size_t size)
{
    /* size - 1 is in [2^e, 2^(e+1)); its two bits below the top choose: with
     * the top one, which is 1, they are 4 to 7. */
    uint32_t e = sta_log2((uint64_t)size - 1);
    if (e == 12)
        return 36 + (uint32_t)((size - 1 - 4096) >> 9);
    return e * 4 + (uint32_t)((size - 1) >> (e - 2)) - (e > 12 ? 12 : 16);
}

/* Returns the smallest class that holds `size` <= STA_CLASS_SIZE_MAX bytes. */
static inline uint32_t sta_class_of(size_t size)
{
    return size <= STA_CLASS_TABLE_MAX ? sta_class_table[(size + 15) / 16]
                                       : sta_class_of_medium(size);
}

#endif
