/* SPDX-License-Identifier: MIT */
/* The table of allocators under test: see allocators.h. */
#include "tests/embed/allocators.h"

#include <stalloc/arena.h>
#include <stalloc/bump.h>
#include <stalloc/chain.h>
#include <stalloc/freelist.h>
#include <stalloc/seg.h>
#include <stalloc/slab.h>
#include <stalloc/stack.h>
#include <stalloc/sync.h>
#include <stalloc/watch.h>
#include <stalloc/zone.h>

#include "tests/embed/range_adapter.h"

enum { FIXED_BYTES = 65536, PAGE = 4096 };

/* --- the memory ----------------------------------------------------------- */

/*
 * A source that takes spans back in any order, unlike a buffer: a byte a page,
 * first fit, too simple to be wrong.
 */
enum { PAGES = TEST_MEMORY_BYTES / PAGE };

/*
 * Aligned at run time: not every loader keeps an alignment above a page; that
 * of Valgrind does not.
 */
static unsigned char room[TEST_MEMORY_BYTES + STA_STACK_BLOCK_BYTES];

static unsigned char *memory(void)
{
    return room + (-(uintptr_t)room & (STA_STACK_BLOCK_BYTES - 1));
}

static bool is_used[PAGES];
static struct sta_source_counter counter;

static bool is_free_run(size_t first, size_t count)
{
    while (count > 0)
        if (is_used[first + --count])
            return false;
    return true;
}

static void *pages_get(void *ctx, size_t *size, size_t align)
{
    size_t count = (*size - 1) / PAGE + 1;
    size_t step = align > PAGE ? align / PAGE : 1;

    (void)ctx;
    if (!*size || *size > TEST_MEMORY_BYTES || align > STA_STACK_BLOCK_BYTES)
        return NULL;
    for (size_t first = 0; first + count <= PAGES; first += step) {
        if (!is_free_run(first, count))
            continue;
        __builtin_memset(is_used + first, true, count);
        *size = count * PAGE;
        return memory() + first * PAGE;
    }
    return NULL;
}

static void pages_give(void *ctx, void *p, size_t size)
{
    size_t first = (size_t)((unsigned char *)p - memory()) / PAGE;

    (void)ctx;
    __builtin_memset(is_used + first, false, size / PAGE);
}

static bool pages_owns(const void *ctx, const void *p)
{
    (void)ctx;
    return (uintptr_t)p - (uintptr_t)memory() < TEST_MEMORY_BYTES;
}

struct sta_source test_source(void)
{
    struct sta_source pages = {pages_get, pages_give, pages_owns, NULL};

    __builtin_memset(is_used, false, sizeof is_used);
    return sta_source_counting(&counter, pages);
}

size_t test_source_bytes_out(void)
{
    return counter.out_bytes;
}

const unsigned char *test_memory(void)
{
    return memory();
}

/* What an allocator that does not grow gets: one span, aligned to its size. */
static void *fixed_span(struct sta_source source)
{
    size_t size = FIXED_BYTES;

    return sta_source_get(&source, &size, FIXED_BYTES);
}

static const struct sta_allocator refused;

/* --- one by one ----------------------------------------------------------- */

static struct sta_arena arena;

static struct sta_allocator make_arena(struct sta_source source)
{
    void *p = fixed_span(source);

    if (!p || sta_arena_init(&arena, p, FIXED_BYTES, 16) != STA_OK)
        return refused;
    return sta_arena_allocator(&arena);
}

static struct sta_allocator make_small_blocks(struct sta_source source)
{
    void *p = fixed_span(source);

    if (!p || sta_arena_init(&arena, p, FIXED_BYTES / 2, 4) != STA_OK)
        return refused;
    return sta_arena_allocator(&arena);
}

static struct sta_allocator make_indexed(struct sta_source source)
{
    static uint64_t index[1024];
    void *p = fixed_span(source);

    if (!p || sta_arena_init_indexed(&arena, p, FIXED_BYTES, 16, index,
                                     sizeof index) != STA_OK)
        return refused;
    return sta_arena_allocator(&arena);
}

static struct sta_slab slab;

static struct sta_allocator make_slab(struct sta_source source)
{
    unsigned char *p = fixed_span(source);

    if (!p || sta_slab_init(&slab, 192, 64, PAGE) != STA_OK)
        return refused;
    for (size_t at = 0; at < FIXED_BYTES; at += PAGE)
        if (sta_slab_refill(&slab, p + at) != STA_OK)
            return refused;
    return sta_slab_allocator(&slab);
}

static struct sta_zone zone;

