/* SPDX-License-Identifier: MIT */
/*
 * Slots on their way to the heap that owns them.
 *
 * What costs here is not instructions but cache lines that go from processor to
 * processor.  So neither side visits the slots of the other one by one:
 *
 *     freeing thread (gather.c)                   owner
 *     parcel { slab, slot -> slot -> slot }
 *          | one compare-and-swap for all of them
 *          v
 *     remote of the slab { first, last, count, sum; next }
 *          | the slab, if nothing was there         | one exchange
 *          v                                        v
 *     inbox of its owner -> slab -> slab       slab's own list
 *
 * A parcel is put in front of what waits in the slab's sta_remote; four numbers
 * of 16 bits say all that the owner must know of the list, so that one word
 * changes.  Whoever finds the list empty also puts the slab in its owner's
 * inbox, a stack that anybody pushes on and only the owner empties, all at
 * once, in a refill; there is no pop, hence no ABA.  The owner takes each list
 * as it is, and looks at no slot but the last, to link it to what the slab has
 * already.
 *
 * I1  a slab is in an inbox, or about to be put there by the one thread that
 *     found its list empty, exactly while the list is not.  So `next` has one
 *     writer at a time.
 * I2  slots in a sta_remote count as used: their slab stays.
 *
 * A slab may change its owner meanwhile: the old owner then sends it on.
 *
 * Nothing may be lost when a heap becomes idle just as a slab is sent: the
 * ending thread sets the state and then empties the inbox; the sender pushes
 * and then reads the state.  Both change the inbox in one step, and each such
 * step acquires what the one before released: either the slab is there when the
 * inbox is emptied, or the push comes later and its thread sees the new state.
 * tests/unit/remote_model runs all of this in every order that C11 allows.
 */
#include "heap/remote.h"

#include "heap/check.h"

/* --- The list in one word ------------------------------------------------ */

static uint64_t list_of(const struct sta_parcel *p)
{
    return sta_slot_place(p->slab, p->first) | (uint64_t)p->last << 16 |
           (uint64_t)p->count << 32 | (uint64_t)p->sum << 48;
}

/* Returns the list that has the slots of `more` in front of those of `list`. */
static uint64_t joined(uint64_t more, uint64_t list)
{
    uint64_t last = (list == 0 ? more : list) & UINT64_C(0xffff0000);
    uint64_t count = (more + list) & UINT64_C(0xffff) << 32;
    uint64_t sum = ((more >> 48) + (list >> 48)) << 48;
    return (more & UINT16_MAX) | last | count | sum;
}

/* --- Checking ------------------------------------------------------------ */

/* True when a list that ends with this slot still does.  The next owner of the
 * list writes to it without a look. */
static inline bool is_end(const struct sta_slot *last)
{
    return sta_slot_is_intact(last) && sta_slot_next(last) == STA_SLOT_END;
}

void sta_remote_check(const struct sta_parcel *p)
{
    const struct sta_slab *s = p->slab;
    const struct sta_slot *last = sta_slot_at(s, p->last);
    bool gone = sta_slab_owner(s) == NULL || s->size_class != p->size_class ||
                !sta_slab_is_start(s, p->first) || !sta_slab_is_start(s, last);
    if (sta_unlikely(gone))
        sta_heap_die_of_write(p->first);
    if (sta_unlikely(!is_end(last)) && sta_options.check)
        sta_heap_die_of_write(last);
}

/* --- Sending ------------------------------------------------------------- */

static void push_inbox(struct sta_heap *to, struct sta_slab *s)
{
    struct sta_slab *head =
        atomic_load_explicit(&to->inbox, memory_order_relaxed);
    /* release: pairs with sta_heap_drain(), which follows the slabs' links;
     * acquire: pairs with its release, for the state that deliver() reads */
    do
        s->remote.next = head;
    while (!atomic_compare_exchange_weak_explicit(
        &to->inbox, &head, s, memory_order_acq_rel, memory_order_relaxed));
}

/* Puts a slab whose list is not empty any more in its owner's inbox, and does
 * the owner's work when it has no thread for it. */
