/* SPDX-License-Identifier: MIT */
/*
 * The arena with an index: free runs as core/runs.h keeps them, and beside them
 * a bitmap of boundaries, from which a block knows its size.
 *
 *     block     0 1 2 3 4 5 6 7
 *               A A A . . B C C
 *     boundary  1 0 0 1 0 1 1 0
 *
 * Invariants:
 *   I1  What is allocated at block i with n blocks has a boundary at i, none
 *       inside, and one at i + n unless that is the end of the arena.
 *   I2  live is how many allocations there are.
 *
 * Between allocations boundaries mean nothing: a free leaves them, and the next
 * allocation over them clears what it covers. So an allocation's size is the
 * way to the next boundary, and a block is the start of an allocation when it
 * has a boundary and is in use; both are found without a search.
 *
 * Not thread safe. O(log blocks + blocks of the allocation / 64).
 */
#include "arena_parts.h"

#include "core/bitmap.h"
#include "core/runs.h"

struct sta_arena_index {
    struct sta_runs runs;
    size_t live;
    uint64_t *bounds;
    void *map; /* the index memory of runs */
};

static size_t bound_words(size_t block_count)
{
    return (block_count + 63) / 64;
}

size_t sta_arena_index_bytes(size_t block_count)
{
    if (block_count == 0 || block_count > STA_RUNS_UNITS_MAX)
        return 0;
    return sta_round_up(sizeof(struct sta_arena_index), 8) +
           bound_words(block_count) * sizeof(uint64_t) +
           sta_runs_index_bytes((uint32_t)block_count);
}

enum sta_err sta_arena_index_init(struct sta_arena *a, void *index,
                                  size_t index_size)
{
    struct sta_arena_index *x = index;
    size_t bytes = sta_arena_index_bytes(a->block_count);

    if ((uintptr_t)index % 8 != 0)
        return STA_EINVAL;
    if (bytes == 0 || bytes > index_size)
        return STA_ENOMEM;
    x->bounds = (void *)((unsigned char *)index + sta_round_up(sizeof *x, 8));
    x->map = x->bounds + bound_words(a->block_count);
    __builtin_memset(x->bounds, 0,
                     bound_words(a->block_count) * sizeof(uint64_t));
    a->index = x;
    sta_arena_index_clear(a);
    return STA_OK;
}

void sta_arena_index_clear(struct sta_arena *a)
{
    struct sta_arena_index *x = a->index;
    uint32_t count = (uint32_t)a->block_count;

    __builtin_memset(x->map, 0, sta_runs_index_bytes(count));
    sta_runs_init(&x->runs, x->map, count);
    sta_runs_set_phase(&x->runs, sta_arena_phase(a) & INT32_MAX);
    sta_runs_extend(&x->runs, count);
    x->live = 0;
}

static bool is_bound(const struct sta_arena_index *x, size_t i)
{
    return x->bounds[i / 64] >> i % 64 & 1;
}

static void set_bound(const struct sta_arena *a, size_t i)
{
    if (i < a->block_count)
        a->index->bounds[i / 64] |= UINT64_C(1) << i % 64;
}

/* Returns the lowest boundary from `i` on, or the number of blocks. */
static size_t next_bound(const struct sta_arena *a, size_t i)
{
    return sta_bitmap_first_one(a->index->bounds, (uint32_t)i,
                                (uint32_t)a->block_count);
}

/* The boundaries of an allocation (I1). */
static void bound(struct sta_arena *a, size_t first, size_t count)
{
    set_bound(a, first);
    sta_bitmap_assign(a->index->bounds, (uint32_t)first + 1,
                      (uint32_t)count - 1, false);
    set_bound(a, first + count);
}

size_t sta_arena_index_take(struct sta_arena *a, size_t count, size_t align)
{
    struct sta_arena_index *x = a->index;
    size_t first;

    if (align <= (size_t)1 << 31) {
        uint32_t unit =
            sta_runs_alloc(&x->runs, (uint32_t)count, (uint32_t)align);
        if (unit == STA_RUNS_NONE)
            return STA_ARENA_NONE;
        first = unit;
    } else {
        /* At most one block of the arena has this alignment. */
        first = -sta_arena_phase(a) & (align - 1);
        if (first >= a->block_count ||
            !sta_runs_take(&x->runs, (uint32_t)first, (uint32_t)count))
            return STA_ARENA_NONE;
    }
    bound(a, first, count);
    x->live++;
    return first;
}

size_t sta_arena_index_length(const struct sta_arena *a, size_t first)
{
    if (!is_bound(a->index, first) ||
        sta_runs_free_at(&a->index->runs, (uint32_t)first) != 0)
        return 0;
    return next_bound(a, first + 1) - first;
}

void sta_arena_index_give(struct sta_arena *a, size_t first, size_t count)
{
    sta_runs_free(&a->index->runs, (uint32_t)first, (uint32_t)count);
    a->index->live--;
}

bool sta_arena_index_resize(struct sta_arena *a, size_t first, size_t count,
                            size_t new_count)
{
    struct sta_runs *runs = &a->index->runs;

    if (new_count < count)
        sta_runs_free(runs, (uint32_t)(first + new_count),
                      (uint32_t)(count - new_count));
    else if (new_count > count &&
             !sta_runs_take(runs, (uint32_t)(first + count),
                            (uint32_t)(new_count - count)))
        return false;
    bound(a, first, new_count);
    return true;
}

size_t sta_arena_index_next(const struct sta_arena *a, size_t from,
                            size_t *count)
{
    const struct sta_runs *runs = &a->index->runs;
    uint32_t length = 0;
    uint32_t first = STA_RUNS_NONE;

    /* A run that began earlier is not one that begins here. */
    if (from > 0 && from < a->block_count)
        from += sta_runs_free_at(runs, (uint32_t)from - 1) != 0
                    ? sta_runs_free_at(runs, (uint32_t)from)
                    : 0;
    if (from < a->block_count)
        first = sta_runs_next(runs, (uint32_t)from, &length);
    *count = length;
    return first == STA_RUNS_NONE ? STA_ARENA_NONE : first;
}

size_t sta_arena_index_free(const struct sta_arena *a)
{
    return sta_runs_free_units(&a->index->runs);
}

size_t sta_arena_index_live(const struct sta_arena *a)
{
    return a->index->live;
}

enum sta_err sta_arena_index_audit(const struct sta_arena *a)
{
    const struct sta_runs *runs = &a->index->runs;
    size_t live = 0;
    size_t i = 0;

    if (!sta_runs_audit(runs) || sta_runs_units(runs) != a->block_count)
        return STA_ECORRUPT;
    while (i < a->block_count) {
        size_t length = sta_runs_free_at(runs, (uint32_t)i);
        if (length == 0) {
            /* I1: it begins here, and is in use up to its end. */
            length = sta_arena_index_length(a, i);
            if (length == 0 ||
                !sta_runs_all_used(runs, (uint32_t)i, (uint32_t)length))
                return STA_ECORRUPT;
            live++;
        }
        i += length;
    }
    return live == a->index->live ? STA_OK : STA_ECORRUPT; /* I2 */
}
