/* SPDX-License-Identifier: MIT */
/*
 * The one interface that every allocator of the family speaks: a table of
 * operations and a context.
 *
 * Choose it where code should not care which allocator it runs on, or where
 * allocators are stacked: a chain, a lock, a counter and a tracer are each an
 * allocator over another one. Choose the allocator's own functions where the
 * call is hot: through the table no call can be inlined.
 *
 *     struct sta_arena arena;
 *     static _Alignas(16) unsigned char memory[4096];
 *     sta_arena_init(&arena, memory, sizeof memory, 16);
 *     struct sta_allocator a = sta_arena_allocator(&arena);
 *
 *     char *name = sta_allocator_alloc(&a, 20, 1);
 *     name = sta_allocator_realloc(&a, name, 20, 40, 1);
 *     sta_allocator_free(&a, name, 40, 1);
 *
 *        your code
 *            |            struct sta_allocator { ops, ctx }
 *        sta_sync         a lock around
 *            |
 *        sta_chain        first try the one, then the other
 *          /     \
 *    sta_arena  sta_zone  each over memory of its own
 *
 * Memory: two words for the interface; the table is constant and shared by all
 * allocators of a type. Nothing is kept per block.
 *
 * The contract, which the conformance suite checks for every allocator:
 *   - size 0 is refused: NULL. An alignment that is no power of two, too.
 *   - free, resize and realloc are told the size and alignment that the block
 *     was last given. Where the table has usable_size, the size may be
 *     STA_SIZE_UNKNOWN instead; where it has not, that is refused, and a free
 *     by it does nothing.
 *   - free of NULL does nothing.
 *   - When everything is freed, everything can be had again; but sta_bump and
 *     sta_freelist keep the spans they have, and no block lies in two spans,
 *     and a free block of sta_seg stays a block of its power of two.
 */
#ifndef STALLOC_ALLOCATOR_H
#define STALLOC_ALLOCATOR_H

#include <stalloc/base.h>

STA_BEGIN_DECLS

/* Passed as the size of a block to an allocator that can tell it itself. */
#define STA_SIZE_UNKNOWN ((size_t)0)

/* Stands in a struct sta_usage for a figure that an allocator cannot tell. */
#define STA_USAGE_UNKNOWN SIZE_MAX

/* How full an allocator is. Figures of one moment, cheap to take. */
struct sta_usage {
    size_t capacity_bytes;     /* what it manages now; used + free */
    size_t free_bytes;         /* what of that could be handed out */
    size_t largest_free_bytes; /* the largest single block to be had at once */
    size_t free_runs;          /* pieces that the free bytes lie in */
    size_t live_blocks;        /* handed out and not freed */
};

/*
 * The table. alloc and free are always there; any other entry may be NULL,
 * which means that the allocator cannot do it.
 */
struct sta_allocator_ops {
    /* NULL when it cannot be had, when size is 0 or align no power of two. */
    void *(*alloc)(void *ctx, size_t size, size_t align);
    /* p is not NULL; size and align as it was last given. */
    void (*free)(void *ctx, void *p, size_t size, size_t align);
    /* In place only: false when p would have to move; then nothing changed. */
    bool (*resize)(void *ctx, void *p, size_t size, size_t new_size,
                   size_t align);
    /* True when p lies in memory this allocator manages. */
    bool (*owns)(const void *ctx, const void *p);
    /* The bytes that may be written at p; the block's true size. */
    size_t (*usable_size)(const void *ctx, const void *p);
    /* The bytes that a request of size would get; 0 when it cannot be had. */
    size_t (*good_size)(const void *ctx, size_t size);
    void (*usage)(const void *ctx, struct sta_usage *usage);
    /* Walks the whole structure; STA_ECORRUPT when it contradicts itself. */
    enum sta_err (*audit)(const void *ctx);
    void (*dump)(const void *ctx, const struct sta_writer *out);
};

struct sta_allocator {
    const struct sta_allocator_ops *ops;
    void *ctx;
};

/*
 * Allocates `size` bytes that begin at a multiple of `align`.
 *
 * Returns  the block, contents indeterminate; NULL when it cannot be had, when
 *          size is 0 or when align is no power of two.
 * Owner    the caller, until sta_allocator_free(a, p, size, align).
 * Threads  as the allocator: one at a time unless it is wrapped in sta_sync.
 * Cost     the allocator's, and one indirect call.
 */
static inline void *sta_allocator_alloc(const struct sta_allocator *a,
                                        size_t size, size_t align)
{
    return a->ops->alloc(a->ctx, size, align);
}

/*
 * Frees a block.
 *
 * Returns  nothing; p == NULL does nothing.
 * Misuse   a size or align other than the block's: undefined, and reported by
 *          those allocators that can tell.
 */
static inline void sta_allocator_free(const struct sta_allocator *a, void *p,
                                      size_t size, size_t align)
{
    if (p)
        a->ops->free(a->ctx, p, size, align);
}

/*
 * Gives a block another size where it is.
 *
 * Returns  true when it now has new_size bytes; false when it would have to
 *          move, or new_size is 0: it then has its old size.
 */
static inline bool sta_allocator_resize(const struct sta_allocator *a, void *p,
                                        size_t size, size_t new_size,
                                        size_t align)
{
    return a->ops->resize && p && new_size > 0 &&
           a->ops->resize(a->ctx, p, size, new_size, align);
}

/* As sta_allocator_alloc(), with every byte zero. */
void *sta_allocator_zalloc(const struct sta_allocator *a, size_t size,
                           size_t align);

/*
 * Gives a block another size, in place if it can, else by moving it.
 *
 * Returns  the block, its first min(size, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates. new_size 0 is refused with NULL.
 * Cost     the allocator's; at worst an allocation and a copy.
 */
void *sta_allocator_realloc(const struct sta_allocator *a, void *p, size_t size,
                            size_t new_size, size_t align);

/* As sta_allocator_realloc(); the bytes from size to new_size are zero. */
void *sta_allocator_zrealloc(const struct sta_allocator *a, void *p,
                             size_t size, size_t new_size, size_t align);

/* True when p lies in memory of a; false also when a cannot tell. */
bool sta_allocator_owns(const struct sta_allocator *a, const void *p);

/* The bytes a request would get: at least size, or 0 when it has no place. */
size_t sta_allocator_good_size(const struct sta_allocator *a, size_t size);

/* The figures of a moment; those unknown are STA_USAGE_UNKNOWN. */
struct sta_usage sta_allocator_usage(const struct sta_allocator *a);

/* Checks every invariant of the allocator; STA_OK when it has no audit. */
enum sta_err sta_allocator_audit(const struct sta_allocator *a);

/* Describes the allocator's state in lines of text. */
void sta_allocator_dump(const struct sta_allocator *a,
                        const struct sta_writer *out);

STA_END_DECLS

#endif
