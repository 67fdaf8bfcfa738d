/* SPDX-License-Identifier: MIT */
/*
 * The page arena: runs of units for slabs and large objects.
 *
 * room.c finds the units of a run; here they get their descriptor, are opened
 * and counted, and go back.
 *
 * A free unit is either stale (it was used, its contents are still resident)
 * or zero (never used, or purged).  The stale bits name exactly the memory that
 * can be given back, and an allocation without a stale unit is known to be
 * zero, which calloc uses.
 *
 * At STALLOC_CHECK=2 and 3 free units are closed: touching one is a fault. What
 * is allocated is opened, what is freed closed, both at the price of a system
 * call; so there is nothing stale.  At 3 each run has a unit more at its end,
 * which stays closed: its guard.
 *
 * I1  a stale unit is free.
 * I2  a committed unit is free in `runs` or belongs to exactly one descriptor
 *     in use.
 *
 * Concurrency: sta_pages_lock protects everything but base, bytes, map and
 * slabs, which sta_slab_of() reads without it: an object's map entries are
 * written before its address is handed out.
 */
#include "heap/pages.h"

#include <string.h>

#include "heap/descriptors.h"
#include "heap/recent.h"
#include "heap/room.h"
#include "heap/seams.h"

struct sta_lock sta_pages_lock;
struct sta_page_counts sta_page_counts;

/* What purge() keeps: so much, or what the rule says. */
static size_t keep_bytes;
static bool keep_by_rule;

/* Units of the largest request or alignment: the sum of both fits 32 bits. */
static const uint32_t units_most = UINT32_C(1) << 30;

/*
 * Takes the lock, to work on a region and the counts most of all.  Another
 * processor may have had them last: their lines are asked for before all else,
 * and come side by side, not one after the other under the lock.
 */
static void lock_for(const struct sta_region *r)
{
    for (const char *p = (const char *)&r->runs; p < (const char *)(r + 1);
         p += 64)
        sta_prefetch_own(p);
    sta_prefetch_own(&sta_page_counts);
    sta_lock_acquire(&sta_pages_lock);
}

/* Counts units as used; *dirty has all of them that are not zero. */
static void account_used(struct sta_region *r, uint32_t first, uint32_t count,
                         struct sta_span *dirty)
{
    uint32_t stale = sta_stale_take(&r->stale, first, count, dirty);
    sta_page_counts.reused_units += stale;
    size_t used = sta_pages_used() + count;
    atomic_store_explicit(&sta_page_counts.used_units, used,
                          memory_order_relaxed);
    if (used > sta_page_counts.used_peak_units)
        sta_page_counts.used_peak_units = used;
}

/* Counts units as free; they are stale unless they are `zero`, or `gone`. */
static void account_free(struct sta_region *r, uint32_t first, uint32_t count,
                         bool zero, uint32_t gone)
{
    atomic_store_explicit(&sta_page_counts.used_units, sta_pages_used() - count,
                          memory_order_relaxed);
    if (zero)
        sta_stale_note_gone(&r->stale, first, count);
    else
        sta_stale_add(&r->stale, first, count, gone);
}

/* Purges after `freed` units came back: by what the user set, or by rule. */
static void purge(struct sta_region *r, uint32_t freed)
{
    if (keep_by_rule) {
        sta_stale_by_rule(&r->stale, freed, sta_pages_used());
        if (sta_pages_shrinking())
            sta_descriptors_shrink(r);
    } else {
        sta_stale_purge(&r->stale, keep_bytes >> STA_UNIT_LOG2, 0, freed);
    }
}

/* Empties the map entries of a run; an object by itself has one. */
static void clear_map(struct sta_region *r, const struct sta_slab *s)
{
    if (sta_slab_state(s) == STA_SLAB_RUN)
        atomic_store_explicit(&r->map[s->unit_first], 0, memory_order_relaxed);
    else
        memset(r->map + s->unit_first, 0, s->unit_count * sizeof *r->map);
}

/*
 * A run, just taken, may lie behind free units for its alignment, which
 * nothing may ever use.  Where they are many the blocks at its ends do without
 * huge pages: the next run may skip what is free behind this one.
 */
static void note_skipped(struct sta_region *r, uint32_t first, uint32_t count,
                         const struct sta_span *dirty)
{
    uint32_t least = count / STA_HUGE_SKIP_SHARE + 1;
    if (first >= least && sta_runs_free_at(&r->runs, first - least) >= least)
        sta_stale_avoid_ends(&r->stale, first, count, dirty);
}

/* Takes a run and a descriptor for it; NULL when there is no memory.  What is
 * written to at last, and the release of the lock then waits for, is asked for
 * as soon as it is known. */
