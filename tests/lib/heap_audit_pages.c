/* SPDX-License-Identifier: MIT */
/* The audit's lower half: regions, their units and descriptors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bitmap.h"
#include "heap/recent.h"
#include "tests/lib/heap_audit.h"
#include "tests/lib/heap_audit_parts.h"

enum { PLACES = STA_UNIT_BYTES / 16 }; /* of a unit */

void audit_slab_units(const struct sta_heap *h)
{
    uint32_t units = 0;
    bool keeps = h->spare_units + h->run_units > 0;
    for (uint32_t i = 0; i < sta_region_count; i++)
        for (uint32_t n = 1; n < sta_regions[i].slab_used; n++) {
            const struct sta_slab *s = &sta_regions[i].slabs[n];
            if (!audit_in_use(s) || sta_slab_owner(s) != h)
                continue;
            units += s->unit_count;
            keeps = keeps || sta_slab_state(s) == STA_SLAB_CURRENT;
        }
    HOLDS(h->state != STA_HEAP_IDLE || !keeps ||
              units + h->run_units <= STA_IDLE_UNITS,
          "an idle heap keeps %u units of slabs and %u of runs", units,
          h->run_units);
    HOLDS(units == h->slab_units, "%u units of slabs, counted as %u", units,
          h->slab_units);
}

/* True when an object or a carved slot starts on the `nth` unit. */
static bool has_start(const struct sta_slab *s, uint32_t nth)
{
    size_t bytes = sta_slab_object_bytes(s);
    size_t at = (size_t)nth << STA_UNIT_LOG2;
    size_t first = (at + bytes - 1) / bytes;
    return first < sta_slab_carved(s) && first * bytes < at + STA_UNIT_BYTES;
}

/* True when all slots that start there are carved. */
static bool is_cut(const struct sta_slab *s, uint32_t nth)
{
    size_t end = ((size_t)nth + 1) << STA_UNIT_LOG2;
    return sta_slab_carved(s) == sta_slab_capacity(s) ||
           sta_slab_carved(s) * sta_slab_object_bytes(s) >= end;
}

/* Enters the units of a descriptor in the picture. */
static void audit_descriptor(const struct sta_region *r,
                             const struct sta_slab *s)
{
    struct picture *p = &audit_pictures[r - sta_regions];
    uint32_t *holders = p->holders;
    uint32_t end = s->unit_first + s->unit_count;
    bool run = sta_slab_state(s) == STA_SLAB_RUN;
    HOLDS(s->region == r - sta_regions, "%s: wrong region", audit_name(s));
    HOLDS(s->unit_count > 0 &&
              end + sta_options.guard_units <= sta_region_units(r),
          "%s: beyond what is committed", audit_name(s));
    HOLDS(s->start_low == (uint32_t)(uintptr_t)sta_slab_start(s),
          "%s: wrong address", audit_name(s));
    HOLDS(sta_runs_all_used(&r->runs, s->unit_first, s->unit_count),
          "%s: some of it is free", audit_name(s));
    HOLDS(end <= r->stale.used_top, "%s: above used_top", audit_name(s));
    for (uint32_t u = s->unit_first; u < end && u < sta_region_units(r); u++) {
        uint32_t nth = u - s->unit_first;
        if (!run || nth == 0) /* what begins there */
            memset(p->places + (size_t)u * PLACES, 0, PLACES);
        bool mapped = nth == 0 || (has_start(s, nth) && is_cut(s, nth));
        HOLDS(!has_start(s, nth) || (s->fresh >> nth & 1) == 0,
              "%s: unit %u counts as untouched", audit_name(s), u);
        HOLDS(holders[u] == 0, "%s: unit %u is slab %u's too", audit_name(s), u,
              holders[u]);
        holders[u] = audit_index(s);
        HOLDS(r->map[u] == (mapped ? audit_index(s) * sizeof *s : 0),
              "%s: the map at unit %u has %u", audit_name(s), u, r->map[u]);
    }
    for (uint32_t u = end; u < end + sta_options.guard_units; u++) {
        HOLDS(holders[u] == 0, "%s: its guard is slab %u's", audit_name(s),
              holders[u]);
        HOLDS(sta_runs_all_used(&r->runs, u, 1), "%s: its guard is free",
              audit_name(s));
        holders[u] = audit_index(s);
    }
}

/* The units of a region that are kept apart as runs that were freed lately: in
 * use for the index, and for nobody else. */
static uint32_t audit_recent(const struct sta_region *r)
{
    const uint32_t *holders = audit_pictures[r - sta_regions].holders;
    uint32_t units = 0;
    uint32_t all_units = 0;
    for (uint32_t i = 0; i < STA_RECENT_LISTS; i++) {
        uint32_t length = 0;
        for (const struct sta_slab *s = sta_recent.lists[i]; s; s = s->next) {
            all_units += s->unit_count;
            HOLDS(++length <= 2, "%s: too many runs of a length",
                  audit_name(s));
            HOLDS(!audit_in_use(s), "%s: kept and in use", audit_name(s));
            HOLDS(s->unit_count % STA_RECENT_LISTS == i,
                  "%s: on the list of other lengths", audit_name(s));
            if (s->region != r - sta_regions)
                continue;
            units += s->unit_count;
            HOLDS(sta_runs_all_used(&r->runs, s->unit_first, s->unit_count),
                  "%s: some of it is free", audit_name(s));
            for (uint32_t k = 0; k < s->unit_count; k++)
                HOLDS(holders[s->unit_first + k] == 0,
                      "%s: kept, and its unit %u is slab %u's", audit_name(s),
                      k, holders[s->unit_first + k]);
        }
    }
    HOLDS(all_units == sta_recent.units && all_units <= STA_RECENT_UNITS,
          "%u units of runs kept, counted as %u", all_units, sta_recent.units);
    return units;
}

