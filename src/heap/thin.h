/* SPDX-License-Identifier: MIT */
/* Thin slabs: free pages inside a partly used slab, given back. */
#ifndef STA_HEAP_THIN_H
#define STA_HEAP_THIN_H

#include "heap/heap.h"

/*
 * Gives the pages of a partial or thin slab on which nothing lives back to the
 * system; false, and nothing changed, when there are none.  The slab is then
 * STA_SLAB_THIN: the slots on those pages are neither on a list nor in use.
 *
 * Cost     O(slots), and a system call for each stretch of free pages.
 */
bool sta_slab_thin(struct sta_slab *s);

/* True when a page without a slot in use is likely; to look costs a visit to
 * each free slot. */
static inline bool sta_slab_has_few(const struct sta_slab *s)
{
    return sta_slab_used(s) <= s->unit_count * STA_THIN_SLOTS;
}

/* Puts the slots on purged pages back on the slab's list.  O(slots). */
void sta_slab_restore(struct sta_slab *s);

/* True for a slot of a thin slab that touches a purged page. */
bool sta_slab_is_purged(const struct sta_slab *s, const void *slot);

/* True for a slot that was freed: it has its mark, or that went with its page.
 */
static inline bool sta_slab_has_freed(const struct sta_slab *s,
                                      const struct sta_slot *slot)
{
    return sta_slot_is_free(slot) ||
           (sta_slab_purged(s) != 0 && sta_slab_is_purged(s, slot));
}

/* Marks what is left behind the last slot of a slab, if free() would take it
 * for the start of one. */
void sta_slab_mark_rest(struct sta_slab *s);

#endif