static struct sta_slab *take_run(uint32_t count, uint32_t align,
                                 const struct sta_heap *h)
{
    uint32_t first;
    uint32_t index = 0;
    uint32_t all = count + sta_options.guard_units;
    if (count > units_most || align > units_most)
        return NULL;
    struct sta_region *r = sta_room_find(all, align, &first);
    if (r == NULL)
        return NULL;
    sta_prefetch_own(&r->map[first]);
    sta_prefetch_own(&r->stale.bits[first / 64]);
    if (sta_region_open(r, first, count))
        index = sta_descriptors_take(r, h);
    if (index == 0) {
        sta_region_close(r, first, count);
        sta_runs_free(&r->runs, first, all);
        return NULL;
    }
    struct sta_slab *s = &r->slabs[index];
    memset(s, 0, sizeof *s);
    s->region = (uint8_t)(r - sta_regions);
    s->unit_first = first;
    s->unit_count = count;
    s->start_low = (uint32_t)(uintptr_t)sta_slab_start(s);
    return s;
}

struct sta_slab *sta_pages_alloc(uint32_t count, uint32_t align,
                                 enum sta_slab_state state,
                                 const struct sta_heap *h,
                                 struct sta_span *dirty)
{
    struct sta_slab *s = NULL;
    sta_recent_expect(count);
    lock_for(&sta_regions[0]);
    if (sta_region_count != 0) { /* else there are no tables yet */
        sta_runs_expect_alloc(&sta_regions[0].runs);
        sta_descriptors_expect(&sta_regions[0]);
    }
    if (state == STA_SLAB_RUN && align == 1)
        s = sta_recent_take(count);
    if (s == NULL)
        s = take_run(count, align, h);
    if (s != NULL) {
        struct sta_region *r = &sta_regions[s->region];
        uint32_t all = s->unit_count + sta_options.guard_units;
        account_used(r, s->unit_first, all, dirty);
        if (align > 1)
            note_skipped(r, s->unit_first, all, dirty);
        if (s->unit_count > STA_RUN_UNITS_MAX) {
            sta_page_counts.runs_allocated++;
            sta_page_counts.runs_allocated_units += s->unit_count;
        }
        sta_slab_set_state(s, state);
        sta_slab_map(s, 0);
    }
    sta_lock_release(&sta_pages_lock);
    return s;
}

void *sta_pages_own(void)
{
    struct sta_region *r = &sta_regions[0];
    char *p = NULL;
    sta_lock_acquire(&sta_pages_lock);
    bool ready = sta_region_count != 0 || sta_room_add(0) != NULL;
    if (ready && r->own_used < STA_OWN_UNITS)
        p = r->own + ((size_t)r->own_used++ << STA_UNIT_LOG2);
    sta_lock_release(&sta_pages_lock);
    if (p != NULL)
        return p;
    struct sta_span dirty;
    struct sta_slab *s = sta_pages_alloc(1, 1, STA_SLAB_OWN, NULL, &dirty);
    if (s == NULL)
        return NULL;
    p = sta_slab_start(s);
    return dirty.count ? memset(p, 0, STA_UNIT_BYTES) : p;
}

bool sta_pages_close(struct sta_slab *s)
{
    sta_lock_acquire(&sta_pages_lock);
    enum sta_closed done =
        sta_region_close(&sta_regions[s->region], s->unit_first, s->unit_count);
    s->closed = done == STA_CLOSED;
    sta_lock_release(&sta_pages_lock);
    return done != STA_CLOSED_NOT;
}

/* Asks for the cache lines that a free of this run needs. */
static void expect_free(const struct sta_region *r, const struct sta_slab *s)
{
    sta_prefetch_own(&r->unused.bits[(size_t)(s - r->slabs) / 64]);
    sta_prefetch_own(&r->stale.bits[s->unit_first / 64]);
    sta_runs_expect_free(&r->runs, s->unit_first);
}

bool sta_pages_free(struct sta_slab *s, bool zero)
{
    struct sta_region *r = &sta_regions[s->region];
    uint32_t count = s->unit_count + sta_options.guard_units;
    sta_recent_expect(s->unit_count);
    lock_for(r);
    if (sta_unlikely(sta_slab_state(s) == STA_SLAB_NONE)) {
        sta_lock_release(&sta_pages_lock);
        return false;
    }
    expect_free(r, s);
    clear_map(r, s);
    zero = zero || s->closed ||
           sta_region_close(r, s->unit_first, s->unit_count) != STA_CLOSED_NOT;
    account_free(r, s->unit_first, count, zero,
                 sta_slab_state(s) == STA_SLAB_THIN ? sta_slab_purged(s) : 0);
    if (sta_slab_state(s) == STA_SLAB_RUN)
        sta_recent_give(s);
    else
        sta_recent_release(s);
    purge(r, count);
    if (r != &sta_regions[0])
        sta_room_release_empty();
    sta_lock_release(&sta_pages_lock);
    return true;
}

/* Returns how many units are free from `behind` on, where `extra` are wanted:
 * what is kept apart may be just there. */
