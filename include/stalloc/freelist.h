/* SPDX-License-Identifier: MIT */
/*
 * One list of free pieces in address order, all neighbours merged: the smallest
 * allocator that does not wear out.
 *
 * Choose it where code size counts and the program runs for long with any mix
 * of sizes. Do not choose it where thousands of pieces are free at a time: an
 * allocation and a free walk the list (sta_arena indexed does not).
 *
 *     static unsigned char memory[4096];
 *     struct sta_source_span span;
 *     struct sta_freelist list;
 *     sta_freelist_init(&list, sta_source_buffer(&span, memory, 4096), 4096);
 *     char *name = sta_freelist_alloc(&list, 20, 1);
 *     name = sta_freelist_realloc(&list, name, 20, 40, 1);
 *     sta_freelist_free(&list, name, 40);
 *
 *     head -+                  +-------------------+
 *           v                  |                   v
 *     | # | next size ....  | # # # | # # | next 0 size ......... |
 *
 * Memory: nothing per block but rounding to two words (16 bytes; 8 where a
 * pointer has 4), in which a free piece keeps its size and its link; 7 words
 * for struct sta_freelist. Spans that happen to be neighbours become one; none
 * is given back. Code of alloc and free: 296 bytes (gcc -Os, x86-64).
 * Threads: one at a time; sta_sync adds a lock.
 * After: ShaoG-R/lite-alloc, free list; Knuth, TAOCP 1, 2.5.
 */
#ifndef STALLOC_FREELIST_H
#define STALLOC_FREELIST_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

STA_BEGIN_DECLS

struct sta_freelist {
    /* private: see freelist.c */
    struct sta_piece head; /* of size 0, before every piece */
    struct sta_source source;
    size_t span_mask;
};

/*
 * Makes an empty allocator that asks `source` for multiples of span_size, a
 * power of two. It owns nothing until the first block.
 */
void sta_freelist_init(struct sta_freelist *f, struct sta_source source,
                       size_t span_size);

/*
 * Allocates `size` bytes that begin at a multiple of `align`: the lowest place
 * in which they fit.
 *
 * Returns  NULL when the source refuses, size is 0 or align no power of two.
 * Owner    the caller, until sta_freelist_free().
 * Cost     O(free pieces).
 */
void *sta_freelist_alloc(struct sta_freelist *f, size_t size, size_t align);

/* Frees a block of `size` bytes, and merges it with its neighbours; NULL does
 * nothing. O(free pieces). */
void sta_freelist_free(struct sta_freelist *f, void *p, size_t size);

/*
 * Gives a block another size where it is: always when it shrinks, else when
 * what follows it is free and large enough.
 *
 * Returns  false when it would have to move, or new_size is 0.
 */
bool sta_freelist_resize(struct sta_freelist *f, void *p, size_t size,
                         size_t new_size);

/*
 * Gives a block another size, in place or by moving it.
 *
 * Returns  the block, its first min(size, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates.
 */
void *sta_freelist_realloc(struct sta_freelist *f, void *p, size_t size,
                           size_t new_size, size_t align);

/* Tells what is free; how much there is in all, the list does not know. */
void sta_freelist_usage(const struct sta_freelist *f, struct sta_usage *usage);

/* Checks the list; STA_ECORRUPT when it contradicts itself. */
enum sta_err sta_freelist_audit(const struct sta_freelist *f);

/* The allocator by the family's interface. */
struct sta_allocator sta_freelist_allocator(struct sta_freelist *f);

STA_END_DECLS

#endif
