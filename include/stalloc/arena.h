/* SPDX-License-Identifier: MIT */
/*
 * First fit over a buffer of the caller's: blocks of equal size, allocated by
 * ones or in a row, lowest address first, merged as soon as they are freed.
 *
 * Choose it for a heap of fixed size: on the stack, in a static, in a section
 * of its own, a heap per request that is cleared at once. Do not choose it for
 * many objects of few sizes (sta_zone), where the heap must grow (sta_chain
 * puts another allocator behind), or for memory the CPU cannot reach
 * (sta_range).
 *
 *     static STA_ARENA_FIXED(64, 16) heap;
 *     struct sta_arena arena = STA_ARENA(&heap);
 *     char *name = sta_arena_alloc(&arena, 24, 1);
 *     name = sta_arena_realloc(&arena, name, 24, 100, 1);
 *     sta_arena_free(&arena, name, 100);
 *
 * There are two forms. In band the free blocks describe themselves:
 *
 *     list {first 1}
 *            |
 *     block  0   1             2   3   4             5
 *          | # | next 4, .. | .  | # | next 0, .. | .  |      # in use
 *                   |                  ^
 *                   +------------------+
 *
 * Memory: 4 bytes in all, none per block; an STA_ARENA_FIXED(2, 4) is 12 bytes.
 * Time is O(free runs), and O(1) while the lowest run serves, which is inline.
 * 1 to 65535 blocks. All-zero is a valid, empty arena.
 *
 * Indexed, a map beside the blocks describes them (sta_arena_init_indexed):
 *
 * Memory: 2.6 bits a block and 340 bytes; sta_arena_index_bytes() tells. Time
 * is O(log blocks) however many holes there are, and a step for each 64 blocks
 * that change; but for an alignment above a block's in a full arena. A block
 * knows its size, so that it may be freed without telling, and a double free,
 * an interior pointer and a wrong size are refused. 1 to 2^31 - 1 blocks; free
 * memory is never touched.
 *
 * Threads: one at a time for an arena; sta_sync adds a lock.
 * After: abgros/stalloc; Knuth, TAOCP 1, 2.5, algorithms A and B.
 */
#ifndef STALLOC_ARENA_H
#define STALLOC_ARENA_H

#include <stalloc/allocator.h>

STA_BEGIN_DECLS

/* Largest number of blocks in band. */
#define STA_ARENA_LIST_BLOCKS_MAX 65535

/* All there is to an arena in band, beside its blocks. */
struct sta_arena_list {
    /* private: see arena_list.c */
    uint32_t first; /* the lowest free block, or STA_ARENA_FULL */
};

/* No block has this number. */
#define STA_ARENA_FULL 65536

struct sta_arena_index;

/*
 * How to get at an arena. One that sta_arena_init() has made holds the arena's
 * state and must stay where it is; one made by STA_ARENA() may be copied.
 */
struct sta_arena {
    /* private: see arena.c */
    unsigned char *blocks;
    size_t block_count;
    struct sta_arena_list *inlined; /* list, where the inline paths may run */
    struct sta_arena_list *list;    /* in band, else NULL */
    struct sta_arena_index *index;  /* indexed, else NULL */
    struct sta_arena_list own_list;
    unsigned char block_log2;
};

/*
 * The type of an arena in band with its memory: `count` blocks, 1 to 65535, of
 * `block` bytes, a power of two from 4 on; else it does not compile. It has
 * count * block + 4 bytes, rounded up to a multiple of block.
 */
#define STA_ARENA_FIXED(count, block)                                          \
    struct {                                                                   \
        STA_STATIC_ASSERT((count) > 0 && (count) <= STA_ARENA_LIST_BLOCKS_MAX, \
                          "1 to 65535 blocks");                                \
        STA_STATIC_ASSERT((block) >= 4 && !((block) & ((block)-1)),            \
                          "a power of two from 4 on");                         \
        __attribute__((aligned(block))) unsigned char blocks[count][block];    \
        struct sta_arena_list list;                                            \
    }

/* The arena in `fixed`, a pointer to an STA_ARENA_FIXED. */
#define STA_ARENA(fixed)                                                       \
    sta_arena_fixed(&(fixed)->list, (unsigned char *)(fixed)->blocks,          \
                    sizeof(fixed)->blocks, sizeof(fixed)->blocks[0])

/* What STA_ARENA() says: the arena of `size` bytes in `block`s of so many. */
static inline struct sta_arena sta_arena_fixed(struct sta_arena_list *list,
                                               unsigned char *blocks,
                                               size_t size, size_t block)
{
    struct sta_arena a = {blocks, size / block, list, list, NULL, {0}, 0};
    a.block_log2 = (unsigned char)__builtin_ctzl((unsigned long)block);
    return a;
}

