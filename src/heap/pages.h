/* SPDX-License-Identifier: MIT */
/*
 * The page arena: page runs by address-ordered first fit over one reservation
 * of address space (further ones only when it is full and may grow).
 */
#ifndef STA_HEAP_PAGES_H
#define STA_HEAP_PAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/runs.h"
#include "heap/config.h"
#include "heap/options.h"
#include "heap/slab.h"
#include "heap/stale.h"
#include "os/lock.h"

/* Descriptors that were in use and are not now; see descriptors.c. */
struct sta_unused {
    uint64_t *bits;    /* one a descriptor */
    uint64_t *words;   /* one a word of `bits` that is not 0 */
    uint64_t *touched; /* one a word of `bits` whose descriptors are resident */
    uint16_t *taker;   /* one a word of `bits`: the heap that began with it */
    uint32_t count;
    uint32_t low; /* no word below has a one */
    uint32_t cut; /* no word at or above is all ones and touched */
};

/* One reservation: metadata in front, then units, committed from the bottom. */
struct sta_region {
    /* fixed once the region is in use; any thread */
    _Alignas(64) uintptr_t base;
    size_t bytes;          /* reserved for units */
    _Atomic uint32_t *map; /* unit -> descriptor's offset, 0 for none */
    struct sta_slab *slabs;

    /* sta_pages_lock; a line apart, since every free reads the above */
    _Alignas(64) struct sta_runs runs; /* of the units that are committed */
    struct sta_stale stale;
    struct sta_unused unused;
    uint32_t map_units;   /* whose map entries can be written */
    uint32_t slab_used;   /* descriptors ever used; 0 is nobody's */
    uint32_t slab_ready;  /* descriptors committed */
    char *own;            /* STA_OWN_UNITS for the library itself */
    uint32_t own_used;    /* of these */
    uint32_t table_units; /* that the index and the bits have room for */
    void *index;          /* of all units; the stale bits lie behind it */
    void *reservation;
    size_t reservation_bytes;
};

/* What the arena counts; sta_pages_lock. */
struct sta_page_counts {
    _Atomic size_t used_units; /* read by any thread: relaxed */
    size_t used_peak_units;
    size_t reused_units;   /* handed out while still resident: faults saved */
    size_t refused;        /* requests that ended in NULL */
    size_t runs_allocated; /* large runs, in all */
    size_t runs_allocated_units; /* theirs, and what any grew in place */
};

extern struct sta_region sta_regions[STA_REGIONS_MAX] STA_HIDDEN;
extern uint32_t sta_region_count STA_HIDDEN; /* sta_pages_lock */
extern struct sta_lock sta_pages_lock STA_HIDDEN;
extern struct sta_page_counts sta_page_counts STA_HIDDEN;

/* Makes the first region, as sta_options says; false when the system gives
 * no memory at all: one that may grow is then tried again at each request.
 * Once, before all else. */
bool sta_pages_init(void);

/*
 * Allocates the lowest run of `count` units aligned to `align` units (a power
 * of two), with a descriptor, beside others of the heap that it is for (NULL:
 * none).  The map leads to it from the first unit only; of a slab, see
 * sta_pages_map().
 *
 * Returns  the descriptor, with owner, class, reciprocal and counts for the
 *          caller to fill, or NULL; *dirty has all units that are not zero.
 * Threads  takes sta_pages_lock.
 * Cost     O(log units), and a system call when memory must be committed.
 */
struct sta_slab *sta_pages_alloc(uint32_t count, uint32_t align,
                                 enum sta_slab_state state,
                                 const struct sta_heap *h,
                                 struct sta_span *dirty);

/*
 * Returns a zeroed unit for the library itself, which is never given back; NULL
 * when there is no memory.
 */
void *sta_pages_own(void);

/*
 * Closes the pages of a run that stays allocated: touching them is a fault.
 * Returns true when their contents are gone; false when pages are not closed
 * here (sta_options.closed) or the system refused.
 */
bool sta_pages_close(struct sta_slab *s);

/* Frees a run and its descriptor; purges by rule.  `zero` promises that the
 * system took the contents already (and that closed pages are closed).  False,
 * and nothing done, when another thread has just freed it. */
bool sta_pages_free(struct sta_slab *s, bool zero);

/*
 * Resizes a STA_SLAB_RUN where it is; false, and nothing changed, when the
 * units behind it are not free.
 */
bool sta_pages_resize(struct sta_slab *s, uint32_t count);

/* Gives back all free memory beyond `keep` bytes. */
void sta_pages_purge(size_t keep);

/* Returns the units that were ever given back. */
size_t sta_pages_purged(void);

