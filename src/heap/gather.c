/* SPDX-License-Identifier: MIT */
/*
 * Frees of objects that other heaps own.
 *
 * A thread gathers them in parcels, each of one slab, linked as they will be on
 * the slab's list, and sends whole parcels (remote.c): when another slab needs
 * the place, when there are too many bytes in all, and at its end.
 *
 * What is freed need not go at all.  A thread that is out of slots of a class
 * takes those in its parcels.  One that frees many objects of others mixes: all
 * that it frees, its own too, comes on the bin's own list, where its next
 * request finds it, up to a loan from one refill to the next.  Threads that
 * free each other's objects, and allocate as many, then hardly touch a line of
 * each other's, and no branch asks whose an object is.
 *
 * As far as their slab can tell such slots stay in use.  But each time one is
 * freed it comes through here, so at one refill in eight all goes home.
 *
 * I1  slots in a parcel, and those of other heaps' slabs on a bin's own list,
 *     count as used: their slab stays.
 * I2  heaps that no thread owns have none of the latter, and empty parcels.
 *
 * Threads that have no heap of their own free in another's under its lock while
 * no thread owns it, else send each slot as it comes.
 */
#include "heap/gather.h"

#include "core/bits.h"
#include "heap/bins.h"
#include "heap/check.h"
#include "heap/guard.h"
#include "heap/inherit.h"
#include "heap/remote.h"
#include "heap/thin.h"
#include "heap/threads.h"

/* --- Gathering ----------------------------------------------------------- */

/* Forgets a parcel, whose slots the caller sees to. */
static void empty(struct sta_outbox *out, struct sta_parcel *p)
{
    uint32_t bytes = p->count * sta_class_size[p->size_class];
    out->bytes -= bytes;
    out->bytes_of[p->size_class] -= bytes;
    p->slab = NULL;
}

static void send_parcel(struct sta_outbox *out, struct sta_parcel *p)
{
    sta_remote_send(p);
    empty(out, p);
}

