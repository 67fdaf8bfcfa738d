/* SPDX-License-Identifier: MIT */
/*
 * The slow halves of malloc and free: slabs come and go here.
 *
 * Life of a slab in its bin:
 *
 *     new --> CURRENT --(no slot left)--> FULL --(some slots free)--> PARTIAL
 *                ^                                                     |  |
 *                +---------------(current is used up)------------------+  |
 *                                                       (all slots free)  v
 *                                                                   the arena
 *
 * A refill of an empty list takes the current slab's whole free list, else cuts
 * a page's worth of new slots.  A full slab is left alone until a sixteenth of
 * its slots is free: to fetch them one by one would cost a slow call each.  Of
 * a slab with fewer slots than that, the freed one goes straight to the heap's
 * list, up to a loan that each refill renews.  The oldest partial slab is
 * next, which gives the others time to become empty; a few empty ones are
 * kept, whose slots are cut and linked already.
 *
 * A bin's first slab is small and each further one twice as large, up to 64
 * KiB, so that a small program touches few pages and a large one few slabs.
 *
 * Freed runs wait on the heap's lists up to a share of what is in use; the
 * fast path does not count what it takes, so they are counted again when a
 * budget of frees is used up, and half of each list goes if they are too many.
 *
 * Every function here that is given a heap works on it: it is the thread's
 * own, or its lock is held.
 */
#include "heap/heap.h"

#include <string.h>

#include "os/die.h"

struct sta_heap sta_heap_none;
struct sta_heap sta_heap_gone;

static uintptr_t mark_of(const struct sta_slot *slot)
{
    return (uintptr_t)slot ^ sta_options.key;
}

static struct sta_slot *pop(struct sta_heap *h, uint32_t list)
{
    struct sta_slot *slot = h->free[list];
    h->free[list] = slot->next;
    slot->mark = 0;
    return slot;
}

/* Slots of a slab that are not on its own list. */
static uint32_t used_slots(const struct sta_slab *s)
{
    return s->countdown + s->excess;
}

/* --- Slabs --------------------------------------------------------------- */

/*
 * Units of the `nth` slab of a bin: the fewest that waste at most an eighth
 * behind the last slot, doubled for each slab that the bin has already.
 */
static uint32_t slab_units(uint32_t slot_bytes, uint32_t nth)
{
    uint32_t units = 1;
    while (units * STA_UNIT_BYTES % slot_bytes * 8 > units * STA_UNIT_BYTES ||
           units * STA_UNIT_BYTES < slot_bytes)
        units++;
    while (nth-- > 0 && units * 2 <= STA_SLAB_UNITS_MAX)
        units *= 2;
    return units;
}

static struct sta_slab *new_slab(struct sta_heap *h, uint32_t c)
{
    bool zero;
    uint32_t slot_bytes = sta_class_bytes(c);
    uint32_t nth = h->bins[c].slab_count;
    uint32_t units = slab_units(slot_bytes, nth);
    struct sta_slab *s = sta_pages_alloc(units, 1, STA_SLAB_CURRENT, &zero);
    if (s == NULL && nth > 0) {
        units = slab_units(slot_bytes, 0);
        s = sta_pages_alloc(units, 1, STA_SLAB_CURRENT, &zero);
    }
    if (s == NULL)
        return NULL;
    s->reciprocal = sta_slot_reciprocal(slot_bytes);
    s->capacity = (uint16_t)(units * STA_UNIT_BYTES / slot_bytes);
    s->list = (uint8_t)c;
    sta_list_init(&s->link);
    atomic_store_explicit(&s->owner, h, memory_order_relaxed);
    h->bins[c].slab_count++;
    return s;
}

static struct sta_slab *slab_of_link(struct sta_list *link)
{
    return (struct sta_slab *)(void *)((char *)link -
                                       offsetof(struct sta_slab, link));
}

/* Gives an empty slab's memory back to the arena. */
static void release(struct sta_heap *h, struct sta_slab *s)
{
    h->bins[s->list].slab_count--;
    sta_list_remove(&s->link);
    sta_pages_free(s, false);
}

/* Keeps an empty partial slab where it is, or releases it. */
static void spare_or_release(struct sta_heap *h, struct sta_slab *s)
{
    if (h->spare_units + s->unit_count > STA_SPARE_UNITS)
        release(h, s);
    else
        h->spare_units += s->unit_count;
}