static void deliver(struct sta_slab *s)
{
    struct sta_heap *to = sta_slab_owner(s);
    push_inbox(to, s);
    /* relaxed: the push acquired the state that an earlier drain released */
    if (!sta_heap_is_open(to))
        return;
    sta_lock_acquire(&to->lock);
    if (sta_heap_is_open(to))
        sta_heap_drain(to);
    sta_lock_release(&to->lock);
}

void sta_remote_send(const struct sta_parcel *p)
{
    struct sta_slab *s = p->slab;
    sta_remote_check(p);
    struct sta_remote *r = &s->remote;
    uint64_t list = atomic_load_explicit(&r->list, memory_order_relaxed);
    uint64_t more = list_of(p);
    struct sta_slot *last = sta_slot_at(s, p->last);
    /* release: pairs with take_in(), which follows the slots' links;
     * acquire: pairs with its release: it has read `next`, which may change */
    do
        sta_slot_link(last,
                      list == 0 ? STA_SLOT_END : sta_remote_first(s, list));
    while (!atomic_compare_exchange_weak_explicit(
        &r->list, &list, joined(more, list), memory_order_acq_rel,
        memory_order_relaxed));
    if (list == 0)
        deliver(s);
}

/* --- Taking in ----------------------------------------------------------- */

/* Puts linked slots on their slab's own list. */
static void splice(struct sta_slab *s, struct sta_slot *first,
                   struct sta_slot *last, uint32_t count, uint16_t sum)
{
    if (sta_slab_state(s) == STA_SLAB_THIN || s->few == 0) {
        for (; count > 0 && first != STA_SLOT_END; count--) {
            struct sta_slot *next = sta_slot_follow(first);
            sta_heap_free_local(first, s); /* may be due */
            first = next;
        }
        return;
    }
    if (sta_unlikely(!is_end(last)) && sta_options.check)
        sta_heap_die_of_write(last);
    if (s->free == STA_SLOT_END && !sta_slab_is_lazy(s)) {
        /* Those who look at a slot wait for another processor's cache. */
        sta_slab_set_owner(s, sta_slab_owner(s), true);
        s->sum = 0;
    }
    sta_slot_link(last, s->free);
    s->free = first;
    s->sum = (uint16_t)(s->sum + sum);
    if (count < s->countdown) {
        s->countdown -= count;
        return;
    }
    s->excess = (uint16_t)(s->excess - (count - s->countdown));
    s->countdown = 0;
    sta_heap_free_due(first, s);
}

/* The owner's heap is worked on: puts what came on the slab's own list. */
static void take_in(struct sta_slab *s, struct sta_remote *r)
{
    /* acquire: pairs with sta_remote_send(); release: pairs with it too, see
     * there */
    uint64_t list = atomic_exchange_explicit(&r->list, 0, memory_order_acq_rel);
    if (sta_likely(sta_remote_count(list) <= sta_slab_used(s)))
        splice(s, sta_remote_first(s, list), sta_remote_last(s, list),
               sta_remote_count(list), sta_remote_sum(list));
    else if (sta_options.check) /* more than are in use: one came twice */
        sta_heap_die_of_second_free(s, sta_remote_first(s, list),
                                    sta_remote_count(list));
}

/* Puts a slab that its old owner found in the new one's inbox.  No lock may be
 * waited for here, rank 2 is taken. */
static void send_on(struct sta_slab *s)
{
    struct sta_heap *to = sta_slab_owner(s);
    push_inbox(to, s);
    if (!sta_heap_is_open(to) || !sta_lock_try(&to->lock))
        return;
    if (sta_heap_is_open(to))
        sta_heap_drain(to);
    sta_lock_release(&to->lock);
}

void sta_heap_drain(struct sta_heap *h)
{
    /* acquire: pairs with push_inbox(); the slabs' links are visible;
     * release: pairs with it too, for the state that thread_end() has set */
    struct sta_slab *s =
        atomic_exchange_explicit(&h->inbox, NULL, memory_order_acq_rel);
    while (s) {
        struct sta_remote *r = &s->remote;
        struct sta_slab *next = r->next;
        if (sta_slab_owner(s) == h)
            take_in(s, r);
        else /* adopted meanwhile */
            send_on(s);
        s = next;
    }
}