/* Too much waits: one parcel after the other goes, each in its turn. */
static STA_NOINLINE void send_next(struct sta_outbox *out)
{
    out->most = sta_heap_cache_units(STA_OUTBOX_UNITS) << STA_UNIT_LOG2;
    while (out->bytes > out->most) {
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

static inline void count_in(struct sta_outbox *out, uint32_t c)
{
    uint32_t bytes = sta_class_size[c];
    out->bytes_of[c] += bytes;
    out->bytes += bytes;
    if (sta_unlikely(out->bytes > out->most))
        send_next(out);
}

static struct sta_parcel parcel_of_one(struct sta_slab *s,
                                       struct sta_slot *slot)
{
    return (struct sta_parcel){.slab = s,
                               .first = slot,
                               .last = sta_slot_place(s, slot),
                               .count = 1,
                               .sum = (uint16_t)(uintptr_t)slot,
                               .size_class = s->size_class};
}

/* Adds a slot to a parcel of its slab. */
STA_INLINE void add(struct sta_outbox *out, struct sta_parcel *p,
                    struct sta_slot *slot)
{
    sta_slot_push(&p->first, slot);
    p->count++;
    p->sum = (uint16_t)(p->sum + (uintptr_t)slot);
    out->foreign++;
    count_in(out, p->size_class);
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
    out->foreign++;
    size_t i = (size_t)(p - out->parcel);
    out->parcels_of[s->size_class][i / 64] |= UINT64_C(1) << i % 64;
    count_in(out, s->size_class);
}

/* Puts the slots of a parcel in front of a list. */
static struct sta_slot *prepend(struct sta_outbox *out, struct sta_parcel *p,
                                struct sta_slot *list)
{
    sta_remote_check(p);
    sta_slot_link(sta_slot_at(p->slab, p->last), list);
    list = p->first;
    empty(out, p);
    return list;
}

/* True while what is freed is to go home. */
static inline bool is_homeward(const struct sta_outbox *out)
{
    return out->refills % STA_HOME_SHARE == 0;
}

void sta_heap_turn(struct sta_heap *h)
{
    struct sta_outbox *out = h->out;
    out->refills++;
    bool keeps = sta_heap_mixes(h) && !is_homeward(out);
    h->lazy_own = STA_SLAB_LAZY | (keeps ? 0 : (uintptr_t)h);
    out->foreign -= out->foreign / STA_MIXED_SHARE;
}

bool sta_heap_reuse_gathered(struct sta_heap *h, uint32_t c)
{
    struct sta_outbox *out = h->out;
    struct sta_slot **own = &h->bins[c].own;
    if (out->bytes_of[c] < STA_REUSE_BYTES)
        return false;
    bool homeward = is_homeward(out);
    if (!homeward)
        h->handed[c] += out->bytes_of[c] / sta_class_size[c];
    for (uint32_t w = 0; w < STA_PARCEL_WORDS; w++) {
        for (uint64_t left = out->parcels_of[c][w]; left; left &= left - 1) {
            struct sta_parcel *p = &out->parcel[w * 64 + sta_ctz64(left)];
            if (p->slab == NULL || p->size_class != c)
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
    bool twice = here && sta_slab_has_freed(s, slot);
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
    bool active = sta_heap_state(owner) == STA_HEAP_ACTIVE;
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
        sta_remote_send(&p);
    }
}

/* True where a free is to look whether its slot has a mark: in a lazy slab only
 * if it is the one that was freed last. */
static bool is_to_look(const struct sta_heap *h, const struct sta_slot *slot,
                       const struct sta_slab *s)
{
    if (!sta_slab_is_lazy(s) || h->out == NULL ||
        h->bins[s->size_class].own == slot)
        return true;
    if (sta_slab_owner(s) == h)
        return s->free == slot;
    return parcel_at(h->out, s)->first == slot;
}

/* A slot whose slab has no parcel, and all that is wrong. */
static STA_NOINLINE void free_first(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_heap *h = sta_self;
    const struct sta_heap *owner = sta_slab_owner(s);
    if (owner == NULL || !sta_slab_is_start(s, slot) ||
        (is_to_look(h, slot, s) && sta_slot_is_free(slot)))
        sta_heap_free_slow(slot);
    else if (owner == h)
        sta_heap_free_local(slot, s);
    else if (h->out != NULL && sta_heap_state(owner) == STA_HEAP_ACTIVE)
        sta_heap_gather(h, slot, s);
    else
        sta_heap_free_remote(slot, s);
}

/* Puts a slot of a lazy slab, this heap's or another's, on the bin's own list;
 * false where that is not to be.  No branch depends on whose it is, which no
 * predictor would know. */
STA_INLINE bool keep(struct sta_heap *h, struct sta_slot *slot,
                     struct sta_slab *s)
{
    const struct sta_heap *owner = sta_slab_owner(s);
    if (!sta_slab_is_lazy(s) || !sta_slab_may_start(s, slot) ||
        !sta_bin_lends(h, s) || h->bins[s->size_class].own == slot ||
        sta_heap_state(owner) != STA_HEAP_ACTIVE)
        return false;
    h->out->foreign += owner != h;
    sta_bin_lend(h, slot, s->size_class);
    return true;
}

void sta_heap_free_elsewhere(struct sta_slot *slot, struct sta_slab *s)
{
    struct sta_heap *h = sta_self;
    if (sta_likely(h->out != NULL)) {
        if (h->lazy_own == STA_SLAB_LAZY && keep(h, slot, s))
            return;
        struct sta_parcel *p = parcel_at(h->out, s);
        /* A slab that has a parcel is in use, and another heap's. */
        if (sta_likely(p->slab == s && sta_slab_may_start(s, slot)) &&
            sta_likely((sta_slab_is_lazy(s) && p->first != slot) ||
                       !sta_slot_may_be_free(slot))) {
            add(h->out, p, slot);
            return;
        }
    }
    free_first(slot, s);
}
