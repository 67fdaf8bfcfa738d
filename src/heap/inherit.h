/* SPDX-License-Identifier: MIT */
/* Slabs of threads that a fork's child does not have. */
#ifndef STA_HEAP_INHERIT_H
#define STA_HEAP_INHERIT_H

#include <stdbool.h>

#include "heap/heap.h"

/* Makes the heaps of all other threads absent: in the child, which has one
 * thread. */
void sta_heap_abandon_others(void);

/* Frees a live slot of `s`, taking the slab over from `owner`; false when that
 * is no absent heap, or owns it no more. */
bool sta_heap_inherit(struct sta_heap *owner, struct sta_slot *slot,
                      struct sta_slab *s);

#endif