static struct sta_allocator make_zone(struct sta_source source)
{
    struct sta_zone_config config = {
        .small_page_bytes = PAGE,
        .large_page_bytes = 8 * PAGE,
        .pager = source,
    };

    if (sta_zone_init(&zone, &config) != STA_OK)
        return refused;
    return sta_zone_allocator(&zone);
}

static void trim_zone(void)
{
    sta_zone_trim(&zone);
}

static struct sta_allocator make_bump(struct sta_source source)
{
    static struct sta_bump bump;

    sta_bump_init(&bump, source, 4 * PAGE);
    return sta_bump_allocator(&bump);
}

static struct sta_allocator make_seg(struct sta_source source)
{
    static struct sta_seg seg;

    sta_seg_init(&seg, source, 4 * PAGE);
    return sta_seg_allocator(&seg);
}

static struct sta_allocator make_freelist(struct sta_source source)
{
    static struct sta_freelist freelist;

    sta_freelist_init(&freelist, source, 4 * PAGE);
    return sta_freelist_allocator(&freelist);
}

static struct sta_allocator make_stack(struct sta_source source)
{
    static struct sta_stack stack;
    void *p = fixed_span(source);

    if (!p)
        return refused;
    sta_stack_init(&stack, p, 10); /* 64 units of 1 KiB */
    return sta_stack_allocator(&stack);
}

static struct sta_stack_chain stack_chain;

static struct sta_allocator make_stack_chain(struct sta_source source)
{
    sta_stack_chain_init(&stack_chain, source);
    return sta_stack_chain_allocator(&stack_chain);
}

static void trim_stack_chain(void)
{
    sta_stack_chain_trim(&stack_chain);
}

/* --- stacked -------------------------------------------------------------- */

static struct sta_allocator make_chain(struct sta_source source)
{
    static struct sta_chain chain;
    struct sta_allocator first = make_small_blocks(source);

    if (!first.ops ||
        sta_chain_init(&chain, first, make_zone(source)) != STA_OK)
        return refused;
    return sta_chain_allocator(&chain);
}

static int lock_depth;

static void take_lock(void *ctx)
{
    ++*(int *)ctx;
}

static void give_lock(void *ctx)
{
    --*(int *)ctx;
}

static struct sta_allocator make_sync(struct sta_source source)
{
    static struct sta_sync sync;
    struct sta_lock_ops lock = {take_lock, give_lock, &lock_depth};
    struct sta_allocator inner = make_indexed(source);

    lock_depth = 0;
    if (!inner.ops)
        return refused;
    sta_sync_init(&sync, inner, lock);
    return sta_sync_allocator(&sync);
}

static void write_nowhere(void *ctx, const char *text, size_t length)
{
    (void)ctx, (void)text, (void)length;
}

static struct sta_allocator make_watched(struct sta_source source)
{
    static struct sta_counting counting;
    static struct sta_tracing tracing;
    static struct sta_failing failing;
    struct sta_writer out = {write_nowhere, NULL};
    struct sta_allocator a = make_arena(source);

    if (!a.ops)
        return refused;
    a = sta_counting_init(&counting, a);
    a = sta_tracing_init(&tracing, a, out);
    return sta_failing_init(&failing, a, SIZE_MAX, false);
}

static struct sta_allocator make_range(struct sta_source source)
{
    void *p = fixed_span(source);

    return p ? range_adapter(p, FIXED_BYTES) : refused;
}

const struct subject subjects[] = {
    {"arena", make_arena, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
    {"arena of 4-byte blocks", make_small_blocks, NULL, FIXED_BYTES / 2, PAGE,
     ANY_ORDER},
    {"arena, indexed", make_indexed, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
    {"range", make_range, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
    {"slab", make_slab, NULL, 192, 64, ANY_ORDER},
    {"zone", make_zone, trim_zone, 100000, PAGE, GROWS | GIVES},
    {"bump", make_bump, NULL, 100000, PAGE, GROWS},
    {"seg", make_seg, NULL, 100000, PAGE, GROWS},
    {"freelist", make_freelist, NULL, 100000, PAGE, GROWS},
    {"stack", make_stack, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
    {"stack chain", make_stack_chain, trim_stack_chain, 100000, PAGE,
     GROWS | GIVES},
    {"chain of arena and zone", make_chain, NULL, 100000, PAGE, GROWS},
    {"arena under a lock", make_sync, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
    {"arena, watched", make_watched, NULL, FIXED_BYTES, PAGE, ANY_ORDER},
};

const unsigned subject_count = sizeof subjects / sizeof *subjects;
