/* SPDX-License-Identifier: MIT */
/*
 * Runs that were freed lately, kept whole for the next request of their length.
 *
 * To free a run to the index and find another one there takes 1,500
 * instructions, most of them for the tree over free units; a program that frees
 * one run and asks for one as long needs none of that.  So up to two runs of a
 * length stay out of the index for a while: their units are in use there, and
 * their descriptors are not among the unused ones, but no object is in them
 * (STA_SLAB_NONE) and the map does not lead to them.
 *
 * This is no memory of its own.  What is kept counts as free and, being stale,
 * is purged as all free memory is (stale.c).  And it is not to make the heap
 * larger: before units are used that never were, all of it goes back to the
 * index, where it may merge to a run that is long enough, and nothing is kept
 * for some frees, since the next request is likely to need new units as well.
 * Nor is anything kept while the program shrinks, where free units are closed,
 * or outside the first region, since others go when they are empty.
 *
 * Lengths that differ by a multiple of 32 share a list.
 *
 * I1  a list has at most two runs, all of them no more than STA_RECENT_UNITS.
 * I2  the units of a run on a list are used in the index, and its descriptor is
 *     none of the unused ones; both are as if they belonged to an object.
 */
#include "heap/recent.h"

#include "heap/descriptors.h"
#include "heap/options.h"

struct sta_recent sta_recent;

/* Takes the run that *link leads to off its list. */
static struct sta_slab *unlink_run(struct sta_slab **link)
{
    struct sta_slab *s = *link;
    *link = s->next;
    sta_recent.units -= s->unit_count;
    return s;
}

struct sta_slab *sta_recent_take(uint32_t count)
{
    if (!sta_recent_any())
        return NULL;
    uint32_t most = count + sta_run_slack(count);
    for (uint32_t n = count; n <= most; n++) {
        struct sta_slab **link = &sta_recent.lists[n % STA_RECENT_LISTS];
        for (; *link != NULL; link = &(*link)->next)
            if ((*link)->unit_count == n)
                return unlink_run(link);
    }
    return NULL;
}

void sta_recent_release(struct sta_slab *s)
{
    struct sta_region *r = &sta_regions[s->region];
    sta_runs_free(&r->runs, s->unit_first,
                  s->unit_count + sta_options.guard_units);
    sta_descriptors_give(r, (uint32_t)(s - r->slabs));
}

void sta_recent_give(struct sta_slab *s)
{
    bool shrinking = sta_stale_is_shrinking(&sta_regions[0].stale);
    if (shrinking)
        sta_recent_flush(1);
    if (shrinking || sta_recent.pause != 0 || sta_options.closed ||
        !sta_slab_may_wait(s) ||
        s->unit_count + sta_recent.units > STA_RECENT_UNITS) {
        sta_recent.pause -= sta_recent.pause != 0;
        sta_recent_release(s);
        return;
    }
    struct sta_slab **list =
        &sta_recent.lists[s->unit_count % STA_RECENT_LISTS];
    sta_slab_set_state(s, STA_SLAB_NONE);
    s->next = *list;
    *list = s;
    sta_recent.units += s->unit_count;
    if (s->next != NULL && s->next->next != NULL)
        sta_recent_release(unlink_run(&s->next->next));
}

void sta_recent_flush(uint32_t count)
{
    if (sta_recent_any())
        sta_recent.pause = STA_RECENT_PAUSE;
    for (uint32_t i = 0; sta_recent_any() && count != 0; i++)
        for (; sta_recent.lists[i] != NULL && count != 0; count--)
            sta_recent_release(unlink_run(&sta_recent.lists[i]));
}
