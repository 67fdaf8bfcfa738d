/* SPDX-License-Identifier: MIT */
/*
 * The slow halves of malloc and free: which list serves a size, what to do when
 * there is no memory, and what a pointer that is freed must look like.
 *
 * The slabs behind the lists are in bins.c, the runs in large.c.
 */
#include "heap/heap.h"

#include <string.h>

#include "heap/bins.h"
#include "os/die.h"

struct sta_heap sta_heap_none;
struct sta_heap sta_heap_gone;

static struct sta_slot *pop(struct sta_heap *h, uint32_t list)
{
    struct sta_slot *slot = h->free[list];
    h->free[list] = slot->next;
    slot->mark = 0;
    return slot;
}

/* Returns a slot of a list, refilling it at need; NULL: no memory. */
static void *alloc_from(struct sta_heap *h, uint32_t list)
{
    if (h->free[list])
        return pop(h, list);
    if (list >= STA_CLASS_COUNT) {
        struct sta_span dirty;
        return sta_large_alloc(h, list - STA_CLASS_COUNT, 1, &dirty);
    }
    return sta_bin_refill(h, list) ? pop(h, list) : NULL;
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

static void *alloc_large(size_t size, size_t align, struct sta_span *dirty)
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
        void *p = sta_large_alloc(h, (uint32_t)units, a, dirty);
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
    struct sta_span dirty;
    ensure_started();
    if (size <= STA_CLASS_TABLE_MAX)
        return alloc_entered(sta_class_of(size));
    if (size <= STA_RUN_BYTES_MAX)
        return alloc_entered((uint32_t)sta_heap_list_of(size));
    return alloc_large(size, 1, &dirty);
}

void *sta_heap_alloc_zero(size_t size)
{
    bool small = size <= STA_CLASS_TABLE_MAX;
    size_t list = small ? 0 : sta_heap_list_of(size);
    if (small || list < STA_CLASS_COUNT ||
        (list < STA_LIST_COUNT && sta_self->free[list] != NULL)) {
        void *p = sta_heap_alloc(size);
        return p == NULL ? NULL : memset(p, 0, size);
    }
    struct sta_span dirty;
    char *p = alloc_large(size, 1, &dirty);
    if (p != NULL && dirty.count)
        memset(p + ((size_t)dirty.first << STA_UNIT_LOG2), 0,
               (size_t)dirty.count << STA_UNIT_LOG2);
    return p;
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
    if (align <= STA_UNIT_BYTES && least <= STA_RUN_BYTES_MAX) {
        uint32_t list = STA_CLASS_COUNT + (uint32_t)units_of(least);
        return sta_self->free[list] ? pop(sta_self, list) : alloc_entered(list);
    }
    struct sta_span dirty;
    return alloc_large(size, align, &dirty);
}

/* True when `p` lies in a run behind its first unit, where the map is empty.
 * For a message only: it goes back over the map, and holds no lock. */
static STA_COLD bool is_inside_run(const void *p)
{
    for (uint32_t i = 0; i < STA_REGIONS_MAX; i++) {
        const struct sta_region *r = &sta_regions[i];
        uintptr_t offset = (uintptr_t)p - r->base;
        if (offset >= r->bytes)
            continue;
        size_t unit = offset >> STA_UNIT_LOG2;
        size_t first = unit;
        while (first > 0 && r->map[first] == 0)
            first--;
        const struct sta_slab *s = sta_region_slab(r, r->map[first]);
        return sta_slab_state(s) == STA_SLAB_RUN &&
               unit - first < s->unit_count;
    }
    return false;
}

struct sta_slab *sta_heap_check(const char *call, const void *p)
{
    struct sta_slab *s = sta_slab_of(p);
    if (s == NULL) {
        ensure_started(); /* it may be the first call */
        if (sta_options.foreign == STA_FOREIGN_ABORT)
            sta_die("%s(%p): not allocated by stalloc", call, p);
        return NULL;
    }
    uint32_t offset = (uint32_t)(uintptr_t)p - s->start_low;
    const char *fault = NULL;
    if (sta_slab_state(s) == STA_SLAB_NONE || sta_slab_state(s) == STA_SLAB_OWN)
        fault = is_inside_run(p)
                    ? "not the start of an object"
                    : "no object starts there, or it was freed before";
    else if (!sta_slot_is_start(offset, s->reciprocal) ||
             sta_slot_index(offset, s->reciprocal) >= sta_slab_carved(s))
        fault = "not the start of an object";
    else if (((const struct sta_slot *)p)->mark == sta_slot_mark(p)) {
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

/* A free in a slab that is not this thread's: what can be told at a glance goes
 * straight to its owner, the rest is looked at closely. */
STA_NOINLINE void sta_heap_free_other(struct sta_slab *s, struct sta_slot *slot)
{
    uint32_t offset = (uint32_t)(uintptr_t)slot - s->start_low;
    if (atomic_load_explicit(&s->owner, memory_order_relaxed) == NULL ||
        sta_slab_state(s) == STA_SLAB_RUN ||
        !sta_slot_is_start(offset, s->reciprocal) ||
        sta_slot_index(offset, s->reciprocal) >= sta_slab_carved(s) ||
        slot->mark == sta_slot_mark(slot))
        sta_heap_free_slow(slot);
    else
        sta_heap_free_remote(s, slot);
}

STA_NOINLINE void sta_heap_free_slow(void *p)
{
    if (p == NULL)
        return;
    struct sta_slab *s = sta_heap_check("free", p);
    if (s == NULL) {
        bool foreign = sta_slab_of(p) == NULL;
        if (foreign && sta_options.foreign == STA_FOREIGN_FORWARD &&
            sta_foreign_free)
            sta_foreign_free(p);
        return;
    }
    struct sta_heap *owner =
        atomic_load_explicit(&s->owner, memory_order_relaxed);
    if (owner == sta_self)
        sta_heap_free_local(s, p);
    else if (sta_slab_state(s) == STA_SLAB_RUN && owner != &sta_heap_shared)
        sta_large_free(s);
    else
        sta_heap_free_remote(s, p);
}