/* Sets a slab with hardly a slot to spare aside until `frees` more came. */
static void set_full(struct sta_slab *s, uint32_t frees)
{
    uint32_t used = used_slots(s);
    s->state = STA_SLAB_FULL;
    s->excess = (uint16_t)(used - frees);
    s->countdown = frees;
}

static void set_partial(struct sta_heap *h, struct sta_slab *s)
{
    s->state = STA_SLAB_PARTIAL;
    s->countdown = used_slots(s);
    s->excess = 0;
    sta_list_append(&h->bins[s->list].partial, &s->link);
}

/* Finds the slab to refill from next: partial, idle or new. */
static struct sta_slab *next_slab(struct sta_heap *h, uint32_t c)
{
    struct sta_list *partial = &h->bins[c].partial;
    struct sta_slab *s;
    if (!sta_list_empty(partial)) {
        s = slab_of_link(partial->next);
        sta_list_remove(&s->link);
        s->state = STA_SLAB_CURRENT;
        if (s->countdown == 0)
            h->spare_units -= s->unit_count;
        return s;
    }
    s = sta_heap_adopt(h, c);
    return s ? s : new_slab(h, c);
}

/* Cuts up to a page's worth of new slots onto the heap's list. */
static void carve(struct sta_heap *h, struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    uint32_t count = STA_CARVE_BYTES / slot_bytes;
    uint32_t left = (uint32_t)s->capacity - s->carved;
    count = count == 0 ? 1 : count > left ? left : count;
    char *at = (char *)sta_slab_start(s) + (size_t)s->carved * slot_bytes;
    struct sta_slot *first = (struct sta_slot *)(void *)at;
    struct sta_slot *slot = first;
    for (uint32_t i = 1; i < count; i++) {
        struct sta_slot *next = (struct sta_slot *)(void *)(at += slot_bytes);
        slot->next = next;
        slot->mark = mark_of(slot);
        slot = next;
    }
    slot->next = NULL;
    slot->mark = mark_of(slot);
    h->free[s->list] = first;
    h->handed[s->list] += count;
    s->carved = (uint16_t)(s->carved + count);
    s->countdown += count;
}

/* Puts slots of class `c` on the heap's empty list; false: no memory. */
static bool refill(struct sta_heap *h, uint32_t c)
{
    struct sta_bin *bin = &h->bins[c];
    if (atomic_load_explicit(&h->inbox, memory_order_relaxed))
        sta_heap_drain(h);
    if (h->free[c]) /* lent by full slabs that others freed into */
        return true;
    bin->loan = STA_LOAN_BYTES / sta_class_bytes(c);
    for (;;) {
        struct sta_slab *s = bin->current;
        if (s == NULL) {
            s = bin->current = next_slab(h, c);
            if (s == NULL)
                return false;
        }
        uint32_t ready = s->carved - used_slots(s);
        if (ready > s->capacity / STA_FULL_SHARE) {
            h->free[c] = s->free;
            h->handed[c] += ready;
            s->free = NULL;
            s->countdown = s->carved;
            return true;
        }
        if (s->carved < s->capacity) {
            carve(h, s);
            return true;
        }
        bin->current = NULL;
        set_full(s, s->capacity / STA_FULL_SHARE + 1 - ready);
    }
}

/* --- Allocation ---------------------------------------------------------- */

/* Returns a slot of a list, refilling it at need; NULL: no memory. */
static void *alloc_from(struct sta_heap *h, uint32_t list)
{
    if (h->free[list])
        return pop(h, list);
    if (list >= STA_CLASS_COUNT) {
        bool zero;
        return sta_large_alloc(h, list - STA_CLASS_COUNT, 1, &zero);
    }
    return refill(h, list) ? pop(h, list) : NULL;
}

static void *alloc_entered(uint32_t list)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct sta_heap *h = sta_heap_enter();
        void *p = alloc_from(h, list);
        sta_heap_leave(h);
        if (sta_likely(p != NULL))
            return p;
        if (attempt == 0)
            sta_heap_reclaim();
    }
    sta_pages_refuse();
    return NULL;
}

static size_t units_of(size_t size)
{
    return (size + STA_UNIT_BYTES - 1) >> STA_UNIT_LOG2;
}

