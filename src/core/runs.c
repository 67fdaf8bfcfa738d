/* SPDX-License-Identifier: MIT */
/*
 * Free runs of equal units: a map of free units, and the lowest run kept aside.
 *
 * First fit in address order wants the lowest run of n units. A list of free
 * runs answers in O(free runs), which is 100 us where 30,000 holes have formed;
 * the map of freemap.c answers in O(log n), which is 50 ns, always. Most calls
 * need neither: the bottom of the lowest free run, the cache, is kept out of
 * the map. An allocation that fits there moves a number, and so does a free
 * that touches it.
 *
 *     units    0 1 2 3 4 5 6 7 8 9
 *              # # . . . . # # . #      free: 2-5 and 8
 *     cache        2,2                  cache_first 2, cache_count 2
 *     map      0 0 0 0 1 1 0 0 1 0
 *
 * Invariants, for c = cache_first and e = c + cache_count:
 *   I1  A unit is free in the map exactly when it is free and not in [c, e).
 *   I2  No unit below e is free in the map: the cache is the bottom of the
 *       lowest free run, and when it is empty nothing below c is free.
 *   I3  free_count is the map's free units plus cache_count.
 *   I4  cache_count <= CACHE_MAX: putting it back is bounded work.
 *
 * The lowest run is thus the cache and what the map has free from e on; when
 * that is too short for an allocation, so is any part of it, and the map's
 * answer is the answer. Tried and dropped: putting the cache back into the map
 * before each search, which doubled the cost of such an allocation.
 *
 * Not thread safe.
 */
#include "core/runs.h"

#include "core/attr.h"
#include "core/bits.h"

enum {
    ALIGNED_TRIES = 16, /* both stated in runs.h */
    ALIGNED_MOST = 64,
    CACHE_MAX = 512 /* as many as a leaf of the map has */
};

static_assert(STA_RUNS_NONE == STA_FREEMAP_NONE, "passed on as it is");

/* Returns one past the last unit of the cache. */
STA_INLINE uint32_t cache_end(const struct sta_runs *r)
{
    return r->cache_first + r->cache_count;
}

/* Fills the empty cache from the lowest free run, as far as that lies in one
 * leaf of the map; there is one (I2). */
static void refill(struct sta_runs *r)
{
    uint32_t first = sta_freemap_lowest_from(&r->map, r->cache_first, 1);
    uint32_t count = sta_freemap_length(&r->map, first);
    uint32_t leaf_rest = CACHE_MAX - first % CACHE_MAX;
    count = count < leaf_rest ? count : leaf_rest;
    sta_freemap_assign(&r->map, first, count, false);
    r->cache_first = first;
    r->cache_count = count;
}

/* Allocates these units, which are free. */
static void carve(struct sta_runs *r, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;
    uint32_t cached = cache_end(r);
    r->free_count -= count;
    if (first >= cached) {
        sta_freemap_assign(&r->map, first, count, false);
        return;
    }
    if (end > cached)
        sta_freemap_assign(&r->map, cached, end - cached, false);
    if (first > r->cache_first) {
        /* The cache stays what lies below; what lies above goes back. */
        if (end < cached)
            sta_freemap_assign(&r->map, end, cached - end, true);
        r->cache_count = first - r->cache_first;
    } else {
        r->cache_first = end;
        r->cache_count = end < cached ? cached - end : 0;
    }
}

/* The lowest aligned unit from `unit` on; 64 bits, as it may not fit. */
STA_INLINE uint64_t align_up(const struct sta_runs *r, uint32_t unit,
                             uint32_t align)
{
    uint64_t shifted = (uint64_t)unit + r->phase + align - 1;
    return (shifted & ~(uint64_t)(align - 1)) - r->phase;
}

/*
 * The place for an aligned allocation above `from`, the end of a run, when
 * `tried` runs have been looked at, and `most` may be; see runs.h for which.
 */
static uint32_t find_aligned(const struct sta_runs *r, uint32_t from,
                             uint32_t count, uint32_t align, uint32_t tried,
                             uint32_t most)
{
    for (; tried < most; tried++) {
        if (tried == ALIGNED_TRIES && count <= STA_RUNS_NONE - align) {
            uint32_t sure = sta_freemap_lowest(&r->map, count + align - 1);
            if (sure != STA_RUNS_NONE)
                return (uint32_t)align_up(r, sure, align);
        }
        uint32_t first = sta_freemap_lowest_from(&r->map, from, count);
        if (first == STA_RUNS_NONE)
            return STA_RUNS_NONE;
        uint32_t length = sta_freemap_length(&r->map, first);
        uint64_t place = align_up(r, first, align);
        if (place + count <= (uint64_t)first + length)
            return (uint32_t)place;
        from = first + length;
    }
    return STA_RUNS_NONE;
}

STA_NOINLINE static uint32_t alloc_slow(struct sta_runs *r, uint32_t count,
                                        uint32_t align, uint32_t most)
{
    if (count > r->free_count)
        return STA_RUNS_NONE;
    if (r->cache_count == 0)
        refill(r);
    /* The lowest run is the cache and what is free above it. */
    uint32_t length =
        r->cache_count + sta_freemap_length(&r->map, cache_end(r));
    uint32_t end = r->cache_first + length;
    uint64_t place = align_up(r, r->cache_first, align);
    if (place + count > end) {
        uint32_t found = align == 1 ? sta_freemap_lowest(&r->map, count)
                                    : find_aligned(r, end, count, align,
                                                   length >= count, most);
        if (found == STA_RUNS_NONE)
            return STA_RUNS_NONE;
        place = found;
    }
    carve(r, (uint32_t)place, count);
    return (uint32_t)place;
}

