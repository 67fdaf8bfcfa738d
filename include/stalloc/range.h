/* SPDX-License-Identifier: MIT */
/*
 * Ranges of a space that the processor need not be able to touch: best fit by
 * offset and size, described entirely in the caller's array of nodes.
 *
 * Choose it for GPU buffers, files, address space, register windows: wherever
 * (offset, size) is the product and the memory itself must stay untouched; and
 * for hard real time: after sta_range_init() there is no hidden allocation and
 * every alloc, free and resize ends after a bounded number of steps. Do not
 * choose it for memory that you write anyway: sta_arena needs fewer bytes of
 * metadata there, and frees by address. A space of more than 2^32 - 1 units
 * takes <stalloc/range64.h>, the same with 64-bit offsets.
 *
 *     static struct sta_range_node nodes[STA_RANGE_NODES(100)];
 *     static struct sta_range range;
 *     sta_range_init(&range, 1u << 20, nodes, STA_RANGE_NODES(100));
 *
 *     struct sta_range_block mesh = sta_range_alloc(&range, 5000);
 *     struct sta_range_block tex = sta_range_alloc_aligned(&range, 300, 256);
 *     if (!sta_range_is_none(mesh) && tex.offset % 256 == 0)
 *         sta_range_resize(&range, mesh, 4000, NULL);
 *     sta_range_free(&range, tex);
 *     sta_range_free(&range, mesh);
 *
 *     space    0           4000  5120 5420                          2^20
 *              | mesh        |    | tex |                              |
 *     nodes    [used 4000]<->[free 1120]<->[used 300]<->[free 1043156]
 *                              |                          |
 *     bins     ..............[1120..1151].............[1015808..1048575]
 *
 * Memory: struct sta_range is 7.0 KiB; 32 bytes per node, and one node for each
 * live block and each free run. Of L live blocks there are at most L + 1 free
 * runs, and one node is the boundary: 2 * L + 2 nodes serve any L blocks.
 */
#ifndef STALLOC_RANGE_H
#define STALLOC_RANGE_H

#include <stalloc/base.h>

STA_BEGIN_DECLS

/* The nodes that any pattern of `live` blocks can need. */
#define STA_RANGE_NODES(live) (2 * (live) + 2)

enum { STA_RANGE_BINS = 1728, STA_RANGE_BIN_WORDS = 27 };

/* One run, used or free; the caller only provides the room. */
struct sta_range_node {
    /* private: see range_body.h */
    uint32_t offset, size;
    uint32_t before, after; /* neighbours in the space */
    uint32_t child[2], up, same;
};

struct sta_range {
    /* private: see range_body.h */
    struct sta_range_node *nodes;
    uint32_t node_limit; /* room in nodes */
    uint32_t node_fresh; /* nodes from here on were never used */
    uint32_t vacant;     /* first of the nodes that were used and are not */
    uint32_t capacity;
    uint32_t available;
    uint32_t free_count, live_count;
    uint64_t filled_words;                     /* words below that are not 0 */
    uint64_t filled_bins[STA_RANGE_BIN_WORDS]; /* bins below that are not 0 */
    uint32_t bins[STA_RANGE_BINS];             /* root of each size trie */
};

/* What was allocated: 8 bytes. A node of 0 means none. */
struct sta_range_block {
    uint32_t offset;
    uint32_t node; /* private */
};

/* A piece of the space, as reports give it. */
struct sta_range_run {
    uint32_t offset, size;
};

/* Where a walk over free runs stands; all zero begins one. */
struct sta_range_iter {
    uint32_t node; /* private */
};

/* One line of a histogram: free runs of 2^i to 2^(i+1) - 1 units. */
struct sta_range_count {
    uint32_t runs;
    uint32_t units; /* their sum */
};

/*
 * Makes all of `capacity` units one free run.
 *
 * Returns  STA_OK; STA_EINVAL when capacity is 0 or node_count below 2.
 * Owner    nodes stays the caller's and must outlive r.
 * Threads  one at a time per r, here and in all functions that take it.
 * Cost     O(1) in node_count: clears the 7 KiB of r and touches two nodes.
 * After    OffsetAllocator (boundary-linked nodes), orderly-allocator (API).
 */
enum sta_err sta_range_init(struct sta_range *r, uint32_t capacity,
                            struct sta_range_node *nodes, uint32_t node_count);

/*
 * Allocates `size` units from the smallest free run that holds them.
 *
 * Returns  the block; none when no run is large enough, when size is 0, or
 *          when the nodes are used up.
 * Owner    the caller, until sta_range_free().
 * Cost     O(1) for sizes below 1024; above, at most one step per bit of the
 *          size, twice. Reads and writes nodes only.
 */
