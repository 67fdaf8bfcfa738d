/* SPDX-License-Identifier: MIT */
/*
 * Regions: one reservation each, committed step by step, and the map that leads
 * from an address in one to the descriptor of what is there.
 */
#ifndef STA_HEAP_REGION_H
#define STA_HEAP_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/runs.h"
#include "heap/config.h"
#include "heap/slab.h"
#include "heap/stale.h"

/* Metadata is committed in steps of this, and laid out on its multiples: the
 * largest system page that Linux knows. */
enum { STA_META_STEP = 65536 };

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

/* Where mappings meet since pages were moved; see seams.c. */
struct sta_seams {
    uint64_t *bits; /* one a unit, and one for their end */
    uint32_t count; /* of ones */
};

/* One reservation: metadata in front, then units, committed from the bottom. */
struct sta_region {
    /* fixed once the region is in use; any thread */
    _Alignas(64) uintptr_t base;
    size_t bytes;          /* reserved for units; see sta_region_cut_tail() */
    _Atomic uint32_t *map; /* unit -> descriptor's offset, 0 for none */
    struct sta_slab *slabs;

    /* sta_pages_lock; a line apart, since every free reads the above */
    _Alignas(64) struct sta_runs runs; /* of the units that are committed */
    struct sta_stale stale;
    struct sta_unused unused;
    struct sta_seams seams;
    uint32_t map_units;   /* whose map entries can be written */
    uint32_t slab_used;   /* descriptors ever used; 0 is nobody's */
    uint32_t slab_ready;  /* descriptors committed */
    char *own;            /* STA_OWN_UNITS for the library itself */
    uint32_t own_used;    /* of these */
    uint32_t table_units; /* that the index and the bits have room for */
    void *index;          /* of all units; the stale bits lie behind it */
    void *reservation;
    size_t reservation_bytes; /* up to its end */
    size_t hole_bytes;        /* of these, given back from between */
};

extern struct sta_region sta_regions[STA_REGIONS_MAX] STA_HIDDEN;
extern uint32_t sta_region_count STA_HIDDEN; /* sta_pages_lock */

/* Returns the units of a region that are committed. */
static inline uint32_t sta_region_units(const struct sta_region *r)
{
    return sta_runs_units(&r->runs);
}

/*
 * Reserves a region for `bytes` of units and commits its index; false, with
 * nothing kept, when the system refuses.  An arena of fixed size is committed
 * whole, so that it never needs the system again.  `scarce` tells that there is
 * a limit of address space.
 */
bool sta_region_init(struct sta_region *r, size_t bytes, bool scarce);

/* Touches, or locks, everything that a fixed arena will ever use. */
void sta_region_prefault(const struct sta_region *r);

/* Gives a region's addresses back; no object lives in it. */
void sta_region_release(struct sta_region *r);

/* Returns how many bytes are reserved for units and not committed. */
static inline size_t sta_region_tail(const struct sta_region *r)
{
    return r->bytes - ((size_t)sta_region_units(r) << STA_UNIT_LOG2);
}

/* Gives up to so many of them back, in whole steps, and of the first region
 * what would describe them; returns how many. */
size_t sta_region_cut_tail(struct sta_region *r, size_t bytes);

/*
 * Commits at least `units` more, and some ahead; false when the reservation
 * has no room or the system refuses.
 */
bool sta_region_extend(struct sta_region *r, uint32_t units);

/* Makes units of a new run usable, where free ones are closed. */
bool sta_region_open(struct sta_region *r, uint32_t first, uint32_t count);

/* What became of units that were to be closed. */
enum sta_closed {
    STA_CLOSED_NOT,    /* they are as they were */
    STA_CLOSED_PURGED, /* their contents are gone */
    STA_CLOSED         /* touching them is a fault, too */
};

/* The reverse, and that of the guard behind them, which need not be closed: the
 * system may have refused before. */
enum sta_closed sta_region_close(struct sta_region *r, uint32_t first,
                                 uint32_t count);

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
static inline void sta_slab_map(const struct sta_slab *s, uint32_t nth)
{
    const struct sta_region *r = &sta_regions[s->region];
    atomic_store_explicit(&r->map[s->unit_first + nth],
                          (uint32_t)((char *)s - (char *)r->slabs),
                          memory_order_relaxed);
}

/* Has the map lead nowhere from the units of a slab but the first. */
static inline void sta_slab_unmap(const struct sta_slab *s)
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
