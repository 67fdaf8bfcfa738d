/* SPDX-License-Identifier: MIT */
/*
 * Which of many units are free, and where n free ones lie side by side: a
 * bitmap and a tree of the longest runs above it.
 *
 * The lower half of runs.h, which says what it is for. Unit numbers and counts
 * are checked there.
 */
#ifndef STA_CORE_FREEMAP_H
#define STA_CORE_FREEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/keys.h"

/* "No such unit". */
#define STA_FREEMAP_NONE UINT32_MAX

/* The most units of a map: the sum of two of their numbers fits. */
#define STA_FREEMAP_UNITS_MAX UINT32_C(0x7FFFFFFF)

enum { STA_FREEMAP_LEVELS = 10 }; /* 64 * 8^9 units > 2^31 */

/* 512 units, a bit each, and the keys of their words. */
struct sta_freemap_leaf {
    struct sta_keys keys;
    uint64_t words[8];
};

struct sta_freemap {
    /* private: see freemap.c */
    uint32_t unit_count;
    uint32_t top; /* the level whose first key is of all units */
    struct sta_freemap_leaf *leaves;
    struct sta_keys *level[STA_FREEMAP_LEVELS]; /* 0 is the leaves */
};

/* Returns the bytes of index for 1 to STA_FREEMAP_UNITS_MAX units. */
size_t sta_freemap_index_bytes(uint32_t capacity);

/*
 * Makes a map of no units over a zero-filled index, aligned to 8 bytes. What
 * describes units that were not added is never touched, but for a few bytes
 * beside what does.
 */
void sta_freemap_init(struct sta_freemap *m, void *index, uint32_t capacity);

/* Moves a map to a zero-filled index with room for more units. */
void sta_freemap_move(struct sta_freemap *m, void *index, uint32_t capacity);

/* Adds count >= 1 free units behind the last. O(count / 64 + log n). */
void sta_freemap_extend(struct sta_freemap *m, uint32_t count);

/*
 * Makes count >= 1 units free, or used; all of them are the opposite.
 * O(count / 64 + log n).
 */
void sta_freemap_assign(struct sta_freemap *m, uint32_t first, uint32_t count,
                        bool is_free);

/* Returns the lowest run of `want` >= 1 free units, or NONE. O(log n). */
uint32_t sta_freemap_lowest(const struct sta_freemap *m, uint32_t want);

/* The same among the units from `from` on. O(log n). */
uint32_t sta_freemap_lowest_from(const struct sta_freemap *m, uint32_t from,
                                 uint32_t want);

/* Returns which of the 64 units from `first` on, a multiple of 64, are free, a
 * bit each; the first one exists. */
static inline uint64_t sta_freemap_bits(const struct sta_freemap *m,
                                        uint32_t first)
{
    return m->leaves[first / 512].words[first / 64 % 8];
}

/* Asks for the cache lines that a change at a unit needs, side by side: another
 * processor may have had them last. */
static inline void sta_freemap_expect(const struct sta_freemap *m,
                                      uint32_t unit)
{
    const struct sta_freemap_leaf *leaf = &m->leaves[unit / 512];
    sta_prefetch_own(&leaf->keys);
    sta_prefetch_own(&leaf->words[7]);
    for (uint32_t level = 1; level <= m->top; level++)
        sta_prefetch_own(&m->level[level][unit >> (9 + 3 * level)]);
}

/* Returns how many units from `first` on are free. O(log n). */
uint32_t sta_freemap_length(const struct sta_freemap *m, uint32_t first);

/* Returns the length of the longest run of free units. O(1). */
uint32_t sta_freemap_longest(const struct sta_freemap *m);

/* Checks every invariant and counts the free units; O(n). */
bool sta_freemap_audit(const struct sta_freemap *m, uint32_t *free_count);

#endif
