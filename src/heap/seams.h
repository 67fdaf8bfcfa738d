/* SPDX-License-Identifier: MIT */
/*
 * Seams: where mappings meet in a region because pages of a run were moved.
 *
 * Everything here is under sta_pages_lock.
 */
#ifndef STA_HEAP_SEAMS_H
#define STA_HEAP_SEAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/region.h"

/* The pages of a run are to move to a longer one: notes where mappings will
 * meet.  False where these would be too many: then they are to be copied. */
bool sta_seams_move(const struct sta_slab *from, const struct sta_slab *to);

/* Units are closed, by a mapping that joins those of free ones beside it. */
void sta_seams_close(struct sta_region *r, uint32_t first, uint32_t count);

/* The region goes, and its seams with it. */
void sta_seams_release(struct sta_region *r);

#endif
