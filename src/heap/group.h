/* SPDX-License-Identifier: MIT */
/* Size classes that share a bin while it is small; the caller works on the
 * heap. */
#ifndef STA_HEAP_GROUP_H
#define STA_HEAP_GROUP_H

#include "heap/heap.h"

/* Has the table of a new heap lead each size to the bin of its group. */
void sta_group_classes(struct sta_heap *h);

/* The bin of class `c` is to have another slab: when it has enough already,
 * the smaller half of the classes that share it get a bin of their own. */
void sta_group_part(struct sta_heap *h, uint32_t c);

#endif
