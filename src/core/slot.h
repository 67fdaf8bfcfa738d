/* SPDX-License-Identifier: MIT */
/*
 * The arithmetic of a slab: slot sizes, slot indices and exact starts.
 *
 * Division by the slot size is a multiplication by R = ceil(2^32 / size).
 * For an offset `off` < 64 KiB and a size of 16 bytes to 16 KiB, write
 * off = i * size + rest.  Then off * R = i * 2^32 + i * e + rest * R with
 * e = R * size - 2^32 < size, so that i * e < 64 Ki while R >= 2^18: the high
 * word is i, and the low word is below 64 Ki exactly when rest is 0.  One
 * multiplication hence tells a slot's start from its inside.
 */
#ifndef STA_CORE_SLOT_H
#define STA_CORE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

enum { STA_SLAB_BYTES_MAX = 65536 };

/*
 * For a run that is one object only its first page is ever looked up, so the
 * offset is below 4096: with this R the low word is 0 for offset 0 alone.
 */
#define STA_SLOT_RECIPROCAL_RUN ((uint32_t)1 << 20)

static inline uint32_t sta_slot_reciprocal(uint32_t slot_bytes)
{
    return (uint32_t)(((UINT64_C(1) << 32) + slot_bytes - 1) / slot_bytes);
}

/* True when `offset` bytes into the slab is the first byte of a slot. */
static inline bool sta_slot_is_start(uint32_t offset, uint32_t reciprocal)
{
    return offset * reciprocal < 65536;
}

/* Returns the index of the slot that holds byte `offset` of the slab. */
static inline uint32_t sta_slot_index(uint32_t offset, uint32_t reciprocal)
{
    return (uint32_t)(((uint64_t)offset * reciprocal) >> 32);
}

#endif
