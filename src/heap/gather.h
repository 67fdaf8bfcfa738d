/* SPDX-License-Identifier: MIT */
/* What a heap's thread has freed of other heaps' slabs; see gather.c. */
#ifndef STA_HEAP_GATHER_H
#define STA_HEAP_GATHER_H

#include "heap/remote.h"

enum { STA_PARCEL_WORDS = (STA_PARCELS + 63) / 64 };

struct sta_outbox {
    struct sta_parcel parcel[STA_PARCELS];
    uint32_t bytes;                     /* of slots, in all */
    uint32_t most;                      /* that it may have; 0 at first */
    uint32_t bytes_of[STA_CLASS_COUNT]; /* of each class */
    /* which parcels may be of a class, a bit each */
    uint64_t parcels_of[STA_CLASS_COUNT][STA_PARCEL_WORDS];
    uint32_t turn;    /* which goes next when there are too many */
    uint32_t refills; /* of bins that had nothing left */
    uint32_t foreign; /* slots of others freed; each refill forgets a share */
};

static_assert(sizeof(struct sta_outbox) <= STA_UNIT_BYTES,
              "a heap's outbox is one unit");

/* A heap mixes while its thread frees many objects of others. */
static inline bool sta_heap_mixes(const struct sta_heap *h)
{
    return h->out != NULL && h->out->foreign >= STA_MIXED_LEAST;
}

/* A free of what another heap owns, or of what must be looked at closely. */
void sta_heap_free_elsewhere(struct sta_slot *slot, struct sta_slab *s);

/* Frees a live slot of `s`, which another heap owns. */
void sta_heap_free_remote(struct sta_slot *slot, struct sta_slab *s);

/* Sends off what is gathered for other heaps. */
void sta_heap_flush_outbox(struct sta_heap *h);

/* A bin of the heap has nothing left: decides what becomes of frees until that
 * is so again.  h->out is not NULL here and below. */
void sta_heap_turn(struct sta_heap *h);

/* Keeps a free slot of another heap's slab among those that go to it. */
void sta_heap_gather(struct sta_heap *h, struct sta_slot *slot,
                     struct sta_slab *s);

/* Puts what is gathered on the bin's own list of class `c`, which is empty;
 * false: too little, or it was sent. */
bool sta_heap_reuse_gathered(struct sta_heap *h, uint32_t c);

/* Takes off what is gathered of slabs for which `of` is true; returns it in a
 * list.  No slab may be released meanwhile. */
struct sta_slot *sta_heap_ungather(struct sta_heap *h,
                                   bool (*of)(const struct sta_slab *));

#endif
