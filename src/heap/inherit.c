/* SPDX-License-Identifier: MIT */
/*
 * What a fork's child does with the slabs of threads that are not there.
 *
 * Such a heap is as its thread left it, perhaps in the middle of a call: its
 * lists and counts prove nothing, and nobody works on it again.  But each slot
 * says itself whether it is free, by its mark (free_slot.h), and what the child
 * knows of was handed out, and its mark wiped, before the fork.  So when the
 * child frees into such a slab it takes the slab over and makes its list anew,
 * of all slots with a mark, wherever they waited.
 *
 * Slots that wait in an inbox or an outbox are marked, and taken for free, too.
 * In an absent heap's nobody looks again; in others slots of such slabs can
 * wait only from before the fork (their slab was adopted while they were sent).
 * The thread that forked drives them out when it first frees such an object;
 * those that it started may take slabs over from then on, or at once if it had
 * freed nothing of others.  The fork itself touches no heap: it may have
 * interrupted a call.
 *
 * I1  once settled, no inbox or outbox of a heap that is not absent holds a
 * slot of a slab that an absent heap owns.
 *
 * What a child frees of other threads costs a visit to all slots of their
 * slabs, once; a child that only starts another program pays nothing.
 */
#include "heap/inherit.h"

#include "heap/bins.h"
#include "heap/check.h"
#include "heap/gather.h"
#include "heap/remote.h"
#include "heap/thin.h"
#include "heap/threads.h"
#include "heap/trim.h"

/* True in the thread that forked; the child may have more by now. */
static _Thread_local bool is_forker __attribute__((tls_model("initial-exec")));
static _Atomic bool settled;

/* Its heap may hold slots of absent heaps' slabs, which only it can drive out.
 * Changes while it is alone. */
static bool forker_holds;

void sta_heap_abandon_others(void)
{
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next)
        if (h != sta_self && sta_heap_state(h) == STA_HEAP_ACTIVE)
            atomic_store_explicit(&h->state, STA_HEAP_ABSENT,
                                  memory_order_relaxed);
    if (sta_self == &sta_heap_gone) /* forked as it ended, and goes on */
        sta_self = &sta_heap_none;
    forker_holds =
        sta_self->out != NULL ||
        atomic_load_explicit(&sta_self->inbox, memory_order_relaxed) != NULL;
    is_forker = true;
    atomic_store_explicit(&settled, false, memory_order_relaxed);
}

static bool is_absent(const struct sta_slab *s)
{
    return sta_heap_state(sta_slab_owner(s)) == STA_HEAP_ABSENT;
}

/* Takes what a heap's thread has of absent heaps' slabs, as objects in use;
 * returns them in a list. */
static struct sta_slot *take_back(struct sta_heap *h)
{
    sta_heap_flush(h); /* gathers what its own lists have of them */
    struct sta_slot *list = sta_heap_ungather(h, is_absent);
    for (struct sta_slot *slot = list; sta_slot_is_free(slot);
         slot = sta_slot_next(slot))
        slot->mark = 0;
    return list;
}

/* Makes I1 true; false when that is another thread's to do.  The caller holds
 * no lock. */
static bool settle(struct sta_heap *h)
{
    /* acquire: pairs with the release below */
    if (atomic_load_explicit(&settled, memory_order_acquire))
        return true;
    if (forker_holds && !is_forker)
        return false;
    struct sta_slot *slot = take_back(h);
    sta_heap_drain(h);
    for (struct sta_heap *idle = sta_heap_first(); idle; idle = idle->next) {
        sta_lock_acquire(&idle->lock);
        if (sta_heap_state(idle) == STA_HEAP_IDLE)
            sta_heap_drain(idle);
        sta_lock_release(&idle->lock);
    }
    /* release: pairs with the acquire above */
    atomic_store_explicit(&settled, true, memory_order_release);
    while (slot != STA_SLOT_END) {
        struct sta_slot *next = sta_slot_next(slot);
        sta_heap_free_remote(slot, sta_slab_of(slot));
        slot = next;
    }
    return true;
}

/* Takes a slab over, with one slot more in use than its list says: the one that
 * is being freed. */
static void take_over(struct sta_heap *h, struct sta_slab *s)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    char *start = sta_slab_start(s);
    uint32_t used = 0;
    s->free = STA_SLOT_END;
    for (uint32_t i = sta_slab_carved(s); i-- > 0;) {
        struct sta_slot *slot = (void *)(start + (size_t)i * slot_bytes);
        if (!sta_slab_has_freed(s, slot)) {
            used++;
            continue;
        }
        sta_slot_push(&s->free, slot);
    }
    if (sta_slab_carved(s) == sta_slab_capacity(s))
        sta_slab_mark_rest(s); /* its page may have gone */
    /* What waits to be taken in is marked too, and so on the list by now. */
    atomic_store_explicit(&s->remote.list, 0, memory_order_relaxed);
    sta_slab_set_purged(s, 0);
    s->countdown = 1; /* due at once: then bins.c sees to the rest */
    s->excess = (uint16_t)(used - 1);
    sta_slab_set_state(s, STA_SLAB_PARTIAL);
    sta_list_append(&h->bins[s->size_class].partial, &s->link);
    sta_bin_gain(h, s);
    sta_slab_set_owner(s, h, false);
}

bool sta_heap_inherit(struct sta_heap *owner, struct sta_slot *slot,
                      struct sta_slab *s)
{
    if (sta_heap_state(owner) != STA_HEAP_ABSENT)
        return false;
    if (sta_slab_has_freed(s, slot)) {
        sta_heap_check("free", slot); /* which says so */
        return true;
    }
    if (sta_self == &sta_heap_none)
        sta_heap_leave(sta_heap_enter());
    struct sta_heap *h = sta_self;
    bool may = h->medium_max != 0 && settle(h);
    sta_lock_acquire(&owner->lock);
    bool there = sta_slab_owner(s) == owner;
    bool taken = there && may;
    if (taken)
        take_over(h, s);
    else if (there) /* whoever takes the slab over will find it */
        sta_slot_link(slot, STA_SLOT_END);
    sta_lock_release(&owner->lock);
    if (taken)
        sta_heap_free_local(slot, s);
    return there;
}