/* Counts units of a slab in use that were given back to the system. */
void sta_pages_note_purged(const struct sta_slab *s, uint32_t first,
                           uint32_t count);

/* Says that a run is likely to be filled thinly: no huge pages inside.  `fresh`
 * tells that it was zero as it came. */
void sta_pages_sparse(const void *p, bool fresh);

/* Sets how much free memory is kept; SIZE_MAX for all of it. */
void sta_pages_keep(size_t bytes);

/* Counts a request that ends in NULL. */
void sta_pages_note_refused(void);

/* Returns the units in use, as they were a moment ago. */
static inline size_t sta_pages_used(void)
{
    return atomic_load_explicit(&sta_page_counts.used_units,
                                memory_order_relaxed);
}

/* True while the program frees much more than it allocates. */
static inline bool sta_pages_shrinking(void)
{
    return atomic_load_explicit(&sta_regions[0].stale.shrinking,
                                memory_order_relaxed) != 0;
}

/* True when it did so for several epochs in a row. */
static inline bool sta_pages_shrunk(void)
{
    return atomic_load_explicit(&sta_regions[0].stale.shrinking,
                                memory_order_relaxed) >= STA_SHRUNK_EPOCHS;
}

/* Returns `units`, or the given share of an arena of fixed size if less. */
static inline uint32_t sta_pages_at_most(uint32_t units, size_t share)
{
    size_t most = (sta_options.arena_bytes >> STA_UNIT_LOG2) / share;
    return sta_options.arena_bytes != 0 && most < units ? (uint32_t)most
                                                        : units;
}

/* Returns how many epochs the program was shrinking in; see stale.c. */
static inline uint32_t sta_pages_shrinks(void)
{
    return atomic_load_explicit(&sta_regions[0].stale.shrinks,
                                memory_order_relaxed);
}

/* Returns the units of a region that are committed. */
static inline uint32_t sta_region_units(const struct sta_region *r)
{
    return sta_runs_units(&r->runs);
}

/* Returns the first byte of a run. */
static inline void *sta_slab_start(const struct sta_slab *s)
{
    return (void *)(sta_regions[s->region].base +
                    ((uintptr_t)s->unit_first << STA_UNIT_LOG2));
}

/* True when free memory there may wait for its next use, with a heap or whole;
 * other regions than the first go when they are empty. */
static inline bool sta_slab_may_wait(const struct sta_slab *s)
{
    return s->region == 0;
}

/* The rest of sta_slab_of(): the other regions, and slots that the map does not
 * lead to; NULL for a foreign pointer. */
struct sta_slab *sta_slab_of_elsewhere(const void *p);

/*
 * Returns what the map names at an offset: the descriptor of the slab or run
 * there, or descriptor 0, which has no owner.  Relaxed: it leads to a live
 * object since before that was handed out, or is asked once more in
 * sta_slab_of().
 */
static inline struct sta_slab *sta_region_at(const struct sta_region *r,
                                             uintptr_t offset)
{
    uint32_t entry = atomic_load_explicit(&r->map[offset >> STA_UNIT_LOG2],
                                          memory_order_relaxed);
    return (struct sta_slab *)(void *)((char *)r->slabs + entry);
}

/*
 * Has the map lead from unit `nth` of a run in use to its descriptor.  Whoever
 * works on a slab does so as slots are cut there, and not before: a pointer to
 * where no slot ever was leads nowhere, which free() sees without a look.
 */
static inline void sta_pages_map(const struct sta_slab *s, uint32_t nth)
{
    const struct sta_region *r = &sta_regions[s->region];
    atomic_store_explicit(&r->map[s->unit_first + nth],
                          (uint32_t)((char *)s - (char *)r->slabs),
                          memory_order_relaxed);
}

/* Has the map lead nowhere from the units of a slab but the first. */
static inline void sta_pages_unmap(const struct sta_slab *s)
{
    const struct sta_region *r = &sta_regions[s->region];
    for (uint32_t i = 1; i < s->unit_count; i++)
        atomic_store_explicit(&r->map[s->unit_first + i], 0,
                              memory_order_relaxed);
}

/*
 * Returns the descriptor of the unit that holds `p`: NULL when p is not ours,
 * and descriptor 0 of the region, which has no owner, when no object is there.
 */
static inline struct sta_slab *sta_slab_of(const void *p)
{
    struct sta_region *r = &sta_regions[0];
    uintptr_t offset = (uintptr_t)p - r->base;
    struct sta_slab *s = r->slabs;
    if (sta_likely(offset < r->bytes))
        s = sta_region_at(r, offset);
    return sta_likely(s != r->slabs) ? s : sta_slab_of_elsewhere(p);
}

#endif
