/* SPDX-License-Identifier: MIT */
/*
 * As the process ends: a last look for objects that were freed twice.
 *
 * A free in a lazy slab does not look at the object.  A second one is found
 * before the object is handed out again, or when its slab goes (DECISIONS,
 * D27); but a program may end before either.  So the lists of free slots are
 * followed here: what this thread keeps beside its slabs (gather.c), and those
 * of lazy slabs, their own and what other threads sent.  A slot may be in no
 * cache any more; so this goes on for a share of the time that the process has
 * taken, and a small one does not even ask for that.
 *
 * Other threads may still run, and a signal handler that interrupted a call of
 * ours may end the process.  So nothing is changed, and nothing waited for:
 * this thread's heap is looked at, and those that no thread owns as far as
 * their locks are free, in whatever order.
 */
#include "heap/last_look.h"

#include <string.h>

#include "heap/check.h"
#include "heap/descriptors.h"
#include "heap/gather.h"
#include "heap/heap.h"
#include "heap/remote.h"
#include "os/clock.h"

/* A look at all slabs. */
struct look {
    uint32_t left;  /* slots until the time is asked for */
    uint64_t until; /* when to end; 0 before it was asked for */
    uint64_t seen[STA_SLAB_BYTES_MAX / 16 / 64]; /* of a slab, a bit each */
};

/* True when there is time for another slab. */
static bool goes_on(struct look *look)
{
    if (look->left > 0)
        return true;
    uint64_t now = sta_clock_process();
    if (look->until == 0) {
        uint64_t share = now / STA_LAST_SHARE;
        look->until =
            now + (share < STA_LAST_NS_MOST ? share : STA_LAST_NS_MOST);
    }
    if (now >= look->until)
        return false;
    look->left = STA_LAST_SLOTS / 8;
    return true;
}

/* Follows a list of up to `count` slots of a slab; returns one that was seen
 * before, or leads out of the slab: another list has it too. */
static const struct sta_slot *follow(struct look *look,
                                     const struct sta_slab *s,
                                     const struct sta_slot *slot,
                                     uint32_t count)
{
    const struct sta_slot *before = slot;
    for (; count > 0 && sta_slot_is_intact(slot); count--) {
        if (sta_slab_offset(s, slot) >= s->unit_count << STA_UNIT_LOG2)
            return before;
        uint32_t i = sta_slab_index_of(s, slot);
        if ((look->seen[i / 64] >> i % 64 & 1) != 0)
            return slot;
        look->seen[i / 64] |= UINT64_C(1) << i % 64;
        look->left -= look->left > 0;
        before = slot;
        slot = sta_slot_next(slot);
    }
    return NULL;
}

static void forget_seen(struct look *look, const struct sta_slab *s)
{
    size_t words = (sta_slab_capacity(s) + 63) / 64;
    memset(look->seen, 0, words * sizeof look->seen[0]);
}

static const struct sta_slot *find_in_slab(struct look *look,
                                           const struct sta_slab *s)
{
    forget_seen(look, s);
    const struct sta_slot *twice =
        follow(look, s, s->free, sta_slab_carved(s) + 1);
    /* acquire: pairs with sta_remote_send(), for the links */
    uint64_t sent = atomic_load_explicit(&s->remote.list, memory_order_acquire);
    if (twice == NULL && sent != 0)
        twice =
            follow(look, s, sta_remote_first(s, sent), sta_remote_count(sent));
    return twice;
}

/* The same for a slab of any heap. */
static const struct sta_slot *find_in_any_slab(struct look *look,
                                               const struct sta_slab *s)
{
    struct sta_heap *h = sta_slab_owner(s);
    const struct sta_slot *twice = NULL;
    if (h == sta_self)
        return find_in_slab(look, s);
    /* A thread that runs may give the slab back just now. */
    if (h == NULL || !sta_heap_is_open(h) || !sta_lock_try(&h->lock))
        return NULL;
    if (sta_slab_owner(s) == h && sta_heap_is_open(h))
        twice = find_in_slab(look, s);
    sta_lock_release(&h->lock);
    return twice;
}

static const struct sta_slot *find_in_slabs(struct look *look)
{
    const struct sta_slot *twice = NULL;
    for (uint32_t i = 0; i < sta_region_count && twice == NULL; i++) {
        const struct sta_region *r = &sta_regions[i];
        for (uint32_t n = 1; n < r->slab_used && twice == NULL; n++) {
            const struct sta_slab *s = &r->slabs[n];
            /* What is unused may not be resident. */
            if (sta_descriptors_is_unused(r, n) || !sta_slab_is_lazy(s))
                continue;
            if (!goes_on(look))
                return NULL;
            twice = find_in_any_slab(look, s);
        }
    }
    return twice;
}

/* What this thread has yet to send to other heaps. */
static const struct sta_slot *find_in_parcels(struct look *look,
                                              const struct sta_outbox *out)
{
    const struct sta_slot *twice = NULL;
    for (uint32_t i = 0; i < STA_PARCELS && twice == NULL; i++) {
        const struct sta_parcel *p = &out->parcel[i];
        if (p->slab == NULL)
            continue;
        forget_seen(look, p->slab);
        twice = follow(look, p->slab, p->first, p->count);
    }
    return twice;
}

/* A list of slots of any slabs: one that is there twice makes it a ring. */
static const struct sta_slot *find_in_list(const struct sta_slot *list)
{
    const struct sta_slot *slow = list;
    const struct sta_slot *fast = list;
    do {
        if (!sta_slot_is_intact(fast))
            return NULL;
        fast = sta_slot_next(fast);
        if (!sta_slot_is_intact(fast))
            return NULL;
        fast = sta_slot_next(fast);
        slow = sta_slot_next(slow);
    } while (slow != fast);
    for (; list != slow; list = sta_slot_next(list))
        slow = sta_slot_next(slow);
    return list;
}

/* What this thread keeps beside its slabs. */
static const struct sta_slot *find_aside(struct look *look)
{
    const struct sta_heap *h = sta_self;
    const struct sta_slot *twice = NULL;
    if (h->medium_max == 0) /* nothing */
        return NULL;
    if (h->out != NULL)
        twice = find_in_parcels(look, h->out);
    for (uint32_t c = 0; c < STA_CLASS_COUNT && twice == NULL; c++)
        twice = find_in_list(h->bins[c].own);
    return twice;
}

void sta_last_look(void)
{
    struct look look = {.left = STA_LAST_SLOTS};
    if (sta_options.check != STA_CHECK_FREE || sta_pages_used() == 0 ||
        !sta_lock_try(&sta_pages_lock))
        return;
    const struct sta_slot *twice = find_aside(&look);
    if (twice == NULL)
        twice = find_in_slabs(&look);
    sta_lock_release(&sta_pages_lock);
    if (twice != NULL)
        sta_heap_die_of_double_free("free", twice, sta_slab_of(twice));
}
