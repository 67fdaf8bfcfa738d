/* SPDX-License-Identifier: MIT */
/*
 * Size classes that share a bin while it is small.
 *
 * Each class in use has a slab, and some page of it is half empty.  In a heap
 * of a hundred objects of all sizes that is most of its memory: a thread that
 * serves a connection has as many pages as there are classes.  Slots that are
 * somewhat too large are cheaper there.  So up to 512 bytes the classes begin
 * in groups of four, which all use the bin of the largest:
 *
 *     48 64 | 80 … 128 | 144 … 192 | 208 … 256 | 288 … 384 | 416 … 512
 *
 * A bin that has two slabs and needs a third is left to the larger half of its
 * classes, and the smaller half use the bin of the largest of them, which is
 * empty so far; after another such step each class has its own.  What was
 * allocated stays where it is.
 *
 * All this is in the heap's table of sizes, which malloc reads anyway.  Who
 * looks a class up elsewhere, as an aligned request does, uses its own bin.
 *
 * I1  a size is more than half of the slot that its group has for it, as
 *     realloc() and free_sized() demand; hence 16 and 32 have no group.
 */
#include "heap/group.h"

#include <string.h>

enum { GROUPED_FIRST = 2, GROUPED_LAST = 23 };

void sta_group_classes(struct sta_heap *h)
{
    for (size_t size = 0; size <= STA_CLASS_TABLE_MAX; size++) {
        uint32_t c = sta_class_of(size);
        bool grouped = c >= GROUPED_FIRST && c <= GROUPED_LAST;
        h->class_of[size] = (uint8_t)(grouped ? c | 3 : c);
    }
}

void sta_group_part(struct sta_heap *h, uint32_t c)
{
    uint32_t first = c;
    if (c > GROUPED_LAST || h->bins[c].slab_count < STA_GROUP_SLABS)
        return;
    while (first > 0 && h->class_of[sta_class_bytes(first - 1)] == c)
        first--;
    if (first == c)
        return;
    uint32_t middle = (first + c) / 2;
    uint32_t below = sta_class_bytes(first - 1);
    memset(h->class_of + below + 1, (int)middle,
           sta_class_bytes(middle) - below);
}
