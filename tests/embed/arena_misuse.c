/* SPDX-License-Identifier: MIT */
/*
 * Frees and resizes that an arena is to refuse, in both forms.
 *
 * How it could fail: an inline path takes what the general one refuses; what
 * was refused has changed something all the same.
 */
#include <stalloc/arena.h>

#include <string.h>

#include "tests/lib/check.h"

enum { BLOCK = 16, BLOCKS = 100 };

static _Alignas(256) unsigned char memory[BLOCKS * BLOCK];
static _Alignas(8) unsigned char index_memory[1024];

/* Makes an arena with a block of 50 bytes at *p and one of 40 behind it. */
static struct sta_arena *make(bool indexed, unsigned char **p,
                              unsigned char **q)
{
    static struct sta_arena arena;
    if (indexed)
        REQUIRE(sta_arena_init_indexed(&arena, memory, sizeof memory, BLOCK,
                                       index_memory,
                                       sizeof index_memory) == STA_OK);
    else
        REQUIRE(sta_arena_init(&arena, memory, sizeof memory, BLOCK) == STA_OK);
    *p = sta_arena_alloc(&arena, 50, 1);
    *q = sta_arena_alloc(&arena, 40, 1);
    REQUIRE(*p == memory && *q == memory + 64);
    return &arena;
}

/* What only an index can tell. */
static void test_indexed(void)
{
    unsigned char *p, *q;
    struct sta_arena *a = make(true, &p, &q);
    check_context("indexed");
    CHECK(sta_arena_free(a, p + 1, 0) == STA_EINVAL);
    CHECK(sta_arena_free(a, p + 16, 0) == STA_EINVAL);
    CHECK(sta_arena_free(a, p + 16, 48) == STA_EINVAL);
    CHECK(sta_arena_free(a, p, 32) == STA_EINVAL);
    CHECK(sta_arena_free(a, p, 112) == STA_EINVAL);
    CHECK(sta_arena_free(a, a->blocks + sizeof memory, 0) == STA_EINVAL);
    CHECK(sta_arena_free(a, &p, 0) == STA_EINVAL);
    CHECK(!sta_arena_resize(a, p + 16, 16, 32));
    CHECK(!sta_arena_realloc(a, p, 50, 0, 1));
    CHECK(sta_arena_free(a, NULL, 50) == STA_OK);
    CHECK(sta_arena_usable_size(a, p) == 64);
    CHECK(sta_arena_usable_size(a, p + 16) == 0);
    CHECK(sta_arena_free(a, p, 0) == STA_OK);
    CHECK(sta_arena_free(a, p, 0) == STA_EINVAL);
    CHECK(sta_arena_free(a, p, 50) == STA_EINVAL);
    CHECK(sta_arena_audit(a) == STA_OK);
    CHECK(sta_arena_free(a, q, 40) == STA_OK);
    CHECK(sta_arena_is_empty(a));
}

/* What the addresses alone tell: q ends where the lowest free run begins. */
static void test_in_band(void)
{
    unsigned char *p, *q;
    size_t count = 0;
    struct sta_arena *a = make(false, &p, &q);
    check_context("in band");
    memset(q, 0x33, 40);
    CHECK(sta_arena_free(a, q + 1, 40) == STA_EINVAL);
    CHECK(sta_arena_free(a, q + 17, 32) == STA_EINVAL);
    CHECK(sta_arena_free(a, q + 47, 1) == STA_EINVAL);
    CHECK(sta_arena_free(a, q + 16, 40) == STA_EINVAL);
    CHECK(sta_arena_free(a, q, 0) == STA_EINVAL);
    CHECK(sta_arena_free(a, p - BLOCK, 128) == STA_EINVAL);
    CHECK(sta_arena_free(a, a->blocks + sizeof memory, 16) == STA_EINVAL);
    CHECK(sta_arena_free(a, &p, 16) == STA_EINVAL);
    CHECK(sta_arena_free(a, NULL, 40) == STA_OK);
    CHECK(!sta_arena_resize(a, q + 1, 40, 60));
    CHECK(!sta_arena_resize(a, q + 16, 40, 60));
    for (size_t i = 0; i < 40; i++)
        CHECK(q[i] == 0x33);
    CHECK(sta_arena_next_free(a, 0, &count) == 7 && count == BLOCKS - 7);
    CHECK(sta_arena_audit(a) == STA_OK);
    CHECK(sta_arena_free(a, q, 40) == STA_OK);
    CHECK(sta_arena_free(a, q, 40) == STA_EINVAL);
    CHECK(sta_arena_free(a, p, 50) == STA_OK);
    CHECK(sta_arena_is_empty(a));
}

/* Where a full arena says that it is, one block behind the largest, is no run
 * to merge with. */
static void test_largest(void)
{
    static STA_ARENA_FIXED(STA_ARENA_LIST_BLOCKS_MAX, 4) heap;
    struct sta_arena a = STA_ARENA(&heap);
    size_t last = STA_ARENA_LIST_BLOCKS_MAX - 1;
    check_context("the largest in band");
    CHECK(sta_arena_alloc_blocks(&a, last, 1) == heap.blocks[0]);
    CHECK(sta_arena_alloc_blocks(&a, 1, 1) == heap.blocks[last]);
    CHECK(sta_arena_is_oom(&a));
    CHECK(sta_arena_free_blocks(&a, heap.blocks[last], 2) == STA_EINVAL);
    CHECK(!sta_arena_resize_blocks(&a, heap.blocks[last], 2, 3));
    CHECK(sta_arena_is_oom(&a) && sta_arena_audit(&a) == STA_OK);
    CHECK(sta_arena_free_blocks(&a, heap.blocks[last], 1) == STA_OK);
    CHECK(sta_arena_free_blocks(&a, heap.blocks[0], last) == STA_OK);
    CHECK(sta_arena_is_empty(&a));
}

int main(void)
{
    test_indexed();
    test_in_band();
    test_largest();
    return check_status();
}
