/* SPDX-License-Identifier: MIT */
/*
 * The slow halves of malloc and free: which list serves a size, what to do when
 * there is no memory, and what a pointer that is freed must look like.
 *
 * The slabs behind the lists are in bins.c, the runs in large.c.
 */
#include "heap/heap.h"

#include <string.h>

#include "core/bits.h"
#include "heap/bins.h"
#include "heap/canary.h"
#include "heap/carve.h"
#include "heap/guard.h"
#include "heap/large.h"
#include "heap/watched.h"
#include "os/die.h"
#include "os/vm.h"

const struct sta_slot sta_slot_end;

/* All calls of these find an empty list: that of class 0. */
static struct sta_slot *no_slots = STA_SLOT_END;
struct sta_heap sta_heap_none = {.list = {&no_slots},
                                 .lazy_own = STA_SLAB_LAZY};
STA_SPARSE struct sta_heap sta_heap_gone; /* once a thread ends */

STA_COLD void sta_heap_die_of_write(const void *slot)
{
    sta_die("malloc: the free object %p was written to, or freed twice", slot);
}

STA_COLD void sta_heap_die_of_second_free(const struct sta_slab *s,
                                          struct sta_slot *list, uint32_t count)
{
    for (; count > 1 && sta_slot_is_free(list); count--) {
        list->mark = 0;
        list = sta_slot_next(list);
    }
    sta_die("free(%p): double free of a %zu-byte object", (void *)list,
            sta_slab_object_bytes(s));
}

STA_COLD struct sta_slot *sta_slot_damaged(const struct sta_slot *slot)
{
    if (sta_options.check)
        sta_heap_die_of_write(slot);
    return STA_SLOT_END;
}

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

/* The same; what heaps cache may be what is missing. */
static void *alloc_entered(uint32_t list, const struct run *run)
{
    void *p = alloc_once(list, run);
    if (sta_likely(p != NULL))
        return p;
    sta_heap_reclaim();
    p = alloc_once(list, run);
    if (p == NULL)
        sta_pages_refuse();
    return p;
}

static void *alloc_large(size_t size, size_t align, struct sta_span *dirty)
{
    size_t units = size == 0 ? 1 : sta_units_of(size);
    size_t align_units = align >> STA_UNIT_LOG2;
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX || units >= UINT32_MAX ||
        align_units >= UINT32_MAX) {
        sta_pages_refuse();
        return NULL;
    }
    struct run run = {(uint32_t)units,
                      align_units == 0 ? 1 : (uint32_t)align_units, dirty};
    return alloc_entered(0, &run);
}

