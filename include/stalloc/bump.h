/* SPDX-License-Identifier: MIT */
/*
 * A pointer that moves up, with marks to go back to; what is freed on the way
 * is reused.
 *
 * Choose it where all is freed together: a start-up phase, a request, a frame
 * (mark and rewind), and where code must be small. Do not choose it where
 * thousands of blocks are freed one by one: an allocation and a free look
 * through all that is free (sta_seg does not).
 *
 *     static unsigned char memory[4096];
 *     struct sta_source_span span;
 *     struct sta_bump bump;
 *     sta_bump_init(&bump, sta_source_buffer(&span, memory, 4096), 4096);
 *     struct sta_bump_point before = sta_bump_mark(&bump);
 *     char *name = sta_bump_alloc(&bump, 20, 1);
 *     name = sta_bump_realloc(&bump, name, 20, 40, 1);
 *     sta_bump_rewind(&bump, before);
 *
 *     span | header | in use | free | in use |  the rest ...            |
 *                                 |             |
 *     head -----------------------+-------------+
 *
 * Memory: nothing per block but rounding to two words (16 bytes; 8 where a
 * pointer has 4), in which a free block keeps its size and its link; two words
 * a span; 8 words for struct sta_bump. Code of alloc and free: 307 bytes (gcc
 * -Os, x86-64).
 * Threads: one at a time; sta_sync adds a lock.
 * After: ShaoG-R/lite-alloc, bump; marks as GNU's obstacks have them.
 */
#ifndef STALLOC_BUMP_H
#define STALLOC_BUMP_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

STA_BEGIN_DECLS

struct sta_bump_span;

struct sta_bump {
    /* private: see bump.c; in this order the code is shortest */
    struct sta_piece head;      /* of size 0, before every piece */
    struct sta_bump_span *span; /* the newest span */
    struct sta_source source;
    size_t span_mask;
};

/* A point in time to go back to. */
struct sta_bump_point {
    /* private: see bump.c */
    struct sta_piece *piece; /* what serves from then on, and its size */
    size_t size;
    struct sta_piece *free; /* the rest of what was free */
    struct sta_bump_span *span;
};

/*
 * Makes an empty allocator that asks `source` for multiples of span_size, a
 * power of two. It owns nothing until the first block.
 */
void sta_bump_init(struct sta_bump *b, struct sta_source source,
                   size_t span_size);

/*
 * Allocates `size` bytes that begin at a multiple of `align`: the lowest place
 * in which they fit.
 *
 * Returns  NULL when the source refuses, size is 0 or align no power of two.
 * Owner    the caller, until sta_bump_free() or a rewind to before.
 * Cost     O(free blocks); O(1) when there are none.
 */
void *sta_bump_alloc(struct sta_bump *b, size_t size, size_t align);

/* Frees a block of `size` bytes, and merges it with its neighbours; NULL does
 * nothing. O(free blocks). */
void sta_bump_free(struct sta_bump *b, void *p, size_t size);

/*
 * Gives a block another size where it is: always when it shrinks, else when
 * what follows it is free and large enough, as it is above the newest block.
 *
 * Returns  false when it would have to move, or new_size is 0.
 */
bool sta_bump_resize(struct sta_bump *b, void *p, size_t size, size_t new_size);

/*
 * Gives a block another size, in place or by moving it.
 *
 * Returns  the block, its first min(size, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates.
 */
void *sta_bump_realloc(struct sta_bump *b, void *p, size_t size,
                       size_t new_size, size_t align);

/*
 * Notes what is allocated now. Until the rewind only the largest piece of what
 * is free now is used, and blocks from before must be neither freed nor
 * resized. Marks may be nested; one that is not rewound to costs the free
 * pieces of its time. O(free blocks).
 */
struct sta_bump_point sta_bump_mark(struct sta_bump *b);

/*
 * Frees everything allocated since the mark, and gives spans obtained since
 * then back to the source. Later marks end with it. O(those spans, and what was
 * free at the mark). A span is lost if the source takes nothing back:
 * sta_source_keeping() is for that.
 */
void sta_bump_rewind(struct sta_bump *b, struct sta_bump_point mark);

/* Frees everything and gives all spans back, as a rewind does. O(spans). */
void sta_bump_reset(struct sta_bump *b);

/* Tells how full the allocator is; live_blocks is unknown. O(free blocks). */
void sta_bump_usage(const struct sta_bump *b, struct sta_usage *usage);

/* Checks the free blocks; STA_ECORRUPT when they touch, are out of order, or
 * lie in no span. O(free blocks * spans). */
enum sta_err sta_bump_audit(const struct sta_bump *b);

/* The allocator by the family's interface. */
struct sta_allocator sta_bump_allocator(struct sta_bump *b);

STA_END_DECLS

#endif
