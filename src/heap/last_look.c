/* SPDX-License-Identifier: MIT */
/*
 * As the process ends: a last look for objects that were freed twice.
 *
 * A free in a lazy slab does not look at the object.  A second one is found
 * before the object is handed out again, or when its slab goes (DECISIONS,
 * D27); but a program may end before either.  A list that has a slot twice is a
 * ring, so the lists of lazy slabs are followed here, if not for long: a slot
 * may be in no cache any more.
 *
 * Other threads may still run, and a signal handler that interrupted a call of
 * ours may end the process.  So this thread's heap is looked at, which it is
 * not at work on, and those that no thread owns, as far as their locks are
 * free: nothing is waited for, and so the order of locks does not matter.
 */
#include "heap/last_look.h"

#include "heap/heap.h"

/* True when following a slab's list comes to no end; *left are the slots that
 * may still be looked at. */
static bool is_ring(const struct sta_slab *s, uint32_t *left)
{
    const struct sta_slot *slot = s->free;
    uint32_t steps = 0;
    for (; steps < sta_slab_carved(s) && sta_slot_is_intact(slot); steps++)
        slot = sta_slot_next(slot);
    *left -= steps < *left ? steps : *left;
    return sta_slot_is_intact(slot);
}

/* The same where others may own the slab. */
static bool has_ring(const struct sta_slab *s, uint32_t *left)
{
    struct sta_heap *h = sta_slab_owner(s);
    if (h == sta_self)
        return is_ring(s, left);
    if (!sta_heap_is_open(h) || !sta_lock_try(&h->lock))
        return false;
    bool ring =
        sta_slab_owner(s) == h && sta_heap_is_open(h) && is_ring(s, left);
    sta_lock_release(&h->lock);
    return ring;
}

static const struct sta_slab *find_ring(void)
{
    uint32_t left = STA_LAST_SLOTS;
    for (uint32_t i = 0; i < sta_region_count; i++) {
        const struct sta_region *r = &sta_regions[i];
        for (uint32_t n = 1; n < r->slab_used && left > 0; n++) {
            left--;
            if (sta_slab_is_lazy(&r->slabs[n]) && has_ring(&r->slabs[n], &left))
                return &r->slabs[n];
        }
    }
    return NULL;
}

void sta_last_look(void)
{
    if (sta_options.check != STA_CHECK_FREE || sta_pages_used() == 0 ||
        !sta_lock_try(&sta_pages_lock))
        return;
    const struct sta_slab *s = find_ring();
    sta_lock_release(&sta_pages_lock);
    if (s != NULL)
        sta_heap_die_of_second_free(s, s->free, UINT32_MAX);
}