static void *alloc_large(size_t size, size_t align, bool *zero)
{
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX) {
        sta_pages_refuse();
        return NULL;
    }
    size_t units = size == 0 ? 1 : units_of(size);
    size_t align_units = align >> STA_UNIT_LOG2;
    bool sane = units < UINT32_MAX && align_units < UINT32_MAX;
    for (int attempt = 0; sane && attempt < 2; attempt++) {
        uint32_t a = align_units == 0 ? 1 : (uint32_t)align_units;
        struct sta_heap *h = sta_heap_enter();
        void *p = sta_large_alloc(h, (uint32_t)units, a, zero);
        sta_heap_leave(h);
        if (sta_likely(p != NULL))
            return p;
        if (attempt == 0)
            sta_heap_reclaim();
    }
    sta_pages_refuse();
    return NULL;
}

/* Has the options read before the first call decides by them. */
static void ensure_started(void)
{
    if (sta_unlikely(!sta_heap_started()))
        sta_heap_leave(sta_heap_enter());
}

void *sta_heap_alloc_slow(size_t size)
{
    bool zero;
    ensure_started();
    if (size <= STA_CLASS_TABLE_MAX)
        return alloc_entered(sta_class_of(size));
    if (size <= (size_t)STA_RUN_UNITS_MAX << STA_UNIT_LOG2)
        return alloc_entered((uint32_t)sta_heap_list_of(size));
    return alloc_large(size, 1, &zero);
}

void *sta_heap_alloc_zero(size_t size)
{
    bool zero = false;
    void *p;
    bool run = size > STA_CLASS_TABLE_MAX;
    size_t list = run ? sta_heap_list_of(size) : 0;
    if (!run || list < STA_CLASS_COUNT ||
        (list < STA_LIST_COUNT && sta_self->free[list] != NULL))
        p = sta_heap_alloc(size);
    else
        p = alloc_large(size, 1, &zero);
    return p == NULL || zero ? p : memset(p, 0, size);
}

void *sta_heap_alloc_aligned(size_t size, size_t align)
{
    if (align <= 16)
        return sta_heap_alloc(size);
    ensure_started();
    size_t least = size < align ? align : size;
    if (align < STA_UNIT_BYTES && least <= sta_options.slab_max) {
        /* Slabs begin at a page: a slot size that is a multiple of `align`
         * aligns every slot.  A power of two is never far. */
        uint32_t c = sta_class_of(least);
        while (c < STA_CLASS_COUNT && sta_class_bytes(c) % align != 0)
            c++;
        if (c < STA_CLASS_COUNT && sta_class_bytes(c) <= sta_options.slab_max)
            return sta_self->free[c] ? pop(sta_self, c) : alloc_entered(c);
    }
    bool zero;
    return alloc_large(size, align, &zero);
}

/* --- Free ---------------------------------------------------------------- */

/* Gives back the runs behind the first `keep` of a list; returns how many
 * stay. */
static uint32_t cut_runs(struct sta_heap *h, uint32_t list, uint32_t keep)
{
    struct sta_slot **link = &h->free[list];
    uint32_t kept = 0;
    while (*link && kept < keep) {
        link = &(*link)->next;
        kept++;
    }
    struct sta_slot *slot = *link;
    *link = NULL;
    while (slot) {
        struct sta_slot *next = slot->next;
        h->handed[list]--;
        sta_large_free(sta_slab_of(slot));
        slot = next;
    }
    return kept;
}

void sta_heap_flush_runs(struct sta_heap *h)
{
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++)
        cut_runs(h, STA_CLASS_COUNT + n, 0);
    h->run_budget = STA_RUN_KEEP_UNITS;
}

/* Counts the units that wait on the run lists, halves the lists when they are
 * too many, and sets the budget until the next count. */
static STA_NOINLINE void recount_runs(struct sta_heap *h)
{
    uint32_t runs[STA_RUN_UNITS_MAX + 1];
    uint32_t units = 0;
    size_t share = sta_pages_used() / STA_RUN_KEEP_SHARE;
    uint32_t most = STA_RUN_KEEP_UNITS + (uint32_t)share;
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++) {
        runs[n] = 0;
        for (struct sta_slot *s = h->free[STA_CLASS_COUNT + n]; s; s = s->next)
            runs[n]++;
        units += n * runs[n];
    }
    if (units > most / 2) {
        units = 0;
        for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++)
            units += n * cut_runs(h, STA_CLASS_COUNT + n, runs[n] / 2);
    }
    h->run_budget = most - units;
}

/* Takes a run that was freed on its list. */
static void keep_run(struct sta_heap *h, struct sta_slab *s,
                     struct sta_slot *slot)
{
    slot->next = h->free[s->list];
    h->free[s->list] = slot;
    h->handed[s->list]++;
    s->free = NULL;
    s->countdown = 1;
    if (h->run_budget <= s->unit_count)
        recount_runs(h);
    else
        h->run_budget -= s->unit_count;
}

