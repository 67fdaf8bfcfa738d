/* SPDX-License-Identifier: MIT */
/*
 * A list of free blocks per power of two, filled by a pointer that moves up:
 * alloc and free in constant time, in 369 bytes of code.
 *
 * Choose it where time has to be bounded, sizes recur, and code must be small.
 * Do not choose it where sizes shift for good: a free block serves its own
 * power of two for ever (sta_freelist merges), or where the rounding hurts
 * (sta_zone has finer classes).
 *
 *     static unsigned char memory[4096];
 *     struct sta_source_span span;
 *     struct sta_seg seg;
 *     sta_seg_init(&seg, sta_source_buffer(&span, memory, 4096), 4096);
 *     char *name = sta_seg_alloc(&seg, 20, 1);
 *     name = sta_seg_realloc(&seg, name, 20, 40, 1);
 *     sta_seg_free(&seg, name, 40, 1);
 *
 *     bin 16   -> [16] -> [16]           next          limit
 *     bin 32   -> [32]                     |             |
 *     bin 64            | 16 | 32 | 64 |..... fresh .....| header |
 *
 * Memory: a block takes the power of two that holds its size and its alignment,
 * at least two words; nothing beside. Two words a span; 32 words for struct
 * sta_seg. Code of alloc and free: 369 bytes (gcc -Os, x86-64).
 * Threads: one at a time; sta_sync adds a lock.
 * After: ShaoG-R/lite-alloc, segregated bump.
 */
#ifndef STALLOC_SEG_H
#define STALLOC_SEG_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

STA_BEGIN_DECLS

/* Two words, and each power of two above. */
#define STA_SEG_BINS 24

struct sta_seg_node;
struct sta_seg_span;

struct sta_seg {
    /* private: see seg.c */
    struct sta_source source;
    size_t span_mask;
    unsigned char *next, *limit; /* what was never handed out */
    struct sta_seg_span *span;   /* the newest span */
    struct sta_seg_node *bins[STA_SEG_BINS];
};

/*
 * Makes an empty allocator that asks `source` for multiples of span_size, a
 * power of two. It owns nothing until the first block.
 */
void sta_seg_init(struct sta_seg *s, struct sta_source source,
                  size_t span_size);

/*
 * Allocates `size` bytes that begin at a multiple of `align`: the last freed
 * block of its power of two that is aligned so, else a fresh one.
 *
 * Returns  NULL when the source refuses, size is 0, align no power of two, or
 *          either is above the largest bin (128 MiB; 64 MiB on 32 bits).
 * Owner    the caller, until sta_seg_free().
 * Cost     O(1), and at most one call of the source; for an alignment above two
 *          words also O(free blocks of that power that are not aligned so).
 */
void *sta_seg_alloc(struct sta_seg *s, size_t size, size_t align);

/* Frees a block by the size and alignment it was last given; NULL does nothing.
 * O(1). */
void sta_seg_free(struct sta_seg *s, void *p, size_t size, size_t align);

/*
 * Gives a block another size where it is: when its power of two is the same,
 * when it shrinks (what it leaves goes to the bins), or when it is the newest
 * block and there is room above.
 *
 * Returns  false when it would have to move, or new_size is 0.
 */
bool sta_seg_resize(struct sta_seg *s, void *p, size_t size, size_t new_size,
                    size_t align);

/*
 * Gives a block another size, in place or by moving it.
 *
 * Returns  the block, its first min(size, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates.
 */
void *sta_seg_realloc(struct sta_seg *s, void *p, size_t size, size_t new_size,
                      size_t align);

/* Frees everything and gives all spans back; where the source takes nothing
 * back they are lost: sta_source_keeping() is for that. O(spans). */
void sta_seg_reset(struct sta_seg *s);

/* Tells how full the allocator is; live_blocks is unknown. O(free blocks). */
void sta_seg_usage(const struct sta_seg *s, struct sta_usage *usage);

/* Checks every bin; STA_ECORRUPT when a block lies in no span, or there is more
 * free than all. O(free blocks * spans). */
enum sta_err sta_seg_audit(const struct sta_seg *s);

/* The allocator by the family's interface. */
struct sta_allocator sta_seg_allocator(struct sta_seg *s);

STA_END_DECLS

#endif
