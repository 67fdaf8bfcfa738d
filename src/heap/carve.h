/* SPDX-License-Identifier: MIT */
/* New slabs and their slots; the caller works on the heap. */
#ifndef STA_HEAP_CARVE_H
#define STA_HEAP_CARVE_H

#include "heap/gather.h"

/* Returns an empty slab of class `c` of which nothing is cut, for its bin's
 * current one; or NULL: no memory.  Empty slabs of other bins come first, the
 * oldest, so that their pages are used again. */
struct sta_slab *sta_slab_new(struct sta_heap *h, uint32_t c);

/* Cuts the slots that start on the next page of a current slab, whose list is
 * empty, and returns one for the program.  It is the only one cut so far where
 * the page is to be touched by the program first. */
struct sta_slot *sta_slab_carve(struct sta_heap *h, struct sta_slab *s);

/* True when only the first slot on a slab's next page is cut. */
bool sta_slab_is_half_cut(const struct sta_slab *s);

/* Cuts the others, if the slab is current: an object there is used. */
void sta_slab_complete(struct sta_heap *h, struct sta_slab *s);

/* Empties a slab's list.  How the frees to come are checked can change now. */
static inline void sta_slab_clear(struct sta_slab *s)
{
    const struct sta_heap *h = sta_slab_owner(s);
    s->free = STA_SLOT_END;
    s->sum = 0;
    sta_slab_set_owner(s, h,
                       h->slab_units > STA_EAGER_UNITS || sta_heap_mixes(h));
}

#endif
