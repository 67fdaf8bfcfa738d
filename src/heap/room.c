/* SPDX-License-Identifier: MIT */
/*
 * Room for a run: the lowest that fits, in a region that there is, in one that
 * grows, or in a further one.
 *
 * First fit in address order packs live memory at the bottom of the region,
 * which is what lets the top be given back and the middle be huge pages.  Free
 * neighbours merge at once (core/runs.h), so a run that fits is always found.
 *
 * One region is enough where addresses are plenty: it reserves more than there
 * is memory.  Under a limit of address space it takes half of what is left, and
 * further ones are added when it is full; so they are when it has as many slabs
 * and runs as it can describe, 33,554,432.  A run that is longer than what is
 * left then has them give back what they reserve beyond their use.  Further
 * regions are released when nothing in them is in use: what the program does
 * not use any more it may need to map a file or start a thread.  Only the last
 * one goes, so that who looks through the regions without the lock, for an
 * object in one, passes none that goes.  A program that sets itself a limit as
 * it runs has what is reserved counted as well: half of what it is left is then
 * all that stays reserved.
 */
#include "heap/room.h"

#include "heap/descriptors.h"
#include "heap/options.h"
#include "heap/recent.h"
#include "os/vm.h"

/* Takes `count` units from a region as it stands; STA_RUNS_NONE if none fit, or
 * unless `thorough` if it takes long to find them. */
static uint32_t take_units(struct sta_region *r, uint32_t count, uint32_t align,
                           bool thorough)
{
    return thorough ? sta_runs_alloc(&r->runs, count, align)
                    : sta_runs_alloc_soon(&r->runs, count, align);
}

/* Bytes that a region is to have where `left` may be reserved: twice what the
 * machine has, if that is no more than half. */
static size_t wanted_bytes(size_t left)
{
    size_t bytes = sta_vm_memory_bytes();
    bytes = bytes > STA_REGION_MOST / STA_RESERVE_FACTOR
                ? STA_REGION_MOST
                : bytes * STA_RESERVE_FACTOR;
    bytes = bytes < left / 2 ? bytes : left / 2;
    return bytes & ~(size_t)(STA_UNIT_BYTES - 1);
}

/* Gives back as much of what regions reserve and do not use as a further one of
 * `least` bytes needs, its tables included, beside the `left` of the limit;
 * false where all of it would not do. */
static bool cut_tails(size_t least, size_t left)
{
    size_t want = least + least / 16 + STA_HUGE_BYTES;
    size_t tails = 0;
    for (uint32_t i = 0; i < sta_region_count; i++)
        tails += sta_region_tail(&sta_regions[i]);
    if (left >= want || tails < want - left)
        return false;
    for (uint32_t i = sta_region_count; i-- > 0 && left < want;)
        left += sta_region_cut_tail(&sta_regions[i], want - left);
    return true;
}

/* Reserves a region of `bytes`, or fewer when the system refuses, but at least
 * so many. */
static bool reserve(struct sta_region *r, size_t bytes, size_t least,
                    bool scarce)
{
    while (!sta_region_init(r, bytes < least ? least : bytes, scarce)) {
        if (bytes <= least)
            return false;
        bytes /= 2;
    }
    return true;
}

struct sta_region *sta_room_add(uint32_t units)
{
    if (sta_options.arena_bytes != 0 || sta_region_count == STA_REGIONS_MAX)
        return NULL;
    struct sta_region *r = &sta_regions[sta_region_count];
    size_t least = (size_t)units << STA_UNIT_LOG2;
    size_t floor = STA_REGION_LEAST(sta_region_count);
    least = least < floor ? floor : least;
    size_t left = sta_vm_space_left();
    bool scarce = left != SIZE_MAX;
    if (!reserve(r, wanted_bytes(left), least, scarce) &&
        !(cut_tails(least, left) && sta_region_init(r, least, scarce)))
        return NULL;
    if (units != 0 && !sta_region_extend(r, units)) {
        sta_region_release(r);
        return NULL;
    }
    sta_region_count++;
    return r;
}

/* Finds room in the regions as they stand. */
static struct sta_region *find_in_regions(uint32_t count, uint32_t align,
                                          bool thorough, uint32_t *first)
{
    for (uint32_t i = 0; i < sta_region_count; i++) {
        struct sta_region *r = &sta_regions[i];
        if (sta_descriptors_are_out(r))
            continue;
        *first = take_units(r, count, align, thorough);
        if (*first != STA_RUNS_NONE)
            return r;
    }
    return NULL;
}

/* The same, but what is kept apart goes back before new units are used. */
static struct sta_region *find_used_first(uint32_t count, uint32_t align,
                                          uint32_t *first)
{
    struct sta_region *r = find_in_regions(count, align, false, first);
    if (!sta_recent_any() || (r != NULL && *first + count <= r->stale.used_top))
        return r;
    if (r != NULL)
        sta_runs_free(&r->runs, *first, count);
    sta_recent_flush(UINT32_MAX);
    return find_in_regions(count, align, false, first);
}

/* All aligned places are looked through only when nothing can grow. */
struct sta_region *sta_room_find(uint32_t count, uint32_t align,
                                 uint32_t *first)
{
    struct sta_region *r = find_used_first(count, align, first);
    if (r != NULL)
        return r;
    uint32_t most = count + align - 1; /* in which it is sure to fit */
    for (uint32_t i = 0; r == NULL && i < sta_region_count; i++)
        if (!sta_descriptors_are_out(&sta_regions[i]) &&
            sta_region_extend(&sta_regions[i], most))
            r = &sta_regions[i];
    if (r == NULL)
        r = sta_room_add(most);
    if (r == NULL)
        return align > 1 ? find_in_regions(count, align, true, first) : NULL;
    *first = take_units(r, count, align, true);
    return r;
}

void sta_room_release_empty(void)
{
    for (; sta_region_count > 1; sta_region_count--) {
        struct sta_region *r = &sta_regions[sta_region_count - 1];
        if (sta_runs_free_units(&r->runs) != sta_region_units(r))
            return;
        struct sta_stale *kept = &sta_regions[0].stale; /* counts only grow */
        kept->purged += r->stale.purged + r->stale.count;
        kept->calls += r->stale.calls + 1;
        sta_region_release(r);
    }
}

/* Tries it: where a program sees no /proc nothing tells how much is left. */
static bool may_reserve(size_t bytes)
{
    void *p = sta_vm_reserve(bytes);
    if (p != NULL)
        sta_vm_release(p, bytes);
    return p != NULL;
}

void sta_room_fit_limit(void)
{
    if (sta_options.arena_bytes != 0)
        return;
    for (uint32_t i = sta_region_count; i-- > 0;) {
        struct sta_region *r = &sta_regions[i];
        size_t tail = sta_region_tail(r);
        while (tail != 0 && !may_reserve(tail)) {
            size_t cut = sta_region_cut_tail(r, tail / 2 + 1);
            tail = cut == 0 ? 0 : tail - cut;
        }
    }
}
