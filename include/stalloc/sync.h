/* SPDX-License-Identifier: MIT */
/*
 * Any allocator behind any lock.
 *
 * Choose it to share an allocator between threads, interrupt levels or cores:
 * the lock is two functions of yours, a mutex, a spin lock, or interrupts off.
 * Do not choose it where an allocator a thread will do: that scales, and
 * sta_zone takes frees from other threads without a lock.
 *
 *     static struct sta_arena arena;
 *     static _Alignas(16) unsigned char memory[4096];
 *     sta_arena_init(&arena, memory, sizeof memory, 16);
 *     struct sta_sync sync;
 *     sta_sync_init(&sync, sta_arena_allocator(&arena), my_lock);
 *     struct sta_allocator shared = sta_sync_allocator(&sync);
 *     void *p = sta_allocator_alloc(&shared, 100, 8);
 *
 *     const struct sta_allocator *mine = sta_sync_begin(&sync);
 *     void *q = sta_allocator_alloc(mine, 100, 8);
 *     sta_allocator_free(mine, p, 100, 8);
 *     sta_sync_end(&sync);
 *     sta_allocator_free(&shared, q, 100, 8);
 *
 *     thread 1 --\                            sta_sync_begin()
 *     thread 2 ---> lock | one call | unlock      many calls, one lock
 *     thread 3 --/        inner               sta_sync_end()
 *
 * Memory: struct sta_sync; nothing per block.
 * Threads: any number, as many as the lock admits.
 * After: abgros/stalloc SyncStalloc.
 */
#ifndef STALLOC_SYNC_H
#define STALLOC_SYNC_H

#include <stalloc/allocator.h>

STA_BEGIN_DECLS

/* A lock: neither function may fail, nor come back to this allocator. */
struct sta_lock_ops {
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
    void *ctx;
};

struct sta_sync {
    /* private: see sync.c */
    struct sta_allocator_ops ops; /* those that inner can do */
    struct sta_allocator inner;   /* under lock */
    struct sta_lock_ops lock;
};

/* Puts `inner` behind `lock`; from now on it is used through the sync only. */
void sta_sync_init(struct sta_sync *sync, struct sta_allocator inner,
                   struct sta_lock_ops lock);

/* The allocator behind its lock by the family's interface. */
static inline struct sta_allocator sta_sync_allocator(struct sta_sync *sync)
{
    struct sta_allocator a = {&sync->ops, sync};

    return a;
}

/*
 * Takes the lock for a batch of calls.
 *
 * Returns  the inner allocator, to be used until sta_sync_end() by this thread.
 * Misuse   using the sync itself in between deadlocks, unless the lock nests.
 */
const struct sta_allocator *sta_sync_begin(struct sta_sync *sync);

/* Ends the batch: gives the lock back. */
void sta_sync_end(struct sta_sync *sync);

STA_END_DECLS

#endif