/*
 * Makes an empty arena in band over `memory`: as many blocks of `block` bytes,
 * a power of two from 4 to 2^29, as fit when the first is aligned to its size.
 *
 * Returns  STA_EINVAL when block is no such size, STA_ENOMEM when not one block
 *          fits. Beyond 65535 blocks the rest is not used.
 * Owner    memory stays the caller's, and must outlive the arena; so must *a,
 *          which must not be moved.
 */
enum sta_err sta_arena_init(struct sta_arena *a, void *memory, size_t size,
                            size_t block);

/* Returns the bytes of index memory for so many blocks; 0 for too many. */
size_t sta_arena_index_bytes(size_t block_count);

/*
 * The same, indexed, with the map in `index`, of `index_size` bytes, aligned to
 * 8. For an arena over size bytes, sta_arena_index_bytes(size / block) do.
 *
 * Returns  STA_ENOMEM also when the index is too small.
 * Cost     O(index_size): it is filled with zeros.
 */
enum sta_err sta_arena_init_indexed(struct sta_arena *a, void *memory,
                                    size_t size, size_t block, void *index,
                                    size_t index_size);

/* Ends an arena; its memory is the caller's again. Needed only under Valgrind,
 * which else goes on watching the blocks. */
void sta_arena_destroy(struct sta_arena *a);

/* The general cases of the inline functions below. */
void *sta_arena_alloc_any(struct sta_arena *a, size_t size, size_t align);
enum sta_err sta_arena_free_any(struct sta_arena *a, void *p, size_t size);
bool sta_arena_resize_any(struct sta_arena *a, void *p, size_t size,
                          size_t new_size);

/* Returns how many blocks `size` bytes take; for 0, more than there are. */
static inline size_t sta_arena_blocks(const struct sta_arena *a, size_t size)
{
    return ((size - 1) >> a->block_log2) + 1;
}

/*
 * Allocates `size` bytes that begin at a multiple of `align`: the lowest run of
 * blocks in which they fit. Indexed, with an alignment above a block's, it is
 * the lowest of the first 16 that have as many, else one that holds them
 * wherever it begins, else the lowest.
 *
 * Returns  NULL when there is none, size is 0 or align no power of two.
 * Owner    the caller, until sta_arena_free(a, p, size).
 * Cost     O(1) inline when the lowest run serves; else O(free runs), or
 *          O(log blocks + blocks taken / 64) indexed; O(free runs * log
 *          blocks) indexed where they are large enough, and none is aligned
 *          so.
 */
static inline void *sta_arena_alloc(struct sta_arena *a, size_t size,
                                    size_t align)
{
    struct sta_arena_list *list = a->inlined;
    size_t count = sta_arena_blocks(a, size);
    size_t block = (size_t)1 << a->block_log2;
    unsigned char *p;
    uint32_t run; /* how many blocks lie behind the run, and its successor */

    if (list && list->first < STA_ARENA_FULL && align - 1 < block &&
        !(align & (align - 1))) {
        p = a->blocks + ((size_t)list->first << a->block_log2);
        __builtin_memcpy(&run, p, sizeof run);
        if (count < a->block_count - list->first - (run & 0xFFFF)) {
            /* What is left of the run has the same end and successor. */
            __builtin_memcpy(p + (count << a->block_log2), &run, sizeof run);
            list->first += (uint32_t)count;
            return p;
        }
    }
    return sta_arena_alloc_any(a, size, align);
}

/* The lowest run, if `count` blocks at p end where it begins; else NULL. */
static inline unsigned char *sta_arena_run_behind(const struct sta_arena *a,
                                                  const void *p, size_t count)
{
    const struct sta_arena_list *list = a->inlined;
    unsigned char *run;

    if (!list || list->first >= STA_ARENA_FULL || count > list->first)
        return NULL;
    run = a->blocks + ((size_t)list->first << a->block_log2);
    return run - (count << a->block_log2) == p ? run : NULL;
}

/*
 * Frees a block. Indexed, the size may be STA_SIZE_UNKNOWN.
 *
 * Returns  STA_OK, also for NULL. STA_EINVAL, with the arena as it was, for
 *          what cannot be freed: indexed, anything but a block in use and its
 *          size; in band, what is no whole blocks of the arena, or overlaps a
 *          free one.
 */
static inline enum sta_err sta_arena_free(struct sta_arena *a, void *p,
                                          size_t size)
{
    size_t count = sta_arena_blocks(a, size);
    unsigned char *run = sta_arena_run_behind(a, p, count);

    if (!run)
        return sta_arena_free_any(a, p, size);
    /* It becomes the beginning of the lowest run. */
    __builtin_memcpy(p, run, sizeof(uint32_t));
    a->inlined->first -= (uint32_t)count;
    return STA_OK;
}

