/* SPDX-License-Identifier: MIT */
/*
 * Which heap a thread works on, and the list of all heaps; see threads.c.
 */
#ifndef STA_HEAP_THREADS_H
#define STA_HEAP_THREADS_H

#include "heap/heap.h"

/*
 * Returns a heap that this thread may work on: its own, made on first use, or
 * a shared one, then locked.  Give it back with sta_heap_leave().
 */
struct sta_heap *sta_heap_enter(void);

/* Ends what sta_heap_enter() began. */
static inline void sta_heap_leave(struct sta_heap *h)
{
    if (h != sta_self)
        sta_lock_release(&h->lock);
}

/* Called before all else, if the program has it: the malloc library looks there
 * whether it may serve this program at all. */
void sta_heap_starts(void) STA_HIDDEN __attribute__((weak));

enum sta_stage { STA_STAGE_RAW, STA_STAGE_BUSY, STA_STAGE_READY };
extern _Atomic int sta_heap_stage STA_HIDDEN;

/* True once the options are read and there is an arena. */
static inline bool sta_heap_started(void)
{
    /* acquire: pairs with the release in start() */
    return atomic_load_explicit(&sta_heap_stage, memory_order_acquire) ==
           STA_STAGE_READY;
}

/* True where this process is the one that the heap is of; false in the child of
 * a vfork(), which runs in its parent's memory. */
bool sta_heap_is_of_process(void);

/* Has the options read before the first call decides by them. */
static inline void sta_heap_ensure_started(void)
{
    if (sta_unlikely(!sta_heap_started()))
        sta_heap_leave(sta_heap_enter());
}

/* The list of all heaps that threads had; grows at its head, never shrinks. */
extern struct sta_heap *_Atomic sta_heaps STA_HIDDEN;
/* Where the last look for an idle one ended; or NULL. */
extern struct sta_heap *_Atomic sta_heaps_looked STA_HIDDEN;
extern struct sta_lock sta_heaps_lock STA_HIDDEN;

/* Returns the first heap on the list of all. */
struct sta_heap *sta_heap_first(void);

/* Makes a heap of zeroed memory and puts it on that list. */
void sta_heap_list(struct sta_heap *h, enum sta_heap_state state);

/* Returns how many threads have a heap now, at least 1; a hint. */
uint32_t sta_heap_users(void);

/* Returns how many units a heap may cache where `units` would be best. */
uint32_t sta_heap_cache_units(uint32_t units);

/* Ends the process if a second thread allocates in the variant for one. */
void sta_heap_claim_single(void);

/* Takes a slab with free slots of class `c` from an idle heap, or NULL: none of
 * so many heaps has any. */
struct sta_slab *sta_heap_adopt(struct sta_heap *h, uint32_t c, uint32_t looks);

#endif
