/* SPDX-License-Identifier: MIT */
/*
 * The arena's interface: bytes and addresses in, blocks by number out to one
 * of the two forms (arena_list.c, arena_index.c), which know no bytes.
 *
 * Everything a caller can get wrong is looked at here, before anything changes:
 * sizes near SIZE_MAX, alignments that are none, addresses that are no block's.
 * In band only the obvious can be told; indexed, everything can.
 *
 * A block moves also when it has room but not the alignment that is asked for
 * now.
 */
#include "arena_parts.h"

#include "core/bits.h"

enum { BLOCK_LOG2_MIN = 2, BLOCK_LOG2_MAX = 29 };

/* Fills in what both forms share; the blocks begin at an aligned address. */
static enum sta_err init_blocks(struct sta_arena *a, void *memory, size_t size,
                                size_t block)
{
    uint32_t log2;
    size_t gap;

    if (!sta_is_power_of_two(block) || block < 1u << BLOCK_LOG2_MIN ||
        block > 1u << BLOCK_LOG2_MAX)
        return STA_EINVAL;
    gap = (size_t)(-(uintptr_t)memory & (block - 1));
    log2 = sta_log2(block);
    if (gap > size || (size - gap) >> log2 == 0)
        return STA_ENOMEM;
    *a = (struct sta_arena){.blocks = (unsigned char *)memory + gap,
                            .block_count = (size - gap) >> log2,
                            .block_log2 = (unsigned char)log2};
    return STA_OK;
}

enum sta_err sta_arena_init(struct sta_arena *a, void *memory, size_t size,
                            size_t block)
{
    enum sta_err err = init_blocks(a, memory, size, block);

    if (err != STA_OK)
        return err;
    if (a->block_count > STA_ARENA_LIST_BLOCKS_MAX)
        a->block_count = STA_ARENA_LIST_BLOCKS_MAX;
    a->list = &a->own_list;
    a->inlined = STA_NOTES ? NULL : a->list;
    sta_note_pool(a, a->blocks, a->block_count << a->block_log2);
    sta_arena_list_clear(a);
    return STA_OK;
}

enum sta_err sta_arena_init_indexed(struct sta_arena *a, void *memory,
                                    size_t size, size_t block, void *index,
                                    size_t index_size)
{
    struct sta_arena made;
    enum sta_err err = init_blocks(&made, memory, size, block);

    if (err == STA_OK)
        err = sta_arena_index_init(&made, index, index_size);
    if (err != STA_OK)
        return err;
    *a = made;
    sta_note_pool(a, a->blocks, a->block_count << a->block_log2);
    return STA_OK;
}

void sta_arena_destroy(struct sta_arena *a)
{
    if (sta_arena_is_noted(a)) {
        sta_note_pool_end(a);
        sta_note_open(a->blocks, a->block_count << a->block_log2);
    }
    *a = (struct sta_arena){0};
}

static void *block_at(const struct sta_arena *a, size_t i)
{
    return a->blocks + (i << a->block_log2);
}

/* The number of the block that begins at p, or STA_ARENA_NONE. */
static size_t number_of(const struct sta_arena *a, const void *p)
{
    uintptr_t offset = (uintptr_t)p - (uintptr_t)a->blocks;
    size_t i = (size_t)(offset >> a->block_log2);

    if ((offset & (((uintptr_t)1 << a->block_log2) - 1)) != 0 ||
        i >= a->block_count)
        return STA_ARENA_NONE;
    return i;
}

/*
 * The number of blocks of what is allocated at block i, by its size in bytes
 * or, where the arena knows it, without; 0 when that is not so.
 */
static size_t length_of(const struct sta_arena *a, size_t i, size_t size)
{
    size_t count = sta_arena_blocks(a, size);

    if (i == STA_ARENA_NONE)
        return 0;
    if (a->list)
        return size != 0 && count <= a->block_count - i ? count : 0;
    size_t length = sta_arena_index_length(a, i);
    return size == STA_SIZE_UNKNOWN || length == count ? length : 0;
}

void *sta_arena_alloc_any(struct sta_arena *a, size_t size, size_t align)
{
    size_t count = sta_arena_blocks(a, size);
    size_t align_blocks = align >> a->block_log2;
    size_t i;

    if (size == 0 || !sta_is_power_of_two(align) || count > a->block_count)
        return NULL;
    if (align_blocks == 0)
        align_blocks = 1;
    i = a->list ? sta_arena_list_take(a, count, align_blocks)
                : sta_arena_index_take(a, count, align_blocks);
    if (i == STA_ARENA_NONE)
        return NULL;
    if (sta_arena_is_noted(a))
        sta_note_alloc(a, block_at(a, i), size);
    return block_at(a, i);
}