static uint32_t room_behind(struct sta_region *r, uint32_t behind,
                            uint32_t extra)
{
    if (behind >= sta_region_units(r))
        return 0;
    uint32_t room = sta_runs_free_at(&r->runs, behind);
    if (room >= extra || !sta_recent_any())
        return room;
    sta_recent_flush(UINT32_MAX);
    return sta_runs_free_at(&r->runs, behind);
}

bool sta_pages_resize(struct sta_slab *s, uint32_t count)
{
    struct sta_region *r = &sta_regions[s->region];
    uint32_t old = s->unit_count;
    uint32_t guards = sta_options.guard_units;
    struct sta_span dirty;
    bool done = true;
    sta_lock_acquire(&sta_pages_lock);
    if (count < old) {
        bool zero = sta_region_close(r, s->unit_first + count, old - count) !=
                    STA_CLOSED_NOT;
        uint32_t behind = s->unit_first + count + guards;
        sta_runs_free(&r->runs, behind, old - count);
        account_free(r, behind, old - count, zero, 0);
        purge(r, old - count);
    } else if (count > old) {
        uint32_t behind = s->unit_first + old + guards;
        uint32_t extra = count - old;
        uint32_t room = room_behind(r, behind, extra);
        if (room < extra && behind + room == sta_region_units(r))
            sta_region_extend(r, extra - room);
        done = count <= units_most && sta_runs_take(&r->runs, behind, extra);
        if (done && !sta_region_open(r, behind - guards, extra)) {
            sta_runs_free(&r->runs, behind, extra);
            done = false;
        }
        if (done) {
            account_used(r, behind, extra, &dirty);
            sta_page_counts.runs_allocated_units += extra;
        }
    }
    if (done)
        s->unit_count = count;
    sta_lock_release(&sta_pages_lock);
    return done;
}

bool sta_pages_may_move(const struct sta_slab *from, const struct sta_slab *to)
{
    sta_lock_acquire(&sta_pages_lock);
    bool may = sta_seams_move(from, to);
    sta_lock_release(&sta_pages_lock);
    return may;
}

void sta_pages_note_purged(const struct sta_slab *s, uint32_t first,
                           uint32_t count)
{
    sta_lock_acquire(&sta_pages_lock);
    sta_stale_note_purged(&sta_regions[s->region].stale, s->unit_first + first,
                          count);
    sta_lock_release(&sta_pages_lock);
}

void sta_pages_sparse(const void *p, const struct sta_span *dirty)
{
    const struct sta_slab *s = sta_slab_of(p);
    sta_lock_acquire(&sta_pages_lock);
    sta_stale_avoid_huge(&sta_regions[s->region].stale, s->unit_first,
                         s->unit_count, dirty);
    sta_lock_release(&sta_pages_lock);
}

void sta_pages_keep(size_t bytes)
{
    sta_lock_acquire(&sta_pages_lock);
    if (!sta_options.purge_never) {
        keep_bytes = bytes;
        keep_by_rule = false;
        for (uint32_t i = 0; i < sta_region_count; i++)
            sta_stale_end_rule(&sta_regions[i].stale);
    }
    sta_lock_release(&sta_pages_lock);
}

void sta_pages_purge(size_t keep)
{
    sta_lock_acquire(&sta_pages_lock);
    sta_recent_flush(UINT32_MAX);
    for (uint32_t i = 0; i < sta_region_count; i++) {
        sta_stale_trim(&sta_regions[i].stale, keep >> STA_UNIT_LOG2);
        sta_descriptors_trim(&sta_regions[i]);
    }
    sta_room_release_empty();
    sta_lock_release(&sta_pages_lock);
}

void sta_pages_fit_limit(void)
{
    sta_lock_acquire(&sta_pages_lock);
    sta_room_fit_limit();
    sta_lock_release(&sta_pages_lock);
}

size_t sta_pages_purged(void)
{
    size_t purged = 0;
    sta_lock_acquire(&sta_pages_lock);
    for (uint32_t i = 0; i < sta_region_count; i++)
        purged += sta_regions[i].stale.purged;
    sta_lock_release(&sta_pages_lock);
    return purged;
}

void sta_pages_note_refused(void)
{
    sta_lock_acquire(&sta_pages_lock);
    sta_page_counts.refused++;
    sta_lock_release(&sta_pages_lock);
}

bool sta_pages_init(void)
{
    keep_bytes = sta_options.purge_never ? SIZE_MAX : sta_options.keep_bytes;
    keep_by_rule = sta_options.purge_auto && !sta_options.purge_never;
    if (sta_options.arena_bytes == 0)
        return sta_room_add(0) != NULL;
    if (!sta_region_init(&sta_regions[0], sta_options.arena_bytes, false))
        return false;
    sta_region_count = 1;
    if (sta_options.prefault || sta_options.mlock)
        sta_region_prefault(&sta_regions[0]);
    return true;
}
