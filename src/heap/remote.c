/* SPDX-License-Identifier: MIT */
/*
 * Frees that cross from one thread to another.
 *
 * What costs here is not instructions but cache lines that go from processor to
 * processor.  So neither side visits the slots of the other one by one:
 *
 *     freeing thread                              owner
 *     parcel[n] { slab, slot -> slot -> slot }
 *          | one compare-and-swap for all of them
 *          v
 *     remote of the slab { first, last, count, sum; next }
 *          | the slab, if nothing was there         | one exchange
 *          v                                        v
 *     inbox of its owner -> slab -> slab       slab's own list
 *
 * A thread gathers the slots that it frees in parcels, each of one slab, linked
 * as they will be on the slab's list.  A parcel goes when another slab needs
 * its place, when there are too many bytes in all, and at the thread's end.  It
 * is put in front of what waits in the slab's sta_remote; four numbers of 16
 * bits say all that the owner must know of the list, so that one word changes.
 * Whoever finds the list empty also puts the slab in its owner's inbox, a stack
 * that anybody pushes on and only the owner empties, all at once, in a refill;
 * there is no pop, hence no ABA.  The owner takes each list as it is, and looks
 * at no slot but the last, to link it to what the slab has already.
 *
 * I1  a slab is in an inbox, or about to be put there by the one thread that
 *     found its list empty, exactly while the list is not.  So `next` has one
 *     writer at a time.
 * I2  slots in a parcel or a sta_remote, and those of other heaps' slabs on a
 *     bin's own list, count as used: their slab stays.
 * I3  heaps that no thread owns have none of the latter, and empty parcels.
 *
 * What is freed need not go at all: up to a loan it comes on the bin's own
 * list, where this thread's next request finds it; and a thread that is out of
 * slots of a class takes those in its parcels (sta_heap_reuse_gathered).  They
 * stay in use as far as their slab can tell, so threads that free each other's
 * objects, and allocate as many, hardly touch a line of each other's.  But each
 * time such a slot is freed it comes through here, so at one refill in eight
 * what is gathered goes home.
 *
 * A slab may change its owner meanwhile: the old owner then sends it on.
 *
 * Nothing may be lost when a heap becomes idle just as a slab is sent: the
 * ending thread sets the state and then empties the inbox; the sender pushes
 * and then reads the state.  Both change the inbox in one step, and each such
 * step acquires what the one before released: either the slab is there when the
 * inbox is emptied, or the push comes later and its thread sees the new state.
 * tests/unit/remote_model runs all of this in every order that C11 allows.
 *
 * Threads that have no heap of their own free in another's under its lock while
 * no thread owns it, else send each slot as it comes.
 */
#include "heap/remote.h"

#include "core/bits.h"
#include "heap/bins.h"
#include "heap/guard.h"
#include "heap/inherit.h"

/* --- The list in one word ------------------------------------------------ */

/* A slot's place in its slab, in steps of 16 bytes. */
static uint64_t place_of(const struct sta_slab *s, const struct sta_slot *slot)
{
    return ((uint32_t)(uintptr_t)slot - s->start_low) / 16;
}

static uint64_t list_of(const struct sta_parcel *p)
{
    return place_of(p->slab, p->first) | (uint64_t)p->last << 16 |
           (uint64_t)p->count << 32 | (uint64_t)p->sum << 48;
}

static struct sta_parcel parcel_of_one(struct sta_slab *s,
                                       struct sta_slot *slot)
{
    return (struct sta_parcel){
        s,      slot, (uint16_t)place_of(s, slot), 1, (uint16_t)(uintptr_t)slot,
        s->list};
}

