/* SPDX-License-Identifier: MIT */
/*
 * What a fork's child does with the slabs of threads that are not there.
 *
 * Such a heap is as its thread left it, perhaps in the middle of a call: its
 * lists and counts prove nothing, and nobody works on it again.  But each slot
 * says itself whether it is free, by its mark (heap.h), and what the child
 * knows of was handed out, and its mark wiped, before the fork.  So when the
 * child frees into such a slab it takes the slab over and makes its list anew,
 * of all slots with a mark, wherever they waited.
 *
 * Slots that wait in an inbox or an outbox are marked, and taken for free, too.
 * In an absent heap's nobody looks again; in others slots of such slabs can
 * wait only from before the fork (their slab was adopted while they were sent),
 * and are driven out as the child begins.  Most of that is done before the
 * fork, where it has to be done once, and copies no page.
 *
 * I1  no inbox or outbox of a heap that is not absent holds a slot of a slab
 *     that an absent heap owns.
 *
 * What a child frees of other threads costs a visit to all slots of their
 * slabs, once; a child that only starts another program pays nothing.
 */
#include "heap/inherit.h"

#include "heap/thin.h"

void sta_heap_settle(void)
{
    struct sta_heap *h = sta_self;
    if (h->medium_max == 0) /* it has none of its own */
        return;
    sta_heap_flush_outbox(h);
    sta_heap_drain(h);
}

void sta_heap_abandon_others(struct sta_heap *first)
{
    struct sta_heap *self = sta_self;
    for (struct sta_heap *h = first; h; h = h->next)
        if (h != self &&
            atomic_load_explicit(&h->state, memory_order_relaxed) ==
                STA_HEAP_ACTIVE)
            atomic_store_explicit(&h->state, STA_HEAP_ABSENT,
                                  memory_order_relaxed);
    sta_heap_settle();
    for (struct sta_heap *h = first; h; h = h->next)
        if (atomic_load_explicit(&h->state, memory_order_relaxed) ==
            STA_HEAP_IDLE)
            sta_heap_drain(h);
}

/* Takes a slab over, with one slot more in use than its list says: the one that
 * is being freed. */
static void take_over(struct sta_heap *h, struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    char *start = sta_slab_start(s);
    uint32_t used = 0;
    s->free = STA_SLOT_END;
    for (uint32_t i = sta_slab_carved(s); i-- > 0;) {
        struct sta_slot *slot = (void *)(start + (size_t)i * slot_bytes);
        if (!sta_slot_is_marked(slot) && !sta_slab_is_purged(s, slot)) {
            used++;
            continue;
        }
        slot->mark = sta_slot_mark(slot);
        slot->next = s->free;
        s->free = slot;
    }
    s->purged = 0;
    s->countdown = 1; /* due at once: then bins.c sees to the rest */
    s->excess = (uint16_t)(used - 1);
    sta_slab_set_state(s, STA_SLAB_PARTIAL);
    sta_list_append(&h->bins[s->list].partial, &s->link);
    h->bins[s->list].slab_count++;
    sta_slab_set_owner(s, h, false);
}

bool sta_heap_inherit(struct sta_heap *owner, struct sta_slot *slot,
                      struct sta_slab *s)
{
    if (atomic_load_explicit(&owner->state, memory_order_relaxed) !=
        STA_HEAP_ABSENT)
        return false;
    if (sta_slot_is_marked(slot)) {
        sta_heap_check("free", slot); /* which says so */
        return true;
    }
    if (sta_self == &sta_heap_none)
        sta_heap_leave(sta_heap_enter());
    struct sta_heap *h = sta_self;
    sta_lock_acquire(&owner->lock);
    bool there = sta_slab_owner(s) == owner;
    bool taken = there && h->medium_max != 0;
    if (taken)
        take_over(h, s);
    else if (there) /* this thread has no heap: somebody else will find it */
        slot->mark = sta_slot_mark(slot);
    sta_lock_release(&owner->lock);
    if (taken)
        sta_heap_free_local(slot, s);
    return there;
}