struct sta_range_block sta_range_alloc(struct sta_range *r, uint32_t size);

/* As sta_range_alloc(), from the far end of the run it finds. */
struct sta_range_block sta_range_alloc_back(struct sta_range *r, uint32_t size);

/*
 * Allocates at a multiple of `align`, which may be any number from 1 on.
 *
 * Looks at the best fitting runs for one that happens to be aligned, then takes
 * one that is aligned in any case, then tries the largest.
 *
 * Returns  as sta_range_alloc(); none also when align is 0.
 * Cost     a constant number (10) of the searches of sta_range_alloc().
 */
struct sta_range_block sta_range_alloc_aligned(struct sta_range *r,
                                               uint32_t size, uint32_t align);

/*
 * Allocates exactly the units from `offset` on.
 *
 * Returns  the block; none when not all of them are free.
 * Cost     O(runs before offset): meant for setting a space up.
 */
struct sta_range_block sta_range_alloc_at(struct sta_range *r, uint32_t offset,
                                          uint32_t size);

/*
 * Frees a block and merges it with free neighbours.
 *
 * Returns  STA_OK; STA_EINVAL when the block is not allocated: a bad or double
 *          free changes nothing. (Should node and offset both have been handed
 *          out again meanwhile, the handle is the new block's.)
 * Cost     as sta_range_alloc().
 */
enum sta_err sta_range_free(struct sta_range *r, struct sta_range_block block);

/*
 * Gives a block another size in place, at its end.
 *
 * Returns  STA_OK; STA_ENOSPC when the units behind it are not free; STA_EINVAL
 *          for a bad block or new_size 0; STA_ENOMEM when shrinking takes a
 *          node and none is left. *available, unless NULL, becomes the number
 *          of units by which the block could have grown.
 */
enum sta_err sta_range_resize(struct sta_range *r, struct sta_range_block block,
                              uint32_t new_size, uint32_t *available);

/*
 * Appends `additional` free units at the end of the space.
 *
 * Returns  STA_OK; STA_EOVERFLOW when the capacity would not fit its type;
 *          STA_ENOMEM when it takes a node and none is left.
 */
enum sta_err sta_range_grow_capacity(struct sta_range *r, uint32_t additional);

/*
 * Removes the last `units` units of the space.
 *
 * Returns  STA_OK; STA_ENOSPC unless they are free; STA_EINVAL when nothing
 *          would be left of the space.
 */
enum sta_err sta_range_shrink_capacity(struct sta_range *r, uint32_t units);

/* Frees everything; the capacity stays as it was grown or shrunk. */
void sta_range_reset(struct sta_range *r);

/*
 * Makes `copy` an equal of r with nodes of its own.
 *
 * Returns  STA_OK; STA_ENOMEM when node_count is below the nodes r has used.
 */
enum sta_err sta_range_clone(struct sta_range *copy,
                             struct sta_range_node *nodes, uint32_t node_count,
                             const struct sta_range *r);

/* True for what an allocation that failed returned. */
static inline bool sta_range_is_none(struct sta_range_block block)
{
    return block.node == 0;
}

/* The units of a block; 0 when it is not allocated. */
uint32_t sta_range_size(const struct sta_range *r,
                        struct sta_range_block block);

/* All units, used and free. */
static inline uint32_t sta_range_capacity(const struct sta_range *r)
{
    return r->capacity;
}

/* The free units, wherever they are. */
static inline uint32_t sta_range_available(const struct sta_range *r)
{
    return r->available;
}

/* The units of the largest free run; 0 when nothing is free. */
uint32_t sta_range_largest(const struct sta_range *r);

/* True when nothing is allocated. */
static inline bool sta_range_is_empty(const struct sta_range *r)
{
    return r->live_count == 0;
}

/*
 * Steps through the free runs from the smallest to the largest; those of equal
 * size in any order. r must not change in between.
 *
 * Returns  false at the end.
 */
bool sta_range_next_free(const struct sta_range *r, struct sta_range_iter *iter,
                         struct sta_range_run *run);

/* Counts the free runs by the power of two of their size; O(runs). */
void sta_range_histogram(const struct sta_range *r,
                         struct sta_range_count counts[32]);

/* Checks every invariant; O(nodes * bits). STA_ECORRUPT when one is broken. */
enum sta_err sta_range_audit(const struct sta_range *r);

/* Writes the state, and a line per run in the order of the space. */
void sta_range_dump(const struct sta_range *r, const struct sta_writer *out);

STA_END_DECLS

#endif