size_t sta_runs_index_bytes(uint32_t capacity)
{
    return sta_freemap_index_bytes(capacity);
}

void sta_runs_init(struct sta_runs *r, void *index, uint32_t capacity)
{
    *r = (struct sta_runs){.capacity = capacity};
    sta_freemap_init(&r->map, index, capacity);
}

void sta_runs_move(struct sta_runs *r, void *index, uint32_t capacity)
{
    r->capacity = capacity;
    sta_freemap_move(&r->map, index, capacity);
}

void sta_runs_extend(struct sta_runs *r, uint32_t count)
{
    if (count == 0)
        return;
    r->free_count += count;
    sta_freemap_extend(&r->map, count);
}

uint32_t sta_runs_alloc(struct sta_runs *r, uint32_t count, uint32_t align)
{
    if (sta_unlikely(count > r->cache_count || align != 1))
        return alloc_slow(r, count, align, UINT32_MAX);
    uint32_t first = r->cache_first;
    r->cache_first += count;
    r->cache_count -= count;
    r->free_count -= count;
    return first;
}

uint32_t sta_runs_alloc_soon(struct sta_runs *r, uint32_t count, uint32_t align)
{
    return align == 1 ? sta_runs_alloc(r, count, 1)
                      : alloc_slow(r, count, align, ALIGNED_MOST);
}

bool sta_runs_take(struct sta_runs *r, uint32_t first, uint32_t count)
{
    if (sta_runs_free_at(r, first) < count)
        return false;
    carve(r, first, count);
    return true;
}

void sta_runs_free(struct sta_runs *r, uint32_t first, uint32_t count)
{
    r->free_count += count;
    if (r->cache_count == 0) {
        if (first > r->cache_first) {
            sta_freemap_assign(&r->map, first, count, true);
            return;
        }
        r->cache_first = first;
        r->cache_count = count;
    } else if (first + count == r->cache_first) {
        r->cache_first = first;
        r->cache_count += count;
    } else if (first < r->cache_first) {
        sta_freemap_assign(&r->map, r->cache_first, r->cache_count, true);
        r->cache_first = first;
        r->cache_count = count;
    } else if (first == cache_end(r) && count <= CACHE_MAX - r->cache_count) {
        r->cache_count += count;
    } else {
        sta_freemap_assign(&r->map, first, count, true);
    }
    if (sta_unlikely(r->cache_count > CACHE_MAX)) {
        /* Keep half, so that frees downwards do not each put a unit back. */
        uint32_t keep = CACHE_MAX / 2;
        sta_freemap_assign(&r->map, r->cache_first + keep,
                           r->cache_count - keep, true);
        r->cache_count = keep;
    }
}

bool sta_runs_all_used(const struct sta_runs *r, uint32_t first, uint32_t count)
{
    if (first > r->map.unit_count || count > r->map.unit_count - first)
        return false;
    if (r->cache_count != 0 && first < cache_end(r) &&
        first + count > r->cache_first)
        return false;
    return sta_freemap_lowest_from(&r->map, first, 1) - first >= count;
}

uint32_t sta_runs_free_at(const struct sta_runs *r, uint32_t first)
{
    uint32_t cached = cache_end(r);
    if (first >= cached)
        return sta_freemap_length(&r->map, first);
    return first < r->cache_first
               ? 0
               : cached - first + sta_freemap_length(&r->map, cached);
}

uint32_t sta_runs_next(const struct sta_runs *r, uint32_t from, uint32_t *count)
{
    uint32_t first = from;
    if (from >= cache_end(r))
        first = sta_freemap_lowest_from(&r->map, from, 1);
    else if (from < r->cache_first)
        first = r->cache_count != 0
                    ? r->cache_first
                    : sta_freemap_lowest_from(&r->map, r->cache_first, 1);
    if (first != STA_RUNS_NONE)
        *count = sta_runs_free_at(r, first);
    return first;
}

uint64_t sta_runs_free_bits(const struct sta_runs *r, uint32_t first)
{
    uint32_t end = cache_end(r);
    uint32_t low = r->cache_first > first ? r->cache_first - first : 0;
    uint32_t high = end > first ? end - first : 0;
    high = high < 64 ? high : 64;
    return sta_freemap_bits(&r->map, first) |
           (low < high ? sta_ones64(low, high) : 0);
}

uint32_t sta_runs_largest(const struct sta_runs *r)
{
    uint32_t low = r->cache_count + sta_freemap_length(&r->map, cache_end(r));
    uint32_t other = sta_freemap_longest(&r->map);
    return low > other ? low : other;
}

bool sta_runs_audit(const struct sta_runs *r)
{
    uint32_t cached = cache_end(r);
    uint32_t map_free = 0;
    return cached <= r->map.unit_count && r->map.unit_count <= r->capacity &&
           sta_freemap_audit(&r->map, &map_free) &&
           sta_freemap_lowest(&r->map, 1) >= cached &&   /* I1, I2 */
           r->free_count == map_free + r->cache_count && /* I3 */
           r->cache_count <= CACHE_MAX;                  /* I4 */
}
