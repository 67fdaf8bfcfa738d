/* SPDX-License-Identifier: MIT */
/*
 * Huge pages: which 2 MiB blocks of a region ask the system for one.
 *
 * Everything here is of one region and under sta_pages_lock.
 */
#ifndef STA_HEAP_HUGE_H
#define STA_HEAP_HUGE_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/config.h"

struct sta_region;

struct sta_huge {
    uint64_t *asked; /* a bit a block */
    uintptr_t base;  /* address of block 0 */
    uint32_t ready;  /* blocks that are committed whole */
    uint32_t edges;  /* between blocks that ask and others */
    bool thin;       /* the program writes little: no further block asks */
};

/* Asks for the blocks that end at or below unit `end`, all committed now,
 * unless the program is `thin`; see below. */
void sta_huge_commit(struct sta_huge *h, uint32_t end, bool thin);

/* True where the program leaves most of what it has unwritten. */
bool sta_huge_is_thin(const struct sta_region *r);

/* True for a block that asks. */
static inline bool sta_huge_is_asked(const struct sta_huge *h, uint32_t block)
{
    return block < h->ready && (h->asked[block / 64] >> block % 64 & 1) != 0;
}

/* Asks, or stops asking, for blocks, as far as they may; one system call.
 * Returns whether one of them did the other before. */
bool sta_huge_set(struct sta_huge *h, uint32_t first, uint32_t count,
                  bool wanted);

/* The region goes, and its edges with it. */
void sta_huge_release(const struct sta_huge *h);

#endif
