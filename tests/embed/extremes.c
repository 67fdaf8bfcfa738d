/* SPDX-License-Identifier: MIT */
/*
 * Requests at the ends of what can be asked, in buffers as small as they get.
 *
 * Sizes of 0 and near SIZE_MAX, alignments that are none or that no buffer has,
 * resizes to the exact limit: each is refused without a trace or served in
 * full.  And what is full once and then freed, in whatever order, can be had
 * again, all of it: also where a zone or a chain of stacks keeps a page and
 * gives the others back to a buffer.
 */
#include <stdint.h>
#include <string.h>

#include <stalloc/arena.h>
#include <stalloc/bump.h>
#include <stalloc/freelist.h>
#include <stalloc/seg.h>
#include <stalloc/stack.h>
#include <stalloc/zone.h>

#include "tests/lib/check.h"

enum { MEMORY_BYTES = 1 << 20, BLOCKS_MAX = 40000 };

static _Alignas(4096) unsigned char memory[MEMORY_BYTES];
static struct sta_source_span span;

static const size_t sizes[] = {
    0,
    SIZE_MAX,
    SIZE_MAX - 1,
    SIZE_MAX - 15,
    SIZE_MAX - 4095,
    SIZE_MAX / 2 + 1,
    SIZE_MAX / 2,
    SIZE_MAX / 4 + 1,
    SIZE_MAX / 4,
    MEMORY_BYTES + 1,
};

static const size_t aligns[] = {
    0,
    1,
    2,
    3,
    12,
    64,
    4096,
    1 << 20,
    SIZE_MAX / 4 + 1,
    SIZE_MAX / 2 + 1,
    SIZE_MAX,
};

static bool is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

static void refuses_what_cannot_be(const struct sta_allocator *a)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t good = sta_allocator_good_size(a, sizes[i]);
        CHECK(good == 0 || good >= sizes[i]);
        for (size_t k = 0; k < COUNT_OF(aligns); k++)
            CHECK(!sta_allocator_alloc(a, sizes[i], aligns[k]));
    }
    CHECK(sta_allocator_audit(a) == STA_OK);
}

/* A block refuses every impossible size, and keeps its bytes. */
static void resizes_to_the_limit(const struct sta_allocator *a, char *p,
                                 size_t size, size_t align)
{
    memset(p, 0x5a, size);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CHECK(!sta_allocator_resize(a, p, size, sizes[i], align));
        CHECK(!sta_allocator_realloc(a, p, size, sizes[i], align));
    }
    CHECK(p[0] == 0x5a && p[size - 1] == 0x5a);
    size_t good = sta_allocator_good_size(a, size);
    if (good > size && sta_allocator_resize(a, p, size, good, align)) {
        CHECK(p[0] == 0x5a && p[size - 1] == 0x5a);
        memset(p, 0x5a, good);
        size = good;
    }
    sta_allocator_free(a, p, size, align);
    CHECK(sta_allocator_audit(a) == STA_OK);
}

static void serves_what_can_be(const struct sta_allocator *a, size_t most)
{
    for (size_t k = 0; k < COUNT_OF(aligns); k++) {
        for (size_t size = 1; size <= most; size = size * 3 + 1) {
            char *p = sta_allocator_alloc(a, size, aligns[k]);
            if (p == NULL)
                continue;
            REQUIRE(is_power_of_two(aligns[k]));
            CHECK((uintptr_t)p % aligns[k] == 0);
            resizes_to_the_limit(a, p, size, aligns[k]);
        }
    }
}

/* Returns how many blocks there are until none is left; frees them again. */
static size_t fill_and_free(const struct sta_allocator *a, size_t size,
                            bool upwards)
{
    static void *blocks[BLOCKS_MAX];
    size_t count = 0;

    while (count < BLOCKS_MAX &&
           (blocks[count] = sta_allocator_alloc(a, size, 1)) != NULL)
        memset(blocks[count], (int)(count % 251), size), count++;
    for (size_t i = 0; i < count; i++) {
        size_t n = upwards ? i : count - 1 - i;
        unsigned char *p = blocks[n];
        CHECK(p[0] == n % 251 && p[size - 1] == n % 251);
        sta_allocator_free(a, p, size, 1);
    }
    CHECK(sta_allocator_audit(a) == STA_OK);
    return count;
}

