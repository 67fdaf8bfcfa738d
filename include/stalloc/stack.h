/* SPDX-License-Identifier: MIT */
/*
 * 64 units in a word of bits, and chains of such stacks in which each class is
 * fed by a larger one.
 *
 * Choose sta_stack for a handful of blocks in a buffer: everything it knows are
 * two words, every call is a few instructions, and it tells a double free.
 * Choose sta_stack_chain for a heap that grows from a source, holds objects of
 * 8 bytes to megabytes, and gives memory back as soon as it is empty. Do not
 * choose the chain where threads share a heap, or where many objects have one
 * size (sta_zone packs them closer).
 *
 *     static unsigned char memory[1 << 20];
 *     struct sta_source_span span;
 *     struct sta_stack_chain chain;
 *     struct sta_source source = sta_source_buffer(&span, memory, 1 << 20);
 *     sta_stack_chain_init(&chain, source);
 *     char *name = sta_stack_chain_alloc(&chain, 20, 1);
 *     name = sta_stack_chain_realloc(&chain, name, 40, 1);
 *     sta_stack_chain_free(&chain, name);
 *
 *     source ---> 256 KiB, 64 units of 4096 bytes     objects of 4 KiB and more
 *                    | 8 of them         | 1 of them
 *                    v                   v
 *                 64 units of 512     64 units of 64  objects of 512 B, of 64 B
 *                    | 1 of them
 *                    v
 *                 64 units of 8                       smaller objects
 *
 * Memory: sta_stack: 32 bytes for 64 units. The chain: a header of 64 bytes in
 * each stack, which takes 1 of its units (8 of those of 8 bytes); nothing per
 * block but rounding up to a unit. One empty stack per class is kept.
 * Threads: one at a time, for a stack or a chain; sta_sync adds a lock.
 * After: mb64/stack_alloc.
 */
#ifndef STALLOC_STACK_H
#define STALLOC_STACK_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

STA_BEGIN_DECLS

/* 64 units: bit i of a word is unit i. */
struct sta_stack {
    /* private: see stack.c */
    uint64_t used;
    uint64_t start; /* of those, the first unit of each block */
    unsigned char *base;
    unsigned char unit_log2;
};

/* Makes an empty stack over `memory`, 64 units of 2^unit_log2 bytes, which
 * stays the caller's and must outlive the stack. */
void sta_stack_init(struct sta_stack *s, void *memory, unsigned unit_log2);

/*
 * Allocates `size` bytes that begin at a multiple of `align`: the lowest units
 * in which they fit.
 *
 * Returns  NULL when there are none, size is 0 or align no power of two.
 * Owner    the caller, until sta_stack_free().
 * Cost     O(1): at most 12 steps on one word.
 */
void *sta_stack_alloc(struct sta_stack *s, size_t size, size_t align);

/*
 * Frees a block.
 *
 * Returns  its bytes; 0, and nothing done, when none begins at p.
 * Cost     O(1).
 */
size_t sta_stack_free(struct sta_stack *s, void *p);

/*
 * Gives a block another size where it is; a smaller one can always be had.
 *
 * Returns  false when the units behind it are in use, no block begins at p or
 *          new_size is 0.
 */
bool sta_stack_resize(struct sta_stack *s, void *p, size_t new_size);

/* Returns the bytes of the block at p, 0 when none begins there. */
size_t sta_stack_usable_size(const struct sta_stack *s, const void *p);

/* Returns how many units the longest free run has. */
unsigned sta_stack_longest(const struct sta_stack *s);

/* True when p lies in the stack's memory. */
static inline bool sta_stack_owns(const struct sta_stack *s, const void *p)
{
    return ((uintptr_t)p - (uintptr_t)s->base) >> s->unit_log2 < 64;
}

/* True when no unit is in use. */
static inline bool sta_stack_is_empty(const struct sta_stack *s)
{
    return s->used == 0;
}

/* Tells how full the stack is. O(1). */
void sta_stack_usage(const struct sta_stack *s, struct sta_usage *usage);

/* STA_ECORRUPT when a block begins in no used unit, or none where one must. */
enum sta_err sta_stack_audit(const struct sta_stack *s);

/* The stack by the family's interface. */
struct sta_allocator sta_stack_allocator(struct sta_stack *s);

/* The classes of a chain, and the lists of each by longest free run. */
enum { STA_STACK_CLASSES = 4, STA_STACK_LISTS = 8 };

/* Bytes of the largest stack, which is also what the source must align to. */
#define STA_STACK_BLOCK_BYTES ((size_t)256 * 1024)

struct sta_stack_page;

struct sta_stack_chain {
    /* private: see stack_chain.c */
    struct sta_source source;
    struct sta_source_keeper keeper; /* around one that takes nothing back */
    struct sta_stack_page *lists[STA_STACK_CLASSES][STA_STACK_LISTS];
    struct sta_stack_page *large;
    unsigned empty_count[STA_STACK_CLASSES];
    size_t live_count;
    size_t source_bytes;
};

/*
 * Makes an empty chain. The source must be able to align to
 * STA_STACK_BLOCK_BYTES; it is asked for that many bytes at a time, and for
 * more only by a block that has more. Where it takes nothing back, the chain
 * keeps what would be given back for later. The chain must stay where it is.
 */
void sta_stack_chain_init(struct sta_stack_chain *c, struct sta_source source);

/*
 * Allocates `size` bytes that begin at a multiple of `align`.
 *
 * Returns  NULL when the source refuses, size is 0, align no power of two or
 *          above 128 KiB. Nothing has then been taken from the source.
 * Owner    the caller, until sta_stack_chain_free().
 * Cost     O(1), and at most one call of the source; O(stacks of the class)
 *          once the source refuses.
 */
void *sta_stack_chain_alloc(struct sta_stack_chain *c, size_t size,
                            size_t align);

/*
 * Frees a block, which knows its size; NULL does nothing.
 *
 * Returns  STA_EINVAL, and nothing done, when no block begins at p, which must
 *          lie in a span of the source's.
 * Cost     O(1), and at most one call of the source.
 */
enum sta_err sta_stack_chain_free(struct sta_stack_chain *c, void *p);

/* Gives a block another size where it is; false when it would have to move. One
 * of more than 252 KiB stays as long as it was, whatever it shrinks to. */
bool sta_stack_chain_resize(struct sta_stack_chain *c, void *p,
                            size_t new_size);

/*
 * Gives a block another size, in place or by moving it.
 *
 * Returns  the block, its first min(old, new_size) bytes kept; NULL when it
 *          cannot be had: the old block is then untouched. p == NULL
 *          allocates.
 */
void *sta_stack_chain_realloc(struct sta_stack_chain *c, void *p,
                              size_t new_size, size_t align);

/* Returns the bytes of the block at p, 0 when none begins there. */
size_t sta_stack_chain_usable_size(const struct sta_stack_chain *c,
                                   const void *p);

/* Gives empty stacks back to the source; returns the bytes given. O(stacks). */
size_t sta_stack_chain_trim(struct sta_stack_chain *c);

/* The figures of a moment; O(stacks). */
void sta_stack_chain_usage(const struct sta_stack_chain *c,
                           struct sta_usage *usage);

/* Checks every stack and list; STA_ECORRUPT when one is broken. O(stacks). */
enum sta_err sta_stack_chain_audit(const struct sta_stack_chain *c);

/* The chain by the family's interface. */
struct sta_allocator sta_stack_chain_allocator(struct sta_stack_chain *c);

STA_END_DECLS

#endif