/*
 * Gives a block another size where it is. A smaller one can always be had.
 *
 * Returns  false when the blocks behind it are not free, or new_size is 0; it
 *          then has its old size.
 */
static inline bool sta_arena_resize(struct sta_arena *a, void *p, size_t size,
                                    size_t new_size)
{
    struct sta_arena_list *list = a->inlined;
    size_t old_count = sta_arena_blocks(a, size);
    size_t count = sta_arena_blocks(a, new_size);
    unsigned char *end;
    uint32_t run; /* as in sta_arena_alloc() */

    if (list && size && new_size && count == old_count)
        return true;
    end = sta_arena_run_behind(a, p, old_count);
    if (end && new_size && count > old_count) {
        __builtin_memcpy(&run, end, sizeof run);
        count -= old_count;
        if (count < a->block_count - list->first - (run & 0xFFFF)) {
            __builtin_memcpy(end + (count << a->block_log2), &run, sizeof run);
            list->first += (uint32_t)count;
            return true;
        }
    }
    return sta_arena_resize_any(a, p, size, new_size);
}

/* As sta_arena_alloc(), with every byte zero. */
void *sta_arena_zalloc(struct sta_arena *a, size_t size, size_t align);

/*
 * Gives a block another size, in place when the blocks behind it are free and
 * it is aligned to `align`, else by moving it.
 *
 * Returns  the block, its first min(size, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates. new_size 0 is refused with NULL.
 */
void *sta_arena_realloc_any(struct sta_arena *a, void *p, size_t size,
                            size_t new_size, size_t align);

static inline void *sta_arena_realloc(struct sta_arena *a, void *p, size_t size,
                                      size_t new_size, size_t align)
{
    if (p && align && !(align & (align - 1)) && !((uintptr_t)p & (align - 1)) &&
        sta_arena_resize(a, p, size, new_size))
        return p;
    return sta_arena_realloc_any(a, p, size, new_size, align);
}

/*
 * The same in blocks: `count` blocks, of which the first is at a multiple of
 * `align` blocks, a power of two. An address counts, not a block's number. To
 * free 0 blocks is to free what the index knows.
 */
void *sta_arena_alloc_blocks(struct sta_arena *a, size_t count, size_t align);
enum sta_err sta_arena_free_blocks(struct sta_arena *a, void *p, size_t count);
bool sta_arena_resize_blocks(struct sta_arena *a, void *p, size_t count,
                             size_t new_count);

/*
 * Grows a block of `count` blocks where it is, to at most new_count.
 *
 * Returns  how many blocks it now has: count when there is no room at all.
 */
size_t sta_arena_grow_up_to(struct sta_arena *a, void *p, size_t count,
                            size_t new_count);

/* Frees every block, whoever has it. O(1) in band; O(blocks / 64) indexed. */
void sta_arena_clear(struct sta_arena *a);

/* True when not one block is free. O(1). */
bool sta_arena_is_oom(const struct sta_arena *a);

/* True when every block is free. O(1). */
bool sta_arena_is_empty(const struct sta_arena *a);

/* True when p lies in the blocks. */
static inline bool sta_arena_owns(const struct sta_arena *a, const void *p)
{
    return (uintptr_t)p - (uintptr_t)a->blocks < a->block_count
                                                     << a->block_log2;
}

/* Returns the bytes of the block at p. Indexed only; in band, and for what is
 * no block, 0. */
size_t sta_arena_usable_size(const struct sta_arena *a, const void *p);

/*
 * Finds the lowest free run that begins at or after block number `from`:
 * returns its number and sets *count; returns SIZE_MAX when there is none. In
 * band O(free runs before it), indexed O(log blocks).
 */
size_t sta_arena_next_free(const struct sta_arena *a, size_t from,
                           size_t *count);

/* Tells how full the arena is; live_blocks is known only when indexed. O(free
 * runs), times O(log blocks) indexed. */
void sta_arena_usage(const struct sta_arena *a, struct sta_usage *usage);

/* Checks the whole structure; STA_ECORRUPT when it contradicts itself. */
enum sta_err sta_arena_audit(const struct sta_arena *a);

/* Writes the number of blocks, and a line for each free run. */
void sta_arena_dump(const struct sta_arena *a, const struct sta_writer *out);

/* The arena by the family's interface. */
struct sta_allocator sta_arena_allocator(struct sta_arena *a);

STA_END_DECLS

#endif
