/* SPDX-License-Identifier: MIT */
/*
 * Bins: the slabs of one size class in one heap.
 *
 * The caller of each function works on the heap: it is the thread's own, or its
 * lock is held.
 */
#ifndef STA_HEAP_BINS_H
#define STA_HEAP_BINS_H

#include "heap/heap.h"

/* Returns the slab that malloc takes from; NULL: it takes from the bin's own
 * list. */
static inline struct sta_slab *sta_bin_current(const struct sta_heap *h,
                                               uint32_t c)
{
    struct sta_slot **list = h->list[c];
    if (list == &h->bins[c].own)
        return NULL;
    return (struct sta_slab *)(void *)((char *)list -
                                       offsetof(struct sta_slab, free));
}

/* Counts a slab that comes to its bin, or leaves it. */
static inline void sta_bin_gain(struct sta_heap *h, const struct sta_slab *s)
{
    h->bins[s->size_class].slab_count++;
    h->slab_units += s->unit_count;
}

static inline void sta_bin_lose(struct sta_heap *h, const struct sta_slab *s)
{
    h->bins[s->size_class].slab_count--;
    h->slab_units -= s->unit_count;
}

/* Returns a slot of class `c`, having found more if malloc finds none; or NULL:
 * no memory. */
void *sta_bin_alloc(struct sta_heap *h, uint32_t c);

/* Takes the oldest partial slab out of its bin, to be current; or NULL. */
struct sta_slab *sta_bin_take_partial(struct sta_heap *h, uint32_t c);

/* True while the bin's own list may take a freed slot of such a slab: so many
 * bytes from one refill to the next. */
static inline bool sta_bin_lends(const struct sta_heap *h,
                                 const struct sta_slab *s)
{
    return h->bins[s->size_class].loan != 0 && sta_slab_may_wait(s);
}

/* Puts a slot there, which its slab counts as used all the same. */
static inline void sta_bin_lend(struct sta_heap *h, struct sta_slot *slot,
                                uint32_t c)
{
    struct sta_bin *bin = &h->bins[c];
    bin->loan--;
    sta_slot_push(&bin->own, slot);
    h->handed[c]++;
}

/* Puts up to `count` slots of the bin's own list back in their slabs. */
void sta_bin_return_own(struct sta_heap *h, uint32_t c, size_t count);

/* Puts all of them there; the bin has no current slab then. */
void sta_bin_flush(struct sta_heap *h, uint32_t c);

/* Ends the current slab, if there is one; its slots become the bin's own, which
 * had none. */
void sta_bin_retire(struct sta_heap *h, uint32_t c);

/* Makes a full slab of class `c` partial that has free slots, however few. */
void sta_bin_list_full(struct sta_slab *s, uint32_t c);

/* Gives the oldest empty slab that the heap keeps back to the arena; false:
 * there is none. */
bool sta_bins_release_spare(struct sta_heap *h);

/* Takes an empty slab that the heap keeps, for another bin: the oldest with one
 * of these numbers of units, a bit each; or NULL. */
struct sta_slab *sta_bins_take_spare(struct sta_heap *h, uint32_t lengths);

#endif
