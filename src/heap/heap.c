/* SPDX-License-Identifier: MIT */
/*
 * The slow halves of malloc and free: which list serves a size, what to do when
 * there is no memory, and how an object is freed that is not just a slot of
 * this thread's heap.
 *
 * The slabs behind the lists are in bins.c, the runs in large.c; what a pointer
 * that is freed must look like is in check.c.
 */
#include "heap/heap.h"

#include <string.h>

#include "core/bits.h"
#include "heap/bins.h"
#include "heap/canary.h"
#include "heap/carve.h"
#include "heap/check.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/large.h"
#include "heap/threads.h"
#include "heap/trim.h"
#include "heap/watched.h"
#include "os/vm.h"

const struct sta_slot sta_slot_end;

/* All calls of these find an empty list, of a class that no object has: what is
 * as large is a run.  So a size that delete is given is looked at closely. */
enum { NO_CLASS = STA_CLASS_COUNT - 1 };
static struct sta_slot *no_slots = STA_SLOT_END;
struct sta_heap sta_heap_none = {
    .list = {[NO_CLASS] = &no_slots},
    .class_of = {[0 ... STA_CLASS_TABLE_MAX] = NO_CLASS},
    .lazy_own = STA_SLAB_LAZY};
STA_SPARSE struct sta_heap sta_heap_gone; /* once a thread ends */

/* Returns an object of a class, or a run (see sta_medium_of()); NULL: there is
 * no memory. */
STA_INLINE void *alloc_from(struct sta_heap *h, uint32_t list)
{
    if (list < STA_CLASS_COUNT)
        return sta_bin_alloc(h, list);
    uint32_t units = list - STA_CLASS_COUNT;
    struct sta_span dirty;
    void *p = sta_heap_pop_run(h, units);
    return p == NULL ? sta_large_alloc(h, units, 1, &dirty) : p;
}

/* A run that no list has. */
struct run {
    uint32_t units, align_units;
    struct sta_span *dirty; /* see sta_large_alloc() */
};

/* Takes an object from a list, or a run when there is one to make. */
static void *alloc_once(uint32_t list, const struct run *run)
{
    struct sta_heap *h = sta_heap_enter();
    void *p = run == NULL ? alloc_from(h, list)
                          : sta_large_alloc(h, run->units, run->align_units,
                                            run->dirty);
    sta_heap_leave(h);
    return p;
}

/* The same; what heaps cache may be what is missing, or the few slots that full
 * slabs have. */
static void *alloc_entered(uint32_t list, const struct run *run)
{
    void *p = alloc_once(list, run);
    if (sta_likely(p != NULL))
        return p;
    sta_heap_reclaim();
    if (list < STA_CLASS_COUNT && run == NULL)
        sta_heap_list_full(list);
    return alloc_once(list, run);
}

static void *alloc_large(size_t size, size_t align, struct sta_span *dirty)
{
    size_t units = size == 0 ? 1 : sta_units_of(size);
    size_t align_units = align >> STA_UNIT_LOG2;
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX || units >= UINT32_MAX ||
        align_units >= UINT32_MAX)
        return NULL;
    struct run run = {(uint32_t)units,
                      align_units == 0 ? 1 : (uint32_t)align_units, dirty};
    return alloc_entered(0, &run);
}

/* Returns what serves a size of at most STA_RUN_BYTES_MAX; see sta_medium_of().
 * Looks in both tables: no predictor knows which of them it is to be. */
STA_INLINE uint32_t list_of(size_t size)
{
    size_t most = STA_CLASS_TABLE_MAX;
    uint32_t small = sta_class_table[((size < most ? size : most) + 15) / 16];
    uint32_t medium = sta_medium_of(size);
    return size <= most ? small : medium;
}

/* Allocates where there is more to an object than its memory. */
static void *alloc_guarded(size_t size, size_t align, bool zero)
{
    return STA_WATCHED ? sta_watched_alloc(size, align, zero)
                       : sta_guard_alloc(size, align, zero);
}

static STA_NOINLINE void *alloc_slower(size_t size)
{
    struct sta_heap *h = sta_self;
    if (sta_likely(h->medium_max != 0 && size <= h->medium_max)) {
        void *p = alloc_from(h, list_of(size));
        if (sta_likely(p != NULL))
            return p;
    }
    struct sta_span dirty;
    sta_heap_ensure_started();
    if (sta_guard_active())
        return alloc_guarded(size, 16, false);
    return size <= STA_RUN_BYTES_MAX ? alloc_entered(list_of(size), NULL)
                                     : alloc_large(size, 1, &dirty);
}

void *sta_heap_alloc_slow(size_t size)
{
    /* Most often a list of this thread's own heap has run out. */
    struct sta_heap *h = sta_self;
    void *p = NULL;
    if (sta_likely(size <= STA_CLASS_TABLE_MAX && h->medium_max != 0))
        p = sta_bin_alloc(h, h->class_of[size]);
    return sta_likely(p != NULL) ? p : alloc_slower(size);
}

/* True where a table was of which little was written: at most a third of the
 * pages looked at hold anything.  mincore(2), which tells of all of them at
 * once, ends the process in many a sandbox. */
