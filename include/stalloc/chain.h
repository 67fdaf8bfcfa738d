/* SPDX-License-Identifier: MIT */
/*
 * Two allocators as one: what the first has no room for, the second serves.
 *
 * Choose it for a small fast arena in front of a large general allocator: the
 * stack or a static buffer for the usual case, the heap for the rest. Chains
 * nest to any length, as a chain is an allocator. Do not choose it where the
 * first cannot tell its own blocks by address: it needs `owns`.
 *
 *     static struct sta_arena near, far;
 *     static _Alignas(16) unsigned char small[256], large[8192];
 *     sta_arena_init(&near, small, sizeof small, 8);
 *     sta_arena_init(&far, large, sizeof large, 16);
 *
 *     struct sta_chain chain;
 *     sta_chain_init(&chain, sta_arena_allocator(&near),
 *                    sta_arena_allocator(&far));
 *     struct sta_allocator a = sta_chain_allocator(&chain);
 *     char *text = sta_allocator_alloc(&a, 200, 1);
 *     text = sta_allocator_realloc(&a, text, 200, 4000, 1);
 *     sta_allocator_free(&a, text, 4000, 1);
 *
 *     alloc ---> first --- no room ---> second
 *     free  ---> first.owns(p) ? first : second
 *
 * Memory: struct sta_chain; nothing per block.
 * Threads: as the two allocators.
 * After: abgros/stalloc AllocChain.
 */
#ifndef STALLOC_CHAIN_H
#define STALLOC_CHAIN_H

#include <stalloc/allocator.h>

STA_BEGIN_DECLS

struct sta_chain {
    /* private: see chain.c */
    struct sta_allocator_ops ops; /* those that both can do */
    struct sta_allocator first, second;
};

/*
 * Chains two allocators.
 *
 * A block that cannot grow where it is moves to whichever has room for it:
 * sta_allocator_realloc() allocates from the chain, and frees to the owner.
 *
 * Returns  STA_OK; STA_EINVAL when first cannot tell its own (has no `owns`).
 * Owner    both allocators stay the caller's and must outlive the chain.
 */
enum sta_err sta_chain_init(struct sta_chain *chain, struct sta_allocator first,
                            struct sta_allocator second);

/* The chain by the family's interface. */
static inline struct sta_allocator sta_chain_allocator(struct sta_chain *chain)
{
    struct sta_allocator a = {&chain->ops, chain};

    return a;
}

STA_END_DECLS

#endif