enum sta_err sta_arena_free_any(struct sta_arena *a, void *p, size_t size)
{
    size_t i = number_of(a, p);
    size_t count;

    if (!p)
        return STA_OK;
    count = length_of(a, i, size);
    if (count == 0)
        return STA_EINVAL;
    if (a->index)
        sta_arena_index_give(a, i, count);
    else if (!sta_arena_list_give(a, i, count))
        return STA_EINVAL;
    if (sta_arena_is_noted(a))
        sta_note_free(a, p);
    return STA_OK;
}

bool sta_arena_resize_any(struct sta_arena *a, void *p, size_t size,
                          size_t new_size)
{
    size_t i = number_of(a, p);
    size_t new_count = sta_arena_blocks(a, new_size);
    size_t count = length_of(a, i, size);
    bool done = true;

    if (count == 0 || new_size == 0 || new_count > a->block_count - i)
        return false;
    if (a->index)
        done = sta_arena_index_resize(a, i, count, new_count);
    else if (new_count < count)
        done = sta_arena_list_give(a, i + new_count, count - new_count);
    else if (new_count > count)
        done = sta_arena_list_take_at(a, i + count, new_count - count);
    if (done && sta_arena_is_noted(a))
        sta_note_resize(a, p, size ? size : count << a->block_log2, new_size);
    return done;
}

void *sta_arena_zalloc(struct sta_arena *a, size_t size, size_t align)
{
    void *p = sta_arena_alloc(a, size, align);

    if (p)
        __builtin_memset(p, 0, size);
    return p;
}

void *sta_arena_realloc_any(struct sta_arena *a, void *p, size_t size,
                            size_t new_size, size_t align)
{
    size_t count, old_size;
    void *moved;

    if (!p)
        return sta_arena_alloc(a, new_size, align);
    count = length_of(a, number_of(a, p), size);
    if (count == 0 || !sta_is_power_of_two(align))
        return NULL;
    if (((uintptr_t)p & (align - 1)) == 0 &&
        sta_arena_resize(a, p, size, new_size))
        return p;
    moved = sta_arena_alloc(a, new_size, align);
    if (!moved)
        return NULL;
    old_size = size == STA_SIZE_UNKNOWN ? count << a->block_log2 : size;
    __builtin_memcpy(moved, p, old_size < new_size ? old_size : new_size);
    sta_arena_free(a, p, size);
    return moved;
}

/* Bytes of so many blocks; more than can be had when they are too many. */
static size_t bytes_of(const struct sta_arena *a, size_t count)
{
    return count <= a->block_count ? count << a->block_log2 : SIZE_MAX;
}

void *sta_arena_alloc_blocks(struct sta_arena *a, size_t count, size_t align)
{
    if (!sta_is_power_of_two(align) || align > SIZE_MAX >> a->block_log2)
        return NULL;
    return sta_arena_alloc(a, bytes_of(a, count), align << a->block_log2);
}

enum sta_err sta_arena_free_blocks(struct sta_arena *a, void *p, size_t count)
{
    return sta_arena_free(a, p, bytes_of(a, count));
}

bool sta_arena_resize_blocks(struct sta_arena *a, void *p, size_t count,
                             size_t new_count)
{
    return sta_arena_resize(a, p, bytes_of(a, count), bytes_of(a, new_count));
}

size_t sta_arena_grow_up_to(struct sta_arena *a, void *p, size_t count,
                            size_t new_count)
{
    size_t i = number_of(a, p);
    size_t room = 0;

    if (i == STA_ARENA_NONE || length_of(a, i, bytes_of(a, count)) == 0 ||
        new_count <= count)
        return count;
    if (sta_arena_next_free(a, i + count, &room) != i + count)
        return count;
    room = room < new_count - count ? room : new_count - count;
    return sta_arena_resize_blocks(a, p, count, count + room) ? count + room
                                                              : count;
}

void sta_arena_clear(struct sta_arena *a)
{
    if (sta_arena_is_noted(a)) {
        sta_note_pool_end(a);
        sta_note_pool(a, a->blocks, a->block_count << a->block_log2);
    }
    if (a->list)
        sta_arena_list_clear(a);
    else
        sta_arena_index_clear(a);
}