/* Has the options read before the first call decides by them. */
static void ensure_started(void)
{
    if (sta_unlikely(!sta_heap_started()))
        sta_heap_leave(sta_heap_enter());
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
    ensure_started();
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

/* Clears memory; where a sparse table was, pages that are not there stay away.
 */
static void clear(void *p, size_t bytes)
{
    if (bytes < STA_PURGE_TO_CLEAR || sta_options.purge_never ||
        !sta_vm_is_sparse(p, bytes) || !sta_vm_purge(p, bytes))
        memset(p, 0, bytes);
}

void *sta_heap_alloc_zero(size_t size)
{
    ensure_started();
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
        sta_pages_sparse(p, dirty.count == 0);
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
    if (list >= STA_CLASS_COUNT && !sta_options.closed)
        *dirty = (struct sta_span){0, list - STA_CLASS_COUNT}; /* or fresh */
    return alloc_listed(list);
}

static STA_NOINLINE void *alloc_aligned_slow(size_t size, size_t align)
{
    struct sta_span dirty;
    ensure_started();
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

/* True when `p` lies in an object behind the unit that this starts on, where
 * the map may be empty.  For a message only: it goes back over the map, and
 * holds no lock. */
static STA_COLD bool is_inside_object(const void *p)
{
    for (uint32_t i = 0; i < STA_REGIONS_MAX; i++) {
        const struct sta_region *r = &sta_regions[i];
        uintptr_t offset = (uintptr_t)p - r->base;
        if (offset >= r->bytes)
            continue;
        const struct sta_slab *s = sta_region_at(r, offset);
        for (size_t back = STA_UNIT_BYTES; s == r->slabs && back <= offset;
             back += STA_UNIT_BYTES)
            s = sta_region_at(r, offset - back);
        size_t first = (size_t)s->unit_first << STA_UNIT_LOG2;
        return offset - first < sta_slab_carved(s) * sta_slab_object_bytes(s);
    }
    return false;
}

/* True for an object that was freed. */
static bool is_free(const struct sta_slab *s, const struct sta_slot *slot)
{
    return sta_slab_state(s) == STA_SLAB_RUN ? s->countdown == 0
                                             : sta_slot_is_free(slot);
}

struct sta_slab *sta_heap_live_slab(const void *p)
{
    struct sta_slab *s = sta_slab_of(p);
    if (s == NULL || sta_slab_state(s) == STA_SLAB_NONE ||
        sta_slab_state(s) == STA_SLAB_OWN || !sta_slab_is_start(s, p) ||
        is_free(s, p))
        return NULL;
    return s;
}

/* Ends the process for an address of ours at which no live object begins. */
static STA_COLD _Noreturn void blame(const char *call, const void *p)
{
    const struct sta_slab *s = sta_slab_of(p);
    bool is_used =
        sta_slab_state(s) != STA_SLAB_NONE && sta_slab_state(s) != STA_SLAB_OWN;
    if (is_used && sta_slab_is_start(s, p))
        sta_die("%s(%p): double free of a %zu-byte object", call, p,
                sta_slab_object_bytes(s));
    if (is_used || is_inside_object(p))
        sta_die("%s(%p): not the start of an object", call, p);
    sta_die("%s(%p): no object starts there, or it was freed before", call, p);
}

struct sta_slab *sta_heap_check(const char *call, const void *p)
{
    struct sta_slab *s = sta_heap_live_slab(p);
    if (s != NULL)
        return s;
    if (sta_slab_of(p) != NULL) {
        if (sta_options.check)
            blame(call, p);
        return NULL;
    }
    ensure_started(); /* it may be the first call */
    if (sta_options.foreign == STA_FOREIGN_ABORT)
        sta_die("%s(%p): not allocated by stalloc", call, p);
    return NULL;
}

/* True when a request for `size` bytes may be served by an object of `s`: a
 * slot more than twice as large is not even left by a realloc(). */
static bool may_have_size(const struct sta_slab *s, size_t size)
{
    size_t bytes = sta_slab_object_bytes(s);
    if (sta_slab_state(s) == STA_SLAB_RUN)
        return size <= bytes && bytes - size < 2 * STA_UNIT_BYTES;
    return sta_slab_suits(s, size);
}

void sta_heap_check_size(const char *call, const void *p, size_t size,
                         size_t align)
{
    if (sta_options.check == STA_CHECK_NOTHING || STA_WATCHED)
        return;
    const struct sta_slab *s = sta_heap_live_slab(p);
    if (s == NULL)
        return;
    if (((uintptr_t)p & (align - 1)) != 0)
        sta_die("%s(%p): not aligned to %zu bytes", call, p, align);
    if (size == STA_SIZE_UNKNOWN)
        return;
    size_t bytes = sta_slab_object_bytes(s);
    size_t least = size;
    bool wrong;
    if (sta_guard_active()) {
        bytes = sta_canary_size(call, s, p);
        wrong = size != bytes;
    } else {
        if (align > 16) /* sizes were rounded up to it, or to pages */
            least =
                sta_round_up(size ? size : 1,
                             align < STA_UNIT_BYTES ? align : STA_UNIT_BYTES);
        wrong = !may_have_size(s, least);
    }
    if (wrong)
        sta_die("%s(%p): size %zu for a %zu-byte object", call, p, size, bytes);
}

bool sta_family_mixed;

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
