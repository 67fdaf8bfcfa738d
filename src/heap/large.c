/* SPDX-License-Identifier: MIT */
/*
 * Objects that are page runs, and resizing of objects of any size.
 *
 * A run of up to STA_RUN_UNITS_MAX units belongs to a heap, which keeps it for
 * the next request when it is freed; a larger one belongs to nobody and goes
 * straight back to the arena.  Kept runs are at most a share of what is in use;
 * the fast path does not count what it takes, so they are counted again when a
 * budget of frees is used up, and half of each list goes if they are too many.
 *
 * Either is the program's alone while it lives, so that whichever thread
 * resizes it may change its descriptor.
 */
#include "heap/heap.h"

#include <string.h>

#include "os/vm.h"

/* The list of a run that no heap keeps. */
static const uint8_t list_none = UINT8_MAX;

void *sta_large_alloc(struct sta_heap *h, uint32_t units, uint32_t align_units,
                      struct sta_span *dirty)
{
    struct sta_slab *s =
        sta_pages_alloc(units, align_units, STA_SLAB_RUN, dirty);
    if (s == NULL)
        return NULL;
    bool kept = units <= STA_RUN_UNITS_MAX;
    s->reciprocal = STA_SLOT_RECIPROCAL_RUN;
    s->capacity = 1;
    sta_slab_set_carved(s, 1);
    s->countdown = 1;
    s->list = kept ? (uint8_t)(STA_CLASS_COUNT + units) : list_none;
    atomic_store_explicit(&s->owner, kept ? h : NULL, memory_order_relaxed);
    if (kept)
        h->handed[s->list]++;
    struct sta_slot *slot = sta_slab_start(s);
    if (dirty->count) /* the mark of a run that was freed here earlier */
        slot->mark = 0;
    return slot;
}

void sta_large_free(struct sta_slab *s)
{
    sta_pages_free(s, false);
}

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

void sta_large_flush(struct sta_heap *h)
{
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++)
        cut_runs(h, STA_CLASS_COUNT + n, 0);
    h->run_budget = sta_pages_cache_units(STA_RUN_KEEP_UNITS);
    h->shrinks = sta_pages_shrinks();
}

/* Counts the units that wait on the run lists, halves the lists when they are
 * too many, and sets the budget until the next count. */
static STA_NOINLINE void recount_runs(struct sta_heap *h)
{
    uint32_t runs[STA_RUN_UNITS_MAX + 1];
    uint32_t units = 0;
    size_t share = sta_pages_used() / STA_RUN_KEEP_SHARE;
    uint32_t most = sta_pages_cache_units(STA_RUN_KEEP_UNITS + (uint32_t)share);
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

void sta_large_keep(struct sta_slab *s, struct sta_slot *slot)
{
    struct sta_heap *h = atomic_load_explicit(&s->owner, memory_order_relaxed);
    bool only = h->free[s->list] == NULL;
    slot->next = h->free[s->list];
    h->free[s->list] = slot;
    h->handed[s->list]++;
    s->free = NULL;
    s->countdown = 1;
    if (only) /* one a length waits for nothing, so that pairs never count */
        return;
    if (h->run_budget <= s->unit_count)
        recount_runs(h);
    else
        h->run_budget -= s->unit_count;
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
    if (sta_slab_state(s) == STA_SLAB_RUN) {
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
