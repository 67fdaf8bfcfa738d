/* SPDX-License-Identifier: MIT */
/*
 * The page arena: page runs by address-ordered first fit over one reservation
 * of address space (further ones only when it is full and may grow).
 */
#ifndef STA_HEAP_PAGES_H
#define STA_HEAP_PAGES_H

#include "heap/options.h"
#include "heap/region.h"
#include "os/lock.h"

/* What the arena counts; sta_pages_lock. */
struct sta_page_counts {
    _Atomic size_t used_units; /* read by any thread: relaxed */
    size_t used_peak_units;
    size_t reused_units;   /* handed out while still resident: faults saved */
    size_t refused;        /* requests that ended in NULL */
    size_t runs_allocated; /* large runs, in all */
    size_t runs_allocated_units; /* theirs, and what any grew in place */
};

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
 * sta_slab_map().
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
 * system took the contents already, in other ways than by sta_pages_close().
 * False, and nothing done, when another thread has just freed it. */
bool sta_pages_free(struct sta_slab *s, bool zero);

/* True where the pages of a run may be moved to a longer one, as that leaves
 * the program enough mappings; the caller does so then. */
bool sta_pages_may_move(const struct sta_slab *from, const struct sta_slab *to);

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

/* Says that a run is likely to be filled thinly: no huge pages inside.  *dirty
 * has all of its units that were not zero as they came. */
void sta_pages_sparse(const void *p, const struct sta_span *dirty);

/* Sets how much free memory is kept; SIZE_MAX for all of it. */
void sta_pages_keep(size_t bytes);

/* The limit of address space is another now; see room.h. */
void sta_pages_fit_limit(void);

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
    return sta_stale_is_shrinking(&sta_regions[0].stale);
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

#endif
