/* SPDX-License-Identifier: MIT */
/*
 * Three allocators that pass every call on, and count it, write it down, or
 * make it fail.
 *
 * Choose sta_counting to learn what a program asks for and to find what it
 * never frees; sta_tracing to see each step; sta_failing in a test, to walk
 * every error path by failing the k-th request for k = 0, 1, 2 and so on. Do
 * not leave them in a program that must be fast: they cost a call each.
 *
 *     static struct sta_arena arena;
 *     static _Alignas(16) unsigned char memory[4096];
 *     sta_arena_init(&arena, memory, sizeof memory, 16);
 *     struct sta_counting counting;
 *     struct sta_failing failing;
 *     struct sta_allocator a =
 *         sta_counting_init(&counting, sta_arena_allocator(&arena));
 *     a = sta_failing_init(&failing, a, 1, true);
 *     void *p = sta_allocator_alloc(&a, 10, 1);
 *     void *q = sta_allocator_alloc(&a, 10, 1);
 *     sta_allocator_free(&a, p, 10, 1);
 *     bool is_clean = q == NULL && counting.live_bytes == 0;
 *
 *     call ---> failing ---> counting ---> arena
 *                  \--> NULL    \--> figures
 *
 * Memory: the structs below; nothing per block.
 * Threads: as the allocator inside.
 */
#ifndef STALLOC_WATCH_H
#define STALLOC_WATCH_H

#include <stalloc/allocator.h>

STA_BEGIN_DECLS

struct sta_counting {
    /* private: see watch.c */
    struct sta_allocator_ops ops;
    struct sta_allocator inner;
    /* for everybody to read */
    size_t alloc_count; /* those that succeeded */
    size_t free_count;
    size_t resize_count; /* in place */
    size_t fail_count;   /* allocations refused; resizes refused do not count */
    size_t live_bytes;   /* as requested; with usable_size, by that */
    size_t peak_bytes;   /* the most that live_bytes was */
};

/* Makes an allocator that counts what passes through it to `inner`. */
struct sta_allocator sta_counting_init(struct sta_counting *c,
                                       struct sta_allocator inner);

struct sta_tracing {
    /* private: see watch.c */
    struct sta_allocator_ops ops;
    struct sta_allocator inner;
    struct sta_writer out;
};

/*
 * Makes an allocator that writes a line per call:
 *
 *     alloc 100 align 8 = 0x7ffc0010
 *     resize 0x7ffc0010 100 to 120 align 8 = no
 *     free 0x7ffc0010 100 align 8
 */
struct sta_allocator sta_tracing_init(struct sta_tracing *t,
                                      struct sta_allocator inner,
                                      struct sta_writer out);

struct sta_failing {
    /* private: see watch.c */
    struct sta_allocator_ops ops;
    struct sta_allocator inner;
    size_t countdown; /* requests that still pass */
    bool once;
};

/*
 * Makes an allocator that passes `count` allocations and resizes on and refuses
 * the next one, or, unless `once`, that one and all after it.
 */
struct sta_allocator sta_failing_init(struct sta_failing *f,
                                      struct sta_allocator inner, size_t count,
                                      bool once);

STA_END_DECLS

#endif
