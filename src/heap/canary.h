/* SPDX-License-Identifier: MIT */
/*
 * What stands behind an object at levels 2 and 3 of STALLOC_CHECK, and tells
 * how long the object is and who allocated it; see guard.c.
 *
 *     | object | canary to the end of the slot … | canary word |
 *
 *     canary word: | slack - 8: 14 bits | family: 3 | of the slot: 47 |
 *
 * A run needs no such word: its descriptor has room for the numbers.
 *
 * Threads  whoever has the object, or the lock of its heap.
 */
#ifndef STA_HEAP_CANARY_H
#define STA_HEAP_CANARY_H

#include "heap/family.h"

/* The fewest bytes behind an object in a slot. */
size_t sta_canary_least(void);

/* Makes `size` bytes the object at the first byte of its slot or run. */
void sta_canary_set(struct sta_slab *s, char *p, size_t size);

/* Notes who allocated it; without this, STA_FAMILY_MALLOC did. */
void sta_canary_set_family(struct sta_slab *s, char *p, enum sta_family family);

/* Returns the bytes that were asked for; `call` is for a complaint that more
 * were written. */
size_t sta_canary_size(const char *call, const struct sta_slab *s,
                       const void *p);

/* When another family allocated an object, has it looked for who else may have.
 * For a caller without a lock, before the next. */
void sta_canary_expect_family(const struct sta_slab *s, const void *p,
                              enum sta_family family);

/* Ends the process when another family than `family`, to which `call` belongs,
 * allocated an object; sta_canary_size() found it whole. */
void sta_canary_check_family(const char *call, const struct sta_slab *s,
                             const void *p, enum sta_family family);

/* True for an object of no bytes in a closed page. */
static inline bool sta_canary_is_closed(const struct sta_slab *s)
{
    return sta_options.guard_units && sta_slab_state(s) == STA_SLAB_RUN &&
           sta_slab_purged(s) == sta_slab_object_bytes(s);
}

/* True when all bytes are the same one. */
bool sta_canary_is_all(const char *p, size_t bytes, int byte);

#endif
