/* SPDX-License-Identifier: MIT */
/*
 * sta_range over a space of up to 2^64 - 1 units.
 *
 * Choose it when <stalloc/range.h> is too narrow: byte offsets into files,
 * disks or address space. Every function is that header's with 64-bit offsets
 * and sizes, compiled from the same text; nodes have 40 bytes instead of 32,
 * struct sta_range64 has 11 KiB, and a block 16 bytes.
 *
 *     static struct sta_range64_node nodes[STA_RANGE_NODES(8)];
 *     static struct sta_range64 disk;
 *     sta_range64_init(&disk, UINT64_C(1) << 40, nodes, STA_RANGE_NODES(8));
 *     struct sta_range64_block file = sta_range64_alloc(&disk, 5000000000);
 *     sta_range64_free(&disk, file);
 */
#ifndef STALLOC_RANGE64_H
#define STALLOC_RANGE64_H

#include <stalloc/range.h>

STA_BEGIN_DECLS

enum { STA_RANGE64_BINS = 2752, STA_RANGE64_BIN_WORDS = 43 };

struct sta_range64_node {
    /* private: see range_body.h */
    uint64_t offset, size;
    uint32_t before, after;
    uint32_t child[2], up, same;
};

struct sta_range64 {
    /* private: see range_body.h */
    struct sta_range64_node *nodes;
    uint32_t node_limit, node_fresh, vacant;
    uint64_t capacity;
    uint64_t available;
    uint32_t free_count, live_count;
    uint64_t filled_words;
    uint64_t filled_bins[STA_RANGE64_BIN_WORDS];
    uint32_t bins[STA_RANGE64_BINS];
};

struct sta_range64_block {
    uint64_t offset;
    uint32_t node; /* private */
};

struct sta_range64_run {
    uint64_t offset, size;
};

struct sta_range64_iter {
    uint32_t node; /* private */
};

struct sta_range64_count {
    uint32_t runs;
    uint64_t units;
};

enum sta_err sta_range64_init(struct sta_range64 *r, uint64_t capacity,
                              struct sta_range64_node *nodes,
                              uint32_t node_count);
struct sta_range64_block sta_range64_alloc(struct sta_range64 *r,
                                           uint64_t size);
struct sta_range64_block sta_range64_alloc_back(struct sta_range64 *r,
                                                uint64_t size);
struct sta_range64_block
sta_range64_alloc_aligned(struct sta_range64 *r, uint64_t size, uint64_t align);
struct sta_range64_block sta_range64_alloc_at(struct sta_range64 *r,
                                              uint64_t offset, uint64_t size);
enum sta_err sta_range64_free(struct sta_range64 *r,
                              struct sta_range64_block block);
enum sta_err sta_range64_resize(struct sta_range64 *r,
                                struct sta_range64_block block,
                                uint64_t new_size, uint64_t *available);
enum sta_err sta_range64_grow_capacity(struct sta_range64 *r,
                                       uint64_t additional);
enum sta_err sta_range64_shrink_capacity(struct sta_range64 *r, uint64_t units);
void sta_range64_reset(struct sta_range64 *r);
enum sta_err sta_range64_clone(struct sta_range64 *copy,
                               struct sta_range64_node *nodes,
                               uint32_t node_count,
                               const struct sta_range64 *r);
uint64_t sta_range64_size(const struct sta_range64 *r,
                          struct sta_range64_block block);
uint64_t sta_range64_largest(const struct sta_range64 *r);
bool sta_range64_next_free(const struct sta_range64 *r,
                           struct sta_range64_iter *iter,
                           struct sta_range64_run *run);
void sta_range64_histogram(const struct sta_range64 *r,
                           struct sta_range64_count counts[64]);
enum sta_err sta_range64_audit(const struct sta_range64 *r);
void sta_range64_dump(const struct sta_range64 *r,
                      const struct sta_writer *out);

static inline bool sta_range64_is_none(struct sta_range64_block block)
{
    return block.node == 0;
}

static inline uint64_t sta_range64_capacity(const struct sta_range64 *r)
{
    return r->capacity;
}

static inline uint64_t sta_range64_available(const struct sta_range64 *r)
{
    return r->available;
}

static inline bool sta_range64_is_empty(const struct sta_range64 *r)
{
    return r->live_count == 0;
}

STA_END_DECLS

#endif
