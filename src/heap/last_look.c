/* SPDX-License-Identifier: MIT */
/*
 * As the process ends: a last look for objects that were freed twice.
 *
 * A free in a lazy slab does not look at the object.  A second one is found
 * before the object is handed out again, or when its slab goes (DECISIONS,
 * D27); but a program may end before either.  So the lists of lazy slabs are
 * followed here, their own and what other threads sent, if not for long: a slot
 * may be in no cache any more.
 *
 * Other threads may still run, and a signal handler that interrupted a call of
 * ours may end the process.  So nothing is changed, and nothing waited for:
 * this thread's heap is looked at, and those that no thread owns as far as
 * their locks are free, in whatever order.
 */
#include "heap/last_look.h"

#include <string.h>

#include "heap/check.h"
#include "heap/remote.h"

/* A look at all slabs. */
struct look {
    uint32_t left; /* slots that may still be looked at */
    uint64_t seen[STA_SLAB_BYTES_MAX / 16 / 64]; /* of a slab, a bit each */
};

/* Follows a list of up to `count` slots; returns one that was seen before. */
static struct sta_slot *follow(struct look *look, const struct sta_slab *s,
                               struct sta_slot *slot, uint32_t count)
{
    for (; count > 0 && look->left > 0 && sta_slot_is_intact(slot); count--) {
        uint32_t i = sta_slab_index_of(s, slot);
        if ((look->seen[i / 64] >> i % 64 & 1) != 0)
            return slot;
        look->seen[i / 64] |= UINT64_C(1) << i % 64;
        look->left--;
        slot = sta_slot_next(slot);
    }
    return NULL;
}

static struct sta_slot *find_in_slab(struct look *look,
                                     const struct sta_slab *s)
{
    uint32_t carved = sta_slab_carved(s);
    memset(look->seen, 0, (carved + 63) / 64 * sizeof look->seen[0]);
    struct sta_slot *twice = follow(look, s, s->free, carved + 1);
    /* acquire: pairs with sta_remote_send(), for the links */
    uint64_t sent = atomic_load_explicit(&s->remote.list, memory_order_acquire);
    if (twice == NULL && sent != 0)
        twice =
            follow(look, s, sta_remote_first(s, sent), sta_remote_count(sent));
    return twice;
}

/* The same for a slab of any heap. */
static struct sta_slot *find_twice(struct look *look, const struct sta_slab *s)
{
    struct sta_heap *h = sta_slab_owner(s);
    struct sta_slot *twice = NULL;
    if (h == sta_self)
        return find_in_slab(look, s);
    if (!sta_heap_is_open(h) || !sta_lock_try(&h->lock))
        return NULL;
    if (sta_slab_owner(s) == h && sta_heap_is_open(h))
        twice = find_in_slab(look, s);
    sta_lock_release(&h->lock);
    return twice;
}

void sta_last_look(void)
{
    struct look look = {.left = STA_LAST_SLOTS};
    struct sta_slot *twice = NULL;
    if (sta_options.check != STA_CHECK_FREE || sta_pages_used() == 0 ||
        !sta_lock_try(&sta_pages_lock))
        return;
    for (uint32_t i = 0; i < sta_region_count && twice == NULL; i++) {
        const struct sta_region *r = &sta_regions[i];
        for (uint32_t n = 1; n < r->slab_used && twice == NULL; n++) {
            const struct sta_slab *s = &r->slabs[n];
            /* One that went keeps its owner and list until it is used again. */
            if (sta_slab_is_lazy(s) && sta_slab_state(s) != STA_SLAB_NONE)
                twice = find_twice(&look, s);
        }
    }
    sta_lock_release(&sta_pages_lock);
    if (twice != NULL)
        sta_heap_die_of_second_free(sta_slab_of(twice), twice, 1);
}
