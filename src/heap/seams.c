/* SPDX-License-Identifier: MIT */
/*
 * Seams: where mappings meet in a region because pages of a run were moved.
 *
 * What realloc moves by its pages is a mapping of its own where it comes to
 * lie, and what stays behind is another one, for as long as the region lives:
 * the system joins neither with what is beside it.  Of 65,530 mappings that a
 * process may have the program needs some for its threads and files.  So it is
 * noted where two meet, a bit for the unit behind, and there are so many at
 * most; a move that would need more does not take place.  Where seams are
 * already a move makes none, and those inside of what moves are gone.
 */
#include "heap/seams.h"

#include "core/bitmap.h"
#include "heap/config.h"

static uint32_t all_seams; /* sta_pages_lock */

static void set(struct sta_region *r, uint32_t first, uint32_t count, bool seam)
{
    uint32_t changed = sta_bitmap_assign(r->seams.bits, first, count, seam);
    r->seams.count += seam ? changed : -changed;
    all_seams += seam ? changed : -changed;
}

static bool is_seam(const struct sta_region *r, uint32_t unit)
{
    return (r->seams.bits[unit / 64] >> unit % 64 & 1) != 0;
}

/* Has units be a mapping of their own. */
static void set_apart(struct sta_region *r, uint32_t first, uint32_t count)
{
    set(r, first + 1, count - 1, false);
    set(r, first, 1, true);
    set(r, first + count, 1, true);
}

bool sta_seams_move(const struct sta_slab *from, const struct sta_slab *to)
{
    struct sta_region *a = &sta_regions[from->region];
    struct sta_region *b = &sta_regions[to->region];
    uint32_t count = from->unit_count;
    uint32_t more = 4u - is_seam(a, from->unit_first) -
                    is_seam(a, from->unit_first + count) -
                    is_seam(b, to->unit_first) -
                    is_seam(b, to->unit_first + count);
    if (more != 0 && all_seams + more > STA_SEAMS)
        return false;
    set_apart(a, from->unit_first, count);
    set_apart(b, to->unit_first, count);
    return true;
}

static bool is_free(const struct sta_region *r, uint32_t unit)
{
    return unit < sta_region_units(r) && sta_runs_free_at(&r->runs, unit) != 0;
}

void sta_seams_close(struct sta_region *r, uint32_t first, uint32_t count)
{
    set(r, first + 1, count - 1, false);
    if (first != 0 && is_free(r, first - 1))
        set(r, first, 1, false);
    if (is_free(r, first + count))
        set(r, first + count, 1, false);
}

void sta_seams_release(struct sta_region *r)
{
    all_seams -= r->seams.count;
}
