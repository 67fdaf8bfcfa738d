/* SPDX-License-Identifier: MIT */
/* Slots on their way to the heap that owns them; see remote.c. */
#ifndef STA_HEAP_REMOTE_H
#define STA_HEAP_REMOTE_H

#include "heap/heap.h"

/* Slots of one slab that a thread has gathered, linked. */
struct sta_parcel {
    struct sta_slab *slab; /* NULL when there are none */
    struct sta_slot *first;
    uint16_t last; /* its place in the slab, in steps of 16 bytes */
    uint16_t count;
    uint16_t sum;  /* of their addresses, see slab.h */
    uint16_t list; /* their class */
};

enum { STA_PARCEL_WORDS = (STA_PARCELS + 63) / 64 };

/* All that a thread has gathered. */
struct sta_outbox {
    struct sta_parcel parcel[STA_PARCELS];
    uint32_t bytes;                     /* of slots, in all */
    uint32_t bytes_of[STA_CLASS_COUNT]; /* of each class */
    /* which parcels may be of a class, a bit each */
    uint64_t parcels_of[STA_CLASS_COUNT][STA_PARCEL_WORDS];
    uint32_t turn;    /* which goes next when there are too many */
    uint32_t refills; /* of bins that had nothing left */
};

static_assert(sizeof(struct sta_outbox) <= STA_UNIT_BYTES,
              "a heap's outbox is one unit");

/* Takes off what a heap's thread has gathered of slabs for which `of` is true;
 * returns it in a list.  No slab may be released meanwhile. */
struct sta_slot *sta_heap_ungather(struct sta_heap *h,
                                   bool (*of)(const struct sta_slab *));

/*
 * The list in a sta_remote: from the lowest bits, 16 each, the places of the
 * first slot and of the last in steps of 16 bytes, their count, and the sum of
 * their addresses.
 */
static inline struct sta_slot *sta_remote_first(const struct sta_slab *s,
                                                uint64_t list)
{
    char *start = sta_slab_start(s);
    return (void *)(start + (list & UINT16_MAX) * 16);
}

static inline struct sta_slot *sta_remote_last(const struct sta_slab *s,
                                               uint64_t list)
{
    return sta_remote_first(s, list >> 16);
}

static inline uint32_t sta_remote_count(uint64_t list)
{
    return list >> 32 & UINT16_MAX;
}

static inline uint16_t sta_remote_sum(uint64_t list)
{
    return (uint16_t)(list >> 48);
}

#endif
