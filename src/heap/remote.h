/* SPDX-License-Identifier: MIT */
/* Slots on their way to the heap that owns them; see remote.c. */
#ifndef STA_HEAP_REMOTE_H
#define STA_HEAP_REMOTE_H

#include "heap/heap.h"

/* A slot's place in its slab, in steps of 16 bytes; and the slot at one. */
static inline uint16_t sta_slot_place(const struct sta_slab *s,
                                      const struct sta_slot *slot)
{
    return (uint16_t)(sta_slab_offset(s, slot) / 16);
}

static inline struct sta_slot *sta_slot_at(const struct sta_slab *s,
                                           uint16_t place)
{
    char *start = sta_slab_start(s);
    return (void *)(start + (size_t)place * 16);
}

/* Slots of one slab, linked. */
struct sta_parcel {
    struct sta_slab *slab; /* NULL when there are none */
    struct sta_slot *first;
    uint16_t last; /* its place */
    uint16_t count;
    uint16_t sum; /* of their addresses, see slab.h */
    uint16_t size_class;
};

/*
 * Ends the process when a parcel's slab was given back without its slots, or
 * its last slot is in use or on another list: one was freed twice.  Of the
 * others who takes them finds that (free_slot.h).
 */
void sta_remote_check(const struct sta_parcel *p);

/* Sends the slots of a parcel, which count as used, to their owner. */
void sta_remote_send(const struct sta_parcel *p);

/* Takes in what other threads freed.  The caller works on `h`. */
void sta_heap_drain(struct sta_heap *h);

/*
 * The list in a sta_remote: from the lowest bits, 16 each, the places of the
 * first slot and of the last, their count, and the sum of their addresses.
 */
static inline struct sta_slot *sta_remote_first(const struct sta_slab *s,
                                                uint64_t list)
{
    return sta_slot_at(s, (uint16_t)list);
}

static inline struct sta_slot *sta_remote_last(const struct sta_slab *s,
                                               uint64_t list)
{
    return sta_slot_at(s, (uint16_t)(list >> 16));
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
