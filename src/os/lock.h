/* SPDX-License-Identifier: MIT */
/*
 * A mutex of four bytes over a futex, which counts how often it was contended.
 *
 * Our own rather than pthread's, because it must be usable before any
 * constructor ran, in a fork's child (where it is simply set free again),
 * and without calling back into malloc.
 *
 * Ranks.  A thread that holds a lock waits only for locks of higher rank; the
 * fork handlers take all of them in this order:
 *
 *     1  sta_heaps_lock   the list of heaps, and idle heaps to adopt
 *     2  heap->lock       a shared or idle heap, worked on by any thread
 *     3  sta_pages_lock   the page arena and the slab descriptors
 */
#ifndef STA_OS_LOCK_H
#define STA_OS_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sta_lock {
    _Atomic uint32_t state;     /* 0 free, 1 held, 2 held with waiters */
    _Atomic uint32_t contended; /* how often a caller had to wait; relaxed */
};

/* The slow halves; only for the inline functions below. */
void sta_lock_wait(struct sta_lock *l);
void sta_lock_wake(struct sta_lock *l);

static inline bool sta_lock_try(struct sta_lock *l)
{
    uint32_t expected = 0;
    /* acquire: pairs with the release in sta_lock_release() */
    return atomic_compare_exchange_strong_explicit(
        &l->state, &expected, 1, memory_order_acquire, memory_order_relaxed);
}

static inline void sta_lock_acquire(struct sta_lock *l)
{
    if (!sta_lock_try(l))
        sta_lock_wait(l);
}

static inline void sta_lock_release(struct sta_lock *l)
{
    /* release: pairs with the acquire of the next holder */
    if (atomic_exchange_explicit(&l->state, 0, memory_order_release) == 2)
        sta_lock_wake(l);
}

/* Returns how often a caller had to wait. */
static inline uint32_t sta_lock_waits(const struct sta_lock *l)
{
    return atomic_load_explicit(&l->contended, memory_order_relaxed);
}

/* Sets a lock free in a fork's child, where its waiters do not exist. */
static inline void sta_lock_reset(struct sta_lock *l)
{
    atomic_store_explicit(&l->state, 0, memory_order_relaxed);
}

#endif