/* Returns the list that has the slots of `more` in front of those of `list`. */
static uint64_t joined(uint64_t more, uint64_t list)
{
    uint64_t last = (list == 0 ? more : list) & UINT64_C(0xffff0000);
    uint64_t count = (more + list) & UINT64_C(0xffff) << 32;
    uint64_t sum = ((more >> 48) + (list >> 48)) << 48;
    return (more & UINT16_MAX) | last | count | sum;
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

static void send(const struct sta_parcel *p)
{
    struct sta_slab *s = p->slab;
    if (sta_unlikely(sta_slab_owner(s) == NULL)) /* empty without these */
        sta_heap_die_of_write(p->first);
    struct sta_remote *r = &s->remote;
    uint64_t list = atomic_load_explicit(&r->list, memory_order_relaxed);
    uint64_t more = list_of(p);
    struct sta_slot *last = sta_remote_last(s, more);
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

/* --- Gathering ----------------------------------------------------------- */

/* Forgets a parcel, whose slots the caller sees to. */
static void empty(struct sta_outbox *out, struct sta_parcel *p)
{
    uint32_t bytes = p->count * sta_class_size[p->list];
    out->bytes -= bytes;
    out->bytes_of[p->list] -= bytes;
    p->slab = NULL;
}

static void send_parcel(struct sta_outbox *out, struct sta_parcel *p)
{
    send(p);
    empty(out, p);
}

/* Too much waits: one parcel after the other goes, each in its turn. */
static STA_NOINLINE void send_next(struct sta_outbox *out)
{
    while (out->bytes > STA_OUTBOX_BYTES) {
        struct sta_parcel *p = &out->parcel[out->turn++ % STA_PARCELS];
        if (p->slab != NULL)
            send_parcel(out, p);
    }
}

void sta_heap_flush_outbox(struct sta_heap *h)
{
    struct sta_outbox *out = h->out;
    for (uint32_t i = 0; i < STA_PARCELS && out && out->bytes != 0; i++)
        if (out->parcel[i].slab != NULL)
            send_parcel(out, &out->parcel[i]);
}

/* Returns the place of a slab's parcel. */
static inline struct sta_parcel *parcel_at(struct sta_outbox *out,
                                           const struct sta_slab *s)
{
    return &out->parcel[(uintptr_t)s / sizeof *s % STA_PARCELS];
}

static inline void count_in(struct sta_outbox *out, uint32_t list)
{
    uint32_t bytes = sta_class_size[list];
    out->bytes_of[list] += bytes;
    out->bytes += bytes;
    if (sta_unlikely(out->bytes > STA_OUTBOX_BYTES))
        send_next(out);
}

/* Adds a slot to a parcel of its slab. */
STA_INLINE void add(struct sta_outbox *out, struct sta_parcel *p,
                    struct sta_slot *slot)
{
    sta_slot_link(slot, p->first);
    p->first = slot;
    p->count++;
    p->sum = (uint16_t)(p->sum + (uintptr_t)slot);
    count_in(out, p->list);
}

void sta_heap_gather(struct sta_heap *h, struct sta_slot *slot,
                     struct sta_slab *s)
{
    struct sta_outbox *out = h->out;
    struct sta_parcel *p = parcel_at(out, s);
    if (p->slab == s) {
        add(out, p, slot);
        return;
    }
    if (p->slab != NULL)
        send_parcel(out, p);
    sta_slot_link(slot, STA_SLOT_END);
    *p = parcel_of_one(s, slot);
    size_t i = (size_t)(p - out->parcel);
    out->parcels_of[s->list][i / 64] |= UINT64_C(1) << i % 64;
    count_in(out, s->list);
}

/* Puts the slots of a parcel in front of a list. */
static struct sta_slot *prepend(struct sta_outbox *out, struct sta_parcel *p,
                                struct sta_slot *list)
{
    sta_slot_link(sta_remote_last(p->slab, (uint64_t)p->last << 16), list);
    list = p->first;
    empty(out, p);
    return list;
}

/* True while what is freed is to go home. */
static bool is_homeward(const struct sta_outbox *out)
{
    return out->refills % STA_HOME_SHARE == 0;
}

bool sta_heap_reuse_gathered(struct sta_heap *h, uint32_t c)
{
    struct sta_outbox *out = h->out;
    struct sta_slot **own = &h->bins[c].own;
    out->refills++;
    if (out->bytes_of[c] < STA_REUSE_BYTES)
        return false;
    bool homeward = is_homeward(out);
    if (!homeward)
        h->handed[c] += out->bytes_of[c] / sta_class_size[c];
    for (uint32_t w = 0; w < STA_PARCEL_WORDS; w++) {
        for (uint64_t left = out->parcels_of[c][w]; left; left &= left - 1) {
            struct sta_parcel *p = &out->parcel[w * 64 + sta_ctz64(left)];
            if (p->slab == NULL || p->list != c)
                continue;
            if (homeward)
                send_parcel(out, p);
            else
                *own = prepend(out, p, *own);
        }
        out->parcels_of[c][w] = 0;
    }
    return !homeward;
}

struct sta_slot *sta_heap_ungather(struct sta_heap *h,
                                   bool (*of)(const struct sta_slab *))
{
    struct sta_outbox *out = h->out;
    struct sta_slot *list = STA_SLOT_END;
    for (uint32_t i = 0; i < STA_PARCELS && out != NULL; i++)
        if (out->parcel[i].slab != NULL && of(out->parcel[i].slab))
            list = prepend(out, &out->parcel[i], list);
    return list;
}

/* --- Freeing ------------------------------------------------------------- */

/* Frees a slot in a heap that no thread owns; false when one owns it now. */
static bool free_locked(struct sta_heap *owner, struct sta_slot *slot,
                        struct sta_slab *s)
{
    sta_lock_acquire(&owner->lock);
    bool here = sta_slab_owner(s) == owner && sta_heap_is_open(owner);
    bool twice = here && sta_slot_is_free(slot);
    if (here && !twice)
        sta_heap_free_local(slot, s);
    sta_lock_release(&owner->lock);
    if (twice) /* says so, without the lock */
        sta_heap_check("free", slot);
    return here;
}

/* Gives a thread's heap what it gathers in; false when there is no memory. */
static bool has_parcels(struct sta_heap *h)
{
    if (h == &sta_heap_none || h == &sta_heap_gone)
        return false;
    if (h->out == NULL)
        h->out = sta_pages_own();
    return h->out != NULL;
}

STA_NOINLINE void sta_heap_free_remote(struct sta_slot *slot,
                                       struct sta_slab *s)
{
    if (sta_guard_active()) {
        sta_guard_free(slot, s, STA_FAMILY_MALLOC);
        return;
    }
    struct sta_heap *owner = sta_slab_owner(s);
    bool active = atomic_load_explicit(&owner->state, memory_order_relaxed) ==
                  STA_HEAP_ACTIVE;
    if (!active && sta_heap_inherit(owner, slot, s))
        return;
    /* A thread that only frees gets a heap all the same, to gather in. */
    if (active && sta_self == &sta_heap_none)
        sta_heap_leave(sta_heap_enter());
    if (has_parcels(sta_self)) {
        sta_heap_gather(sta_self, slot, s);
    } else if (active || !free_locked(owner, slot, s)) {
        sta_slot_link(slot, STA_SLOT_END);
        struct sta_parcel p = parcel_of_one(s, slot);
        send(&p);
    }
}

/* True where a free is to look whether its slot has a mark: in a lazy slab only
 * if it is the one that this thread freed last. */
static inline bool is_to_look(const struct sta_slab *s,
                              const struct sta_slot *slot,
                              const struct sta_parcel *p)
{
    return !sta_slab_is_lazy(s) || p->first == slot;
}

/* Keeps a slot of another heap's for the next request, or for that heap. */
static void keep_or_gather(struct sta_heap *h, struct sta_slot *slot,
                           struct sta_slab *s)
{
    if (sta_bin_lends(h, s) && !is_homeward(h->out))
        sta_bin_lend(h, slot, s->list);
    else
        sta_heap_gather(h, slot, s);
}

/* A slot whose slab has no parcel, and all that is wrong. */
static STA_NOINLINE void free_first(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_heap *h = sta_self;
    const struct sta_heap *owner = sta_slab_owner(s);
    bool wrong = owner == NULL || !sta_slab_is_start(s, slot);
    if (!wrong && (h->out == NULL || h->bins[s->list].own == slot ||
                   is_to_look(s, slot, parcel_at(h->out, s))))
        wrong = sta_slot_is_free(slot);
    if (wrong)
        sta_heap_free_slow(slot);
    else if (h->out != NULL &&
             atomic_load_explicit(&owner->state, memory_order_relaxed) ==
                 STA_HEAP_ACTIVE)
        keep_or_gather(h, slot, s);
    else
        sta_heap_free_remote(slot, s);
}

void sta_heap_free_elsewhere(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_outbox *out = sta_self->out;
    if (sta_likely(out != NULL)) {
        struct sta_parcel *p = parcel_at(out, s);
        /* A slab that has a parcel is in use, and another heap's. */
        if (sta_likely(p->slab == s && sta_slab_may_start(s, slot)) &&
            sta_likely(!is_to_look(s, slot, p) ||
                       !sta_slot_may_be_free(slot))) {
            add(out, p, slot);
            return;
        }
    }
    free_first(slot, s);
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
    /* acquire: pairs with send(); release: pairs with it too, see there */
    uint64_t list = atomic_exchange_explicit(&r->list, 0, memory_order_acq_rel);
    if (sta_likely(sta_remote_count(list) <= sta_slab_used(s)))
        splice(s, sta_remote_first(s, list), sta_remote_last(s, list),
               sta_remote_count(list), sta_remote_sum(list));
    else if (sta_options.check) /* more than are in use: one came twice */
        sta_heap_die_of_second_free(s, sta_remote_first(s, list),
                                    sta_remote_count(list));
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
        else /* adopted meanwhile; no lock may be taken here, rank 2 is */
            push_inbox(sta_slab_owner(s), s);
        s = next;
    }
}
