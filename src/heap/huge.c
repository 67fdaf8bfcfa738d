/* SPDX-License-Identifier: MIT */
/*
 * Huge pages: which 2 MiB blocks of a region ask the system for one.
 *
 * A huge page costs one fault instead of 512, and one entry of the processor's
 * cache of addresses.  It also makes 2 MiB resident for one byte.  That costs
 * nothing where all of it is used soon, which first fit makes likely: blocks
 * fill one after another, each to the end before the next is begun, so that at
 * most the last one is resident for nothing.  Five rules keep it so:
 *
 *   - The first STA_HUGE_FROM bytes of a region do without: there the last
 *     block would be too large a share.
 *   - As the heap grows a few objects are looked at, and where most are written
 *     in part only, what is new of it does not ask.
 *   - A run that calloc() cleared for free is likely to be a sparse table, and
 *     the blocks that it touches do not ask.
 *   - A run that is aligned may skip free units.  Where these are many the
 *     blocks at its ends do not ask, as all that come may skip as much.
 *   - A block of which a part was purged stops asking, or the system would
 *     fill it up again behind our back (khugepaged).  It asks again once all of
 *     it is free and purged.  stale.c decides so.
 *
 * An arena that is to be resident as a whole asks for all of it, once.
 *
 * The system divides its mapping between a block that asks and one that does
 * not.  Of such edges all regions have so many at most: what would make more is
 * noted, and the system not told.
 *
 * The blocks below `ready` and not below STA_HUGE_FROM have else been told what
 * their bits in `asked` say; the others that they are to do without.
 */
#include "heap/huge.h"

#include "core/bitmap.h"
#include "heap/config.h"
#include "heap/descriptors.h"
#include "heap/options.h"
#include "heap/region.h"
#include "os/vm.h"

/* --- Blocks -------------------------------------------------------------- */

static const uint32_t first_block = (uint32_t)(STA_HUGE_FROM / STA_HUGE_BYTES);

static uint32_t all_edges; /* sta_pages_lock */

/* Returns how many edges blocks have, at both ends and between them. */
static uint32_t count_edges(const struct sta_huge *h, uint32_t first,
                            uint32_t end)
{
    uint32_t edges = 0;
    for (uint32_t b = first; b <= end; b++)
        edges += sta_huge_is_asked(h, b - 1) != sta_huge_is_asked(h, b);
    return edges;
}

void sta_huge_commit(struct sta_huge *h, uint32_t end, bool thin)
{
    if (!sta_options.huge)
        return;
    if (sta_options.prefault || sta_options.mlock) {
        sta_vm_huge((void *)h->base, (size_t)end << STA_UNIT_LOG2, true);
        return;
    }
    uint32_t from = h->ready;
    h->ready = end / STA_HUGE_UNITS;
    h->thin = thin;
    sta_huge_set(h, from, h->ready - from, true);
}

bool sta_huge_set(struct sta_huge *h, uint32_t first, uint32_t count,
                  bool wanted)
{
    uint32_t end = first + count < h->ready ? first + count : h->ready;
    first = first > first_block ? first : first_block;
    if (!sta_options.huge || first >= end || (wanted && h->thin))
        return false;
    uint32_t before = count_edges(h, first, end);
    if (sta_bitmap_assign(h->asked, first, end - first, wanted) == 0)
        return false;
    uint32_t after = count_edges(h, first, end);
    h->edges += after - before;
    all_edges += after - before;
    if (after <= before || all_edges <= STA_HUGE_EDGES)
        sta_vm_huge((void *)(h->base + first * STA_HUGE_BYTES),
                    (end - first) * STA_HUGE_BYTES, wanted);
    return true;
}

void sta_huge_release(const struct sta_huge *h)
{
    all_edges -= h->edges;
}

/* --- What the program writes --------------------------------------------- */

/* Returns how many units are the first object's alone.  Of a slab the map tells
 * without its owner: the next unit to which it leads has another object.  0
 * where it leads to none yet. */
static uint32_t units_of_first(const struct sta_region *r,
                               const struct sta_slab *s)
{
    const _Atomic uint32_t *map = r->map + s->unit_first;
    uint32_t n = 1;
    if (sta_slab_state(s) == STA_SLAB_RUN)
        return s->unit_count;
    while (n < s->unit_count &&
           atomic_load_explicit(&map[n], memory_order_relaxed) == 0)
        n++;
    return n < s->unit_count ? n : 0;
}

static bool unit_holds(const struct sta_region *r, uint32_t unit)
{
    return sta_vm_holds((char *)r->base + ((size_t)unit << STA_UNIT_LOG2));
}

/* Returns how many of four pages of an object hold something: the first, the
 * last and two between.  To look at one that is not there takes eight calls and
 * a fault: so only as far as it matters. */
static uint32_t pages_held(const struct sta_region *r, uint32_t first,
                           uint32_t units, uint32_t nth)
{
    uint32_t held = unit_holds(r, first);
    held += unit_holds(r, first + units - 1);
    if (held != 0)
        held += unit_holds(r, first + 1 + nth % (units - 1));
    if (held > 1)
        held += unit_holds(r, first + 1 + nth / 2 % (units - 1));
    return held;
}

/*
 * By an object of each of 64 slabs and runs: more of them are written in part,
 * two pages of four at most, than in whole, or too short to tell.  Those that
 * hold nothing are no evidence, as all rows of a matrix may be made first and
 * filled later; so they may not be most of all by far.  A long object counts as
 * a shorter: one array that is being filled is not the program's habit.
 */
bool sta_huge_is_thin(const struct sta_region *r)
{
    uint32_t step = r->slab_used / STA_HUGE_LOOKS | 1;
    uint32_t empty = 0;
    uint32_t partly = 0;
    uint32_t all = 0;
    for (uint32_t i = 1; i < r->slab_used; i += step) {
        const struct sta_slab *s = &r->slabs[i];
        if (sta_descriptors_is_unused(r, i))
            continue;
        uint32_t units = units_of_first(r, s);
        uint32_t held = units < 2 ? 4 : pages_held(r, s->unit_first, units, i);
        uint32_t count = s->unit_count < STA_HUGE_LOOK_UNITS
                             ? s->unit_count
                             : STA_HUGE_LOOK_UNITS;
        empty += held == 0 ? count : 0;
        partly += held == 1 || held == 2 ? count : 0;
        all += count;
    }
    uint32_t written = all - empty - partly;
    return partly > written && partly > empty / 3;
}