static bool is_recent(const struct sta_slab *slab)
{
    for (uint32_t i = 0; i < STA_RECENT_LISTS; i++)
        for (const struct sta_slab *s = sta_recent.lists[i]; s; s = s->next)
            if (s == slab)
                return true;
    return false;
}

/* A descriptor that was in use once is in use, or its bit says that it is not;
 * each word of these bits is summed up right. */
static void audit_unused(const struct sta_region *r)
{
    const struct sta_unused *k = &r->unused;
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->slab_used; i++) {
        bool unused = (k->bits[i / 64] >> i % 64 & 1) != 0;
        count += unused;
        bool in_use = audit_in_use(&r->slabs[i]) || is_recent(&r->slabs[i]);
        HOLDS(i == 0 || unused == !in_use, "descriptor %u is %sin use", i,
              unused ? "" : "not ");
    }
    for (uint32_t w = 0; w < (r->slab_used + 63) / 64; w++) {
        bool some = (k->words[w / 64] >> w % 64 & 1) != 0;
        bool touched = (k->touched[w / 64] >> w % 64 & 1) != 0;
        HOLDS(some == (k->bits[w] != 0), "unused descriptors of word %u", w);
        HOLDS(!some || w >= k->low, "unused ones in word %u, not from %u", w,
              k->low);
        HOLDS(~k->bits[w] != 0 || !touched || w < k->cut,
              "word %u will never be purged, from %u down", w, k->cut);
    }
    HOLDS(count == k->count, "%u unused descriptors, counted as %u", count,
          k->count);
    HOLDS(!audit_in_use(&r->slabs[0]) && r->slabs[0].owner == 0,
          "descriptor 0 is not nobody's");
}

static void audit_stale(const struct sta_region *r)
{
    const struct sta_stale *t = &r->stale;
    uint32_t units = sta_region_units(r);
    uint32_t end = r->table_units;
    uint32_t count = 0;
    uint32_t u = 0;
    while ((u = sta_bitmap_first_one(t->bits, u, units)) < units) {
        HOLDS(audit_pictures[r - sta_regions].holders[u] == 0,
              "unit %u is stale and in use", u);
        HOLDS(u < t->used_top, "stale unit %u is above used_top %u", u,
              t->used_top);
        count++;
        u++;
    }
    end = end < units + 4096 ? end : units + 4096;
    HOLDS(sta_bitmap_first_one(t->bits, units, end) == end,
          "a unit that is not committed is stale");
    HOLDS(count == t->count, "%u stale units, counted as %u", count, t->count);
    HOLDS(t->low <= t->count, "stale.low %u of %u", t->low, t->count);
}

static void *grown(void *p, size_t count, size_t size)
{
    void *to = realloc(p, count * size);
    if (to == NULL)
        abort();
    return to;
}

/* Empties a picture, but for the places, which audit_descriptor() clears.  To
 * take its memory anew each time would take longer than the audit. */
static void clear(struct picture *p, uint32_t slabs, uint32_t units)
{
    if (p->slabs < slabs) {
        p->slabs = 2 * slabs;
        p->tallies = grown(p->tallies, p->slabs, sizeof *p->tallies);
    }
    if (p->units < units) {
        p->units = 2 * units;
        p->holders = grown(p->holders, p->units, sizeof *p->holders);
        p->places = grown(p->places, p->units, PLACES);
    }
    memset(p->tallies, 0, slabs * sizeof *p->tallies);
    memset(p->holders, 0, units * sizeof *p->holders);
}

uint32_t audit_region(const struct sta_region *r)
{
    struct picture *p = &audit_pictures[r - sta_regions];
    uint32_t units = sta_region_units(r);
    uint32_t used = 0;
    clear(p, r->slab_used, units + 1);
    HOLDS(sta_runs_audit(&r->runs), "the run index is inconsistent");
    for (uint32_t i = 1; i < r->slab_used; i++)
        if (audit_in_use(&r->slabs[i]))
            audit_descriptor(r, &r->slabs[i]);
    for (uint32_t u = 0; u < units; u++) {
        used += p->holders[u] != 0;
        HOLDS(p->holders[u] != 0 || r->map[u] == 0,
              "unit %u is free, and the map has %u", u, r->map[u]);
    }
    for (uint32_t u = units; u < r->map_units; u++)
        HOLDS(r->map[u] == 0, "unit %u is not there, and the map has %u", u,
              r->map[u]);
    uint32_t kept = audit_recent(r);
    HOLDS(used + kept + sta_runs_free_units(&r->runs) == units,
          "%u units: %u in use, %u kept, %u free", units, used, kept,
          sta_runs_free_units(&r->runs));
    audit_unused(r);
    audit_stale(r);
    return used;
}

bool heap_audit_zero(void)
{
    if (sta_options.closed) /* nobody can read them */
        return true;
    for (uint32_t i = 0; i < sta_region_count; i++) {
        const struct sta_region *r = &sta_regions[i];
        uint32_t end = r->stale.used_top; /* above, nobody ever wrote */
        for (uint32_t u = 0; u < end; u++) {
            const char *p =
                (const void *)(r->base + ((uintptr_t)u << STA_UNIT_LOG2));
            if (!sta_runs_free_at(&r->runs, u) ||
                sta_bitmap_first_one(r->stale.bits, u, u + 1) == u)
                continue;
            if (p[0] != 0 || memcmp(p, p + 1, STA_UNIT_BYTES - 1) != 0) {
                fprintf(stderr,
                        "heap_audit: free unit %u is not stale and "
                        "not zero\n",
                        u);
                return false;
            }
        }
    }
    return true;
}
