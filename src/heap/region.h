/* SPDX-License-Identifier: MIT */
/* Reservations: made, laid out, committed step by step.  For pages.c. */
#ifndef STA_HEAP_REGION_H
#define STA_HEAP_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/bits.h"
#include "heap/pages.h"

/* Metadata is committed in steps of this, and laid out on its multiples: the
 * largest system page that Linux knows. */
enum { STA_META_STEP = 65536 };

/*
 * Takes the lock of the arena, to work on a region and the counts most of all.
 * Another processor may have had them last: their lines are asked for before
 * all else, and come side by side, not one after the other under the lock.
 */
static inline void sta_region_lock(const struct sta_region *r)
{
    for (const char *p = (const char *)&r->runs; p < (const char *)(r + 1);
         p += 64)
        sta_prefetch_own(p);
    sta_prefetch_own(&sta_page_counts);
    sta_lock_acquire(&sta_pages_lock);
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

/*
 * Commits at least `units` more, and some ahead; false when the reservation
 * has no room or the system refuses.
 */
bool sta_region_extend(struct sta_region *r, uint32_t units);

/* Makes units of a new run usable, where free ones are closed. */
bool sta_region_open(struct sta_region *r, uint32_t first, uint32_t count);

/* The reverse, and that of the guard behind them, which need not be closed: the
 * system may have refused before.  True when their contents are gone. */
bool sta_region_close(struct sta_region *r, uint32_t first, uint32_t count);

#endif