/* Enough frees came in a full slab: makes it partial, or lends the only slot
 * that a slab of few is waiting for to the heap's list. */
static void free_in_full(struct sta_heap *h, struct sta_slab *s,
                         struct sta_slot *slot)
{
    struct sta_bin *bin = &h->bins[s->list];
    if (bin->loan > 0 && s->capacity < STA_FULL_SHARE) {
        bin->loan--;
        s->free = NULL;
        s->countdown = 1;
        slot->next = h->free[s->list];
        h->free[s->list] = slot;
        h->handed[s->list]++;
        return;
    }
    set_partial(h, s);
    if (s->countdown == 0)
        spare_or_release(h, s);
}

void sta_heap_free_due(struct sta_slab *s, struct sta_slot *slot)
{
    struct sta_heap *h = atomic_load_explicit(&s->owner, memory_order_relaxed);
    if (s->state == STA_SLAB_RUN)
        keep_run(h, s, slot);
    else if (s->state == STA_SLAB_FULL)
        free_in_full(h, s, slot);
    else if (s->state == STA_SLAB_PARTIAL)
        spare_or_release(h, s);
    /* An empty current slab stays: its bin is likely to need it again. */
}

void sta_heap_free_local(struct sta_slab *s, struct sta_slot *slot)
{
    slot->mark = mark_of(slot);
    slot->next = s->free;
    s->free = slot;
    if (--s->countdown == 0)
        sta_heap_free_due(s, slot);
}

struct sta_slab *sta_heap_check(const char *call, const void *p)
{
    struct sta_slab *s = sta_slab_of(p);
    if (s == NULL) {
        if (sta_options.foreign == STA_FOREIGN_ABORT)
            sta_die("%s(%p): not allocated by stalloc", call, p);
        return NULL;
    }
    uint32_t offset = (uint32_t)(uintptr_t)p - s->start_low;
    const char *fault = NULL;
    if (s->state == STA_SLAB_NONE || s->state == STA_SLAB_OWN)
        fault = "no object is there, or it was freed before";
    else if (!sta_slot_is_start(offset, s->reciprocal) ||
             sta_slot_index(offset, s->reciprocal) >= s->carved)
        fault = "not the start of an object";
    else if (((const struct sta_slot *)p)->mark == mark_of(p)) {
        if (sta_options.check)
            sta_die("%s(%p): double free of a %zu-byte object", call, p,
                    sta_slab_object_bytes(s));
        return NULL;
    }
    if (fault == NULL)
        return s;
    if (sta_options.check)
        sta_die("%s(%p): %s", call, p, fault);
    return NULL;
}

STA_NOINLINE void sta_heap_free_slow(void *p)
{
    if (p == NULL)
        return;
    struct sta_slab *s = sta_heap_check("free", p);
    if (s == NULL)
        return;
    struct sta_heap *owner =
        atomic_load_explicit(&s->owner, memory_order_relaxed);
    if (owner == sta_self)
        sta_heap_free_local(s, p);
    else if (s->state == STA_SLAB_RUN && owner != &sta_heap_shared)
        sta_large_free(s);
    else
        sta_heap_free_remote(s, p);
}

/* --- Giving back --------------------------------------------------------- */

/* Puts the slots on the list of class `c` back in their slabs. */
static void flush_list(struct sta_heap *h, uint32_t c)
{
    h->bins[c].loan = 0;
    while (h->free[c]) {
        struct sta_slot *slot = pop(h, c);
        h->handed[c]--;
        sta_heap_free_local(sta_slab_of(slot), slot);
    }
}

/* Releases the empty slabs of a bin. */
static void flush_spares(struct sta_heap *h, struct sta_bin *bin)
{
    struct sta_list *link = bin->partial.next;
    while (link != &bin->partial) {
        struct sta_slab *s = slab_of_link(link);
        link = link->next;
        if (s->countdown == 0) {
            h->spare_units -= s->unit_count;
            release(h, s);
        }
    }
}

void sta_heap_flush(struct sta_heap *h)
{
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        struct sta_bin *bin = &h->bins[c];
        flush_list(h, c);
        flush_spares(h, bin);
        struct sta_slab *s = bin->current;
        if (s == NULL)
            continue;
        bin->current = NULL;
        if (used_slots(s) == 0)
            release(h, s);
        else if (used_slots(s) < s->capacity)
            set_partial(h, s);
        else
            set_full(s, 1);
    }
    sta_heap_flush_runs(h);
}