static bool is_sparse(const unsigned char *p, size_t bytes)
{
    size_t units = bytes >> STA_UNIT_LOG2;
    size_t step = units / STA_SPARSE_LOOKS | 1; /* tables repeat by even ones */
    size_t looks = 0;
    size_t found = 0;
    for (size_t i = 0; i < units; i += step, looks++) {
        const unsigned char *unit = p + (i << STA_UNIT_LOG2);
        found += *unit || memcmp(unit, unit + 1, STA_UNIT_BYTES - 1) != 0;
    }
    return found <= looks / 3;
}

/* Clears memory; where a sparse table was, pages that are not there stay away.
 */
static void clear(void *p, size_t bytes)
{
    if (bytes < STA_PURGE_TO_CLEAR || sta_options.purge_never ||
        !is_sparse(p, bytes) || !sta_vm_clear(p, bytes))
        memset(p, 0, bytes);
}

void *sta_heap_alloc_zero(size_t size)
{
    sta_heap_ensure_started();
    bool slot =
        size <= STA_CLASS_TABLE_MAX ||
        (size <= STA_RUN_BYTES_MAX && sta_medium_of(size) < STA_CLASS_COUNT);
    void *p = slot ? sta_heap_alloc(size) : sta_heap_alloc_medium(size);
    if (p != NULL)
        return memset(p, 0, size);
    if (slot)
        return NULL;
    if (sta_guard_active())
        return alloc_guarded(size, 16, true);
    struct sta_span dirty;
    p = alloc_large(size, 1, &dirty);
    if (p != NULL && size >= STA_SPARSE_LEAST)
        sta_pages_sparse(p, &dirty);
    if (p != NULL && dirty.count)
        clear((char *)p + ((size_t)dirty.first << STA_UNIT_LOG2),
              (size_t)dirty.count << STA_UNIT_LOG2);
    return p;
}

/* Allocates from a list that is known already. */
static void *alloc_listed(uint32_t list)
{
    struct sta_heap *h = sta_self;
    void *p = h->medium_max != 0 ? alloc_from(h, list) : NULL;
    return sta_likely(p != NULL) ? p : alloc_entered(list, NULL);
}

void *sta_heap_alloc_plain(size_t size, size_t align, struct sta_span *dirty)
{
    size_t least = size < align ? align : size;
    if (align > STA_UNIT_BYTES || least > STA_RUN_BYTES_MAX)
        return alloc_large(size, align, dirty);
    /* Slabs begin at a page, and the class of a multiple of `align` is one
     * itself (sizeclass.h): that aligns every slot. */
    uint32_t list = list_of(sta_round_up(least, align));
    if (list >= STA_CLASS_COUNT) {
        if (sta_options.closed) /* no list has any, and most come zero */
            return alloc_large(least, align, dirty);
        *dirty = (struct sta_span){0, list - STA_CLASS_COUNT}; /* or fresh */
    }
    return alloc_listed(list);
}

static STA_NOINLINE void *alloc_aligned_slow(size_t size, size_t align)
{
    struct sta_span dirty;
    sta_heap_ensure_started();
    return sta_guard_active() ? alloc_guarded(size, align, false)
                              : sta_heap_alloc_plain(size, align, &dirty);
}

void *sta_heap_alloc_aligned(size_t size, size_t align)
{
    struct sta_heap *h = sta_self;
    void *p = NULL;
    /* What serves a multiple of `align` is aligned to it: see above.  Size 0
     * is not for here: where there are no lists, it would pass for small. */
    if (align <= STA_UNIT_BYTES && size - 1 < h->medium_max)
        p = sta_heap_pop_from(
            h, list_of(sta_round_up(size < align ? align : size, align)));
    return sta_likely(p != NULL) ? p : alloc_aligned_slow(size, align);
}

atomic_bool sta_family_mixed;

void sta_family_set(void *p, enum sta_family family)
{
    if (sta_guard_active() && !STA_WATCHED)
        sta_canary_set_family(sta_slab_of(p), p, family);
}

STA_NOINLINE void sta_family_free(void *p, enum sta_family by)
{
    if (p == NULL || (STA_WATCHED && sta_watched_free(p)))
        return;
    struct sta_slab *s = sta_heap_check("free", p);
    if (s == NULL) {
        bool foreign = sta_slab_of(p) == NULL;
        if (foreign && sta_options.foreign == STA_FOREIGN_FORWARD &&
            sta_foreign_free)
            sta_foreign_free(p);
    } else if (sta_guard_active()) {
        sta_guard_free(p, s, by);
    } else if (sta_slab_state(s) == STA_SLAB_RUN) {
        sta_large_free_run(s);
    } else if (sta_slab_owner(s) == sta_self) {
        sta_slab_complete(sta_self, s);
        sta_heap_free_local(p, s);
    } else {
        sta_heap_free_remote(p, s);
    }
}

STA_NOINLINE void sta_heap_free_slow(void *p)
{
    sta_family_free(p, STA_FAMILY_MALLOC);
}

void sta_family_delete_slow(void *p)
{
    sta_family_free(p, STA_FAMILY_NEW);
}

void sta_family_array_slow(void *p)
{
    sta_family_free(p, STA_FAMILY_ARRAY);
}
