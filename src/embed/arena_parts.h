/* SPDX-License-Identifier: MIT */
/*
 * The two forms of sta_arena, in blocks: arena.c calls the one or the other,
 * and does what is the same for both.
 *
 * A block is named by its number. Callers pass counts of 1 to the number of
 * blocks, and numbers of blocks that exist.
 */
#ifndef STA_EMBED_ARENA_PARTS_H
#define STA_EMBED_ARENA_PARTS_H

#include <stalloc/arena.h>

#include "core/annotate.h"

/* No such block. */
#define STA_ARENA_NONE SIZE_MAX

/* True for an arena of which memcheck is told: its free blocks are closed. */
static inline bool sta_arena_is_noted(const struct sta_arena *a)
{
    return STA_NOTES && !a->inlined;
}

/* Returns the number of the block's address modulo any alignment in blocks. */
static inline size_t sta_arena_phase(const struct sta_arena *a)
{
    return (size_t)((uintptr_t)a->blocks >> a->block_log2);
}

/* In band: arena_list.c. */

/* Takes the lowest run of `count` blocks aligned to `align` blocks. */
size_t sta_arena_list_take(struct sta_arena *a, size_t count, size_t align);

/* Takes `count` blocks from `first` on; false unless a free run begins there
 * and has as many. */
bool sta_arena_list_take_at(struct sta_arena *a, size_t first, size_t count);

/* Gives blocks back; false, and nothing done, when one of them is free. */
bool sta_arena_list_give(struct sta_arena *a, size_t first, size_t count);

size_t sta_arena_list_next(const struct sta_arena *a, size_t from,
                           size_t *count);

/* The same of the run behind the one that begins at i. O(1). */
size_t sta_arena_list_behind(const struct sta_arena *a, size_t i,
                             size_t *count);
enum sta_err sta_arena_list_audit(const struct sta_arena *a);

/* Makes every block free. */
void sta_arena_list_clear(struct sta_arena *a);

/* Indexed: arena_index.c. */

enum sta_err sta_arena_index_init(struct sta_arena *a, void *index,
                                  size_t index_size);
size_t sta_arena_index_take(struct sta_arena *a, size_t count, size_t align);

/* Gives a whole block back. */
void sta_arena_index_give(struct sta_arena *a, size_t first, size_t count);

/* Returns how many blocks were allocated at `first`; 0 when none were. */
size_t sta_arena_index_length(const struct sta_arena *a, size_t first);

/* Makes what was allocated at `first` as `count` blocks new_count blocks;
 * false when those behind it are not free. */
bool sta_arena_index_resize(struct sta_arena *a, size_t first, size_t count,
                            size_t new_count);

size_t sta_arena_index_next(const struct sta_arena *a, size_t from,
                            size_t *count);
size_t sta_arena_index_free(const struct sta_arena *a);
size_t sta_arena_index_live(const struct sta_arena *a);
enum sta_err sta_arena_index_audit(const struct sta_arena *a);
void sta_arena_index_clear(struct sta_arena *a);

#endif
