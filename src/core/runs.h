/* SPDX-License-Identifier: MIT */
/*
 * Free runs of equal units: address-ordered first fit, merged at once.
 *
 * Used by the page arena (a unit is a page) and by sta_arena in its indexed
 * form (a unit is a block). Only unit numbers are dealt in: the units
 * themselves are never touched, nor is any lock taken.
 */
#ifndef STA_CORE_RUNS_H
#define STA_CORE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/freemap.h"

/* "No such run". */
#define STA_RUNS_NONE UINT32_MAX

/* The most units of a set: 2^31 - 1. */
#define STA_RUNS_UNITS_MAX STA_FREEMAP_UNITS_MAX

struct sta_runs {
    /* private: see runs.c */
    uint32_t cache_first; /* no unit below is free */
    uint32_t cache_count; /* free from cache_first on, and not in the map */
    uint32_t free_count;
    uint32_t capacity;
    uint32_t phase; /* what alignment adds to a unit's number */
    struct sta_freemap map;
};

/*
 * Returns the bytes of index memory for that many units: 1.6 bits a unit and
 * at most 180 bytes more. capacity is 1 to STA_RUNS_UNITS_MAX.
 */
size_t sta_runs_index_bytes(uint32_t capacity);

/*
 * Makes an empty set of no units over `index`, which is zero-filled, aligned to
 * 8 bytes and as large as sta_runs_index_bytes(capacity) says.
 *
 * Cost     O(1); touches no index memory. What describes units beyond those
 *          added by sta_runs_extend() is neither read nor written, ever.
 */
void sta_runs_init(struct sta_runs *r, void *index, uint32_t capacity);

/*
 * Moves a set to another index, as sta_runs_init() wants it, for a larger
 * capacity. The old one is not needed any more.
 *
 * Cost     O(units / 64).
 */
void sta_runs_move(struct sta_runs *r, void *index, uint32_t capacity);

/*
 * Makes alignment count from `phase` units before unit 0, for units that do not
 * begin at an aligned address; 0 unless it is called. phase is below 2^31.
 */
static inline void sta_runs_set_phase(struct sta_runs *r, uint32_t phase)
{
    r->phase = phase;
}

/*
 * Adds `count` units behind the last one, all free; together with those before
 * at most the capacity.
 *
 * Cost     O(count / 64 + log n).
 */
void sta_runs_extend(struct sta_runs *r, uint32_t count);

/*
 * Allocates `count` >= 1 consecutive units whose first is a multiple of
 * `align`, a power of two: the lowest that are free.
 *
 * Of align > 1 exactly: the lowest place in the first 16 runs of at least
 * `count` units; else the lowest run of at least count + align - 1 units, in
 * which it is sure to fit; else the lowest place there is.
 *
 * Returns  the first unit, or STA_RUNS_NONE and r unchanged.
 * Cost     O(log n + count / 64); often O(1). Where align > 1 and no run has
 *          count + align - 1 units: O(runs of at least count * log n).
 */
uint32_t sta_runs_alloc(struct sta_runs *r, uint32_t count, uint32_t align);

/*
 * The same, but STA_RUNS_NONE also when none of the first 64 runs of at least
 * `count` units has an aligned place and no run is sure to.
 *
 * Cost     O(log n + count / 64).
 */
uint32_t sta_runs_alloc_soon(struct sta_runs *r, uint32_t count,
                             uint32_t align);

/* Allocates these very units; false, and r unchanged, unless all are free. */
bool sta_runs_take(struct sta_runs *r, uint32_t first, uint32_t count);

/*
 * Frees count >= 1 units, all in use: part of what one call allocated, or of
 * several that lie side by side. Whether they are, sta_runs_all_used() tells.
 *
 * Cost     O(log n + count / 64); O(1) beside the lowest free run.
 */
void sta_runs_free(struct sta_runs *r, uint32_t first, uint32_t count);

/* True when these units exist and none of them is free. O(log n). */
bool sta_runs_all_used(const struct sta_runs *r, uint32_t first,
                       uint32_t count);

/* Returns how many units from `first` on are free, 0 when it is not. O(log n).
 */
uint32_t sta_runs_free_at(const struct sta_runs *r, uint32_t first);

/*
 * Finds the lowest free run at or after `from`: returns its first unit and its
 * length to the last free one. One that began before is found from `from` on.
 *
 * Returns  STA_RUNS_NONE when all units from there on are used.
 * Cost     O(log n).
 */
uint32_t sta_runs_next(const struct sta_runs *r, uint32_t from,
                       uint32_t *count);

/* Returns which of the 64 units from `first` on, a multiple of 64, are free, a
 * bit each; the first one exists. */
uint64_t sta_runs_free_bits(const struct sta_runs *r, uint32_t first);

/* Returns the length of the longest free run. O(log n). */
uint32_t sta_runs_largest(const struct sta_runs *r);

/* Asks for the cache lines that an allocation, or a free of a unit, needs. */
static inline void sta_runs_expect_alloc(const struct sta_runs *r)
{
    sta_freemap_expect(&r->map, r->cache_first);
}

static inline void sta_runs_expect_free(const struct sta_runs *r, uint32_t unit)
{
    sta_freemap_expect(&r->map, unit);
}

static inline uint32_t sta_runs_free_units(const struct sta_runs *r)
{
    return r->free_count;
}

/* Returns how many units exist, used and free. */
static inline uint32_t sta_runs_units(const struct sta_runs *r)
{
    return r->map.unit_count;
}

/* Checks every invariant of runs.c; false when one does not hold. O(n). */
bool sta_runs_audit(const struct sta_runs *r);

#endif
