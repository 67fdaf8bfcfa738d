/* SPDX-License-Identifier: MIT */
/*
 * Objects that are page runs, and resizing of objects of any size.
 *
 * A run of up to STA_RUN_UNITS_MAX units belongs to a heap, which keeps it for
 * the next request when it is freed; a larger one belongs to nobody and goes
 * straight back to the arena.  Either is the program's alone while it lives,
 * so that whichever thread resizes it may change its descriptor.
 */
#include "heap/heap.h"

#include <string.h>

#include "os/vm.h"

/* The list of a run that no heap keeps. */
static const uint8_t list_none = UINT8_MAX;

void *sta_large_alloc(struct sta_heap *h, uint32_t units, uint32_t align_units,
                      bool *zero)
{
    struct sta_slab *s =
        sta_pages_alloc(units, align_units, STA_SLAB_RUN, zero);
    if (s == NULL)
        return NULL;
    bool kept = units <= STA_RUN_UNITS_MAX;
    s->reciprocal = STA_SLOT_RECIPROCAL_RUN;
    s->capacity = 1;
    s->carved = 1;
    s->countdown = 1;
    s->list = kept ? (uint8_t)(STA_CLASS_COUNT + units) : list_none;
    atomic_store_explicit(&s->owner, kept ? h : NULL, memory_order_relaxed);
    if (kept)
        h->handed[s->list]++;
    struct sta_slot *slot = sta_slab_start(s);
    if (!*zero) /* the mark of a run that was freed here earlier */
        slot->mark = 0;
    return slot;
}

void sta_large_free(struct sta_slab *s)
{
    sta_pages_free(s, false);
}

size_t sta_heap_usable(const void *p)
{
    if (p == NULL)
        return 0;
    struct sta_slab *s = sta_heap_check("malloc_usable_size", p);
    return s ? sta_slab_object_bytes(s) : 0;
}

/* Resizes a run where it is; false when it must move. */
static bool resize_run(struct sta_slab *s, size_t size)
{
    size_t units = (size + STA_UNIT_BYTES - 1) >> STA_UNIT_LOG2;
    if (size <= STA_CLASS_TABLE_MAX || units >= UINT32_MAX)
        return false;
    if (units == s->unit_count)
        return true;
    if (!sta_pages_resize(s, (uint32_t)units))
        return false;
    if (s->list == list_none)
        return true;
    if (units <= STA_RUN_UNITS_MAX) {
        s->list = (uint8_t)(STA_CLASS_COUNT + units);
    } else {
        s->list = list_none;
        atomic_store_explicit(&s->owner, NULL, memory_order_relaxed);
    }
    return true;
}

/* Moves a big run's pages to a larger run; NULL when they must be copied. */
static void *move_run(struct sta_slab *s, size_t size)
{
    size_t bytes = (size_t)s->unit_count << STA_UNIT_LOG2;
    if (bytes < STA_MOVE_LEAST || size < bytes || sta_options.purge_never)
        return NULL;
    void *to = sta_heap_alloc_slow(size);
    if (to == NULL)
        return NULL;
    if (!sta_vm_move(to, sta_slab_start(s), bytes)) {
        sta_heap_free(to);
        return NULL;
    }
    sta_pages_free(s, true);
    return to;
}

void *sta_heap_realloc(void *p, size_t size)
{
    struct sta_slab *s = sta_heap_check("realloc", p);
    if (s == NULL)
        return NULL;
    size_t bytes = sta_slab_object_bytes(s);
    if (s->state == STA_SLAB_RUN) {
        if (size <= PTRDIFF_MAX && resize_run(s, size))
            return p;
        void *to = move_run(s, size);
        if (to)
            return to;
    } else if (size <= bytes &&
               (size > bytes / 2 || sta_class_of(size) == s->list)) {
        return p;
    }
    void *to = sta_heap_alloc(size);
    if (to == NULL)
        return NULL;
    memcpy(to, p, size < bytes ? size : bytes);
    sta_heap_free(p);
    return to;
}

/* Empties a heap's lists and inbox unless a thread works with it. */
static void reclaim_from(struct sta_heap *h)
{
    sta_lock_acquire(&h->lock);
    if (atomic_load_explicit(&h->state, memory_order_relaxed) !=
        STA_HEAP_ACTIVE) {
        sta_heap_drain(h);
        sta_heap_flush(h);
    }
    sta_lock_release(&h->lock);
}

void sta_heap_reclaim(void)
{
    /* Twice: what one heap's inbox holds may belong in that of another, which
     * adopted the slab. */
    for (int pass = 0; pass < 2; pass++) {
        struct sta_heap *own = sta_heap_enter();
        sta_heap_flush_outbox(own);
        sta_heap_drain(own);
        sta_heap_flush(own);
        sta_heap_leave(own);
        struct sta_heap *h =
            atomic_load_explicit(&sta_heaps, memory_order_acquire);
        for (; h; h = h->next)
            reclaim_from(h);
        reclaim_from(&sta_heap_shared);
    }
}

size_t sta_heap_trim(size_t keep_bytes)
{
    sta_heap_reclaim();
    return sta_pages_purge(keep_bytes);
}
