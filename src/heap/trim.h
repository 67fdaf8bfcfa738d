/* SPDX-License-Identifier: MIT */
/* Giving back what heaps cache; see trim.c. */
#ifndef STA_HEAP_TRIM_H
#define STA_HEAP_TRIM_H

#include "heap/heap.h"

/* Gives back every slot that malloc could take, every empty slab and every run
 * that waits. */
void sta_heap_flush(struct sta_heap *h);

/* The heap took memory that was not resident: gives back a part of what it
 * keeps, lest there is soon more that nobody uses. */
void sta_heap_grew(struct sta_heap *h);

/* Gives back a part of what the heap keeps, if there was an epoch in which the
 * program shrank (stale.c, trim.c).  The caller works on no bin of it. */
void sta_heap_shrink_on(struct sta_heap *h);
static inline void sta_heap_shrink(struct sta_heap *h)
{
    if (sta_unlikely(h->shrink.lists != 0 || h->shrinks != sta_pages_shrinks()))
        sta_heap_shrink_on(h);
}

/*
 * Gives what this thread's heap and all idle ones cache back to the arena: the
 * last resort of a request that finds no memory.
 *
 * Threads  any, holding no lock.
 */
void sta_heap_reclaim(void);

/*
 * Has malloc find the free slots of class `c` in full slabs of this thread's
 * heap and of idle ones, too few to be worth it while there is memory.
 *
 * Threads  any, holding no lock.
 */
void sta_heap_list_full(uint32_t c);

/*
 * Returns memory that nobody uses to the system: of this thread's heap, of
 * shared and idle heaps, and all of the arena but `keep_bytes`.  Returns the
 * bytes given back.
 */
size_t sta_heap_trim(size_t keep_bytes);

#endif
