/* SPDX-License-Identifier: MIT */
/*
 * The table of descriptors of a region; see descriptors.c.
 *
 * Everything here is under sta_pages_lock.
 */
#ifndef STA_HEAP_DESCRIPTORS_H
#define STA_HEAP_DESCRIPTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/bits.h"
#include "heap/region.h"

/* A map entry is a descriptor's offset in bytes and has 32 bits. */
#define STA_DESCRIPTORS_MOST (UINT32_C(1) << 25)

/* True when each descriptor that a region can have is in use: its free units
 * are of no use until one is given back. */
static inline bool sta_descriptors_are_out(const struct sta_region *r)
{
    return r->unused.count == 0 && r->slab_used >= STA_DESCRIPTORS_MOST;
}

/* Makes descriptors below index `count` usable; false: no memory. */
bool sta_descriptors_commit(struct sta_region *r, uint32_t count);

/* Returns the index of an unused descriptor, beside those that the same heap
 * took if it can, or 0 when there is no memory.
 * Cost: a word for each 4,096 descriptors, and a few words beside. */
uint32_t sta_descriptors_take(struct sta_region *r, const struct sta_heap *h);

/* True for a descriptor that is not in use; it need not be resident. */
static inline bool sta_descriptors_is_unused(const struct sta_region *r,
                                             uint32_t index)
{
    return (r->unused.bits[index / 64] >> index % 64 & 1) != 0;
}

/* Asks for the lines of the descriptor that is most likely taken next: the
 * lowest, though it may be another heap's. */
static inline void sta_descriptors_expect(const struct sta_region *r)
{
    const struct sta_unused *u = &r->unused;
    uint32_t next = r->slab_used;
    if (u->count != 0)
        next = u->low * 64 + sta_ctz64(u->bits[u->low] | UINT64_C(1) << 63);
    const char *line = (const char *)(r->slabs + next);
    sta_prefetch_own(line);
    sta_prefetch_own(line + 64);
}

/* Returns a descriptor that is no longer in use. */
void sta_descriptors_give(struct sta_region *r, uint32_t index);

/* Gives some pages of descriptors that are all unused back to the system, by
 * one call at most. */
void sta_descriptors_shrink(struct sta_region *r);

/* Gives all such pages back. */
void sta_descriptors_trim(struct sta_region *r);

#endif