static void gives_all_again(const struct sta_allocator *a, size_t most)
{
    for (size_t size = 1; size <= most; size *= 7) {
        size_t first = fill_and_free(a, size, true);
        for (int i = 0; i < 3; i++)
            CHECK(fill_and_free(a, size, i % 2) >= first);
    }
}

static void try_all(struct sta_allocator a, size_t most)
{
    refuses_what_cannot_be(&a);
    serves_what_can_be(&a, most);
    gives_all_again(&a, most);
}

static void arenas(void)
{
    static _Alignas(8) unsigned char index[32768];
    struct sta_arena arena;

    for (size_t block = 4; block <= 4096; block *= 4) {
        for (size_t size = block; size < 20000; size = size * 3 + 1) {
            check_context("arena of %zu, blocks of %zu", size, block);
            if (sta_arena_init(&arena, memory + size % 3, size, block) == 0)
                try_all(sta_arena_allocator(&arena), size);
            check_context("indexed, of %zu, blocks of %zu", size, block);
            if (sta_arena_init_indexed(&arena, memory + size % 3, size, block,
                                       index, sizeof index) == 0)
                try_all(sta_arena_allocator(&arena), size);
        }
    }
}

static void small_ones(void)
{
    for (size_t size = 0; size < 40000; size = size * 3 + 1) {
        for (size_t step = 1; step <= 65536; step *= 16) {
            unsigned char *at = memory + size % 2;
            struct sta_bump bump;
            struct sta_freelist list;
            struct sta_seg seg;

            check_context("bump of %zu, spans of %zu", size, step);
            sta_bump_init(&bump, sta_source_buffer(&span, at, size), step);
            try_all(sta_bump_allocator(&bump), size);
            check_context("freelist of %zu, spans of %zu", size, step);
            sta_freelist_init(&list, sta_source_buffer(&span, at, size), step);
            try_all(sta_freelist_allocator(&list), size);
            /* Its blocks are not merged: each size by itself. */
            check_context("seg of %zu, spans of %zu", size, step);
            sta_seg_init(&seg, sta_source_buffer(&span, at, size), step);
            struct sta_allocator a = sta_seg_allocator(&seg);
            refuses_what_cannot_be(&a);
            serves_what_can_be(&a, size);
        }
    }
}

static void stacks(void)
{
    for (unsigned log2 = 0; log2 < 14; log2++) {
        struct sta_stack stack;
        check_context("stack of units of %u", 1u << log2);
        sta_stack_init(&stack, memory, log2);
        try_all(sta_stack_allocator(&stack), (size_t)64 << log2);
    }
    struct sta_stack_chain chain;
    check_context("chain of stacks");
    sta_stack_chain_init(&chain,
                         sta_source_buffer(&span, memory, sizeof memory));
    try_all(sta_stack_chain_allocator(&chain), 200000);
}

static void slabs(void)
{
    struct sta_slab slab;

    for (size_t object = 1; object <= 4096; object = object * 2 + 1) {
        for (size_t page = 1; page <= 65536; page *= 4) {
            if (sta_slab_init(&slab, object, 8, page) != STA_OK)
                continue;
            check_context("slab of %zu on %zu", object, page);
            CHECK(sta_slab_refill(&slab, memory + 1) == STA_EINVAL);
            size_t gap = -(uintptr_t)memory & (page - 1);
            REQUIRE(sta_slab_refill(&slab, memory + gap) == STA_OK);
            try_all(sta_slab_allocator(&slab), object);
        }
    }
}

static void zone_over_a_buffer(void)
{
    static struct sta_zone zone;
    struct sta_zone_config config = {
        .small_page_bytes = 512,
        .large_page_bytes = 4096,
        .pager = sta_source_buffer(&span, memory, sizeof memory),
    };

    check_context("zone");
    REQUIRE(sta_zone_init(&zone, &config) == STA_OK);
    try_all(sta_zone_allocator(&zone), 2000);
}

int main(void)
{
    arenas();
    small_ones();
    stacks();
    slabs();
    zone_over_a_buffer();
    return check_status();
}
