/* SPDX-License-Identifier: MIT */
/* Room for a run of units, in all regions.  Under sta_pages_lock. */
#ifndef STA_HEAP_ROOM_H
#define STA_HEAP_ROOM_H

#include <stdint.h>

#include "heap/region.h"

/*
 * Takes `count` units aligned to `align`, a power of two: the lowest there are,
 * or else in a region that grows for them, or in a new one.
 *
 * Returns  the region, and in *first the first unit; NULL when there is none.
 */
struct sta_region *sta_room_find(uint32_t count, uint32_t align,
                                 uint32_t *first);

/* Adds a region that holds at least `units`; NULL when there can be none. */
struct sta_region *sta_room_add(uint32_t units);

/* Releases the last regions while they are empty, but not the first. */
void sta_room_release_empty(void);

/* Gives back what regions reserve beyond their use, until as much is left of
 * the limit of address space; a fixed arena stays. */
void sta_room_fit_limit(void);

#endif
