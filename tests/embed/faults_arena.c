/* SPDX-License-Identifier: MIT */
/*
 * Faults found in stalloc 0.6.1, by their ids, which must not be found here.
 * Each runs in both forms of the arena.
 */
#include <stalloc/arena.h>

#include <string.h>

#include "tests/lib/check.h"

static _Alignas(256) unsigned char memory[1024];
static _Alignas(8) unsigned char index_memory[1024];

static struct sta_arena arena;

static void make(bool indexed, size_t count, size_t block)
{
    size_t size = count * block;
    memset(memory, 0xEE, sizeof memory);
    if (indexed)
        REQUIRE(sta_arena_init_indexed(&arena, memory, size, block,
                                       index_memory,
                                       sizeof index_memory) == STA_OK);
    else
        REQUIRE(sta_arena_init(&arena, memory, size, block) == STA_OK);
}

/* An arena whose block 0 is free called itself empty. */
static void b1(bool indexed)
{
    make(indexed, 4, 16);
    void *first = sta_arena_alloc_blocks(&arena, 1, 1);
    void *second = sta_arena_alloc_blocks(&arena, 1, 1);
    sta_arena_free_blocks(&arena, first, 1);
    CHECK(!sta_arena_is_empty(&arena));
    CHECK(!sta_arena_alloc_blocks(&arena, 4, 1));
    sta_arena_free_blocks(&arena, second, 1);
    CHECK(sta_arena_is_empty(&arena));
    CHECK(sta_arena_alloc_blocks(&arena, 4, 1) == memory);
}

/* An aligned allocation at the end reset the free list to "all is free". */
static void b2(bool indexed)
{
    size_t count = 0;
    make(indexed, 16, 4);
    unsigned char *live = sta_arena_alloc_blocks(&arena, 1, 1);
    unsigned char *aligned = sta_arena_alloc_blocks(&arena, 8, 8);
    CHECK(live == memory && aligned == memory + 32);
    CHECK(sta_arena_next_free(&arena, 0, &count) == 1 && count == 7);
    CHECK(sta_arena_alloc_blocks(&arena, 1, 1) == memory + 4);
    CHECK(sta_arena_audit(&arena) == STA_OK);
}

/* A shrink that had to move copied the old size over the new neighbour. */
static void b3(bool indexed)
{
    make(indexed, 128, 4);
    unsigned char *gap = sta_arena_alloc(&arena, 64, 64);
    unsigned char *hole = sta_arena_alloc(&arena, 8, 64);
    unsigned char *neighbour = sta_arena_alloc(&arena, 64, 4);
    unsigned char *p = sta_arena_alloc(&arena, 64, 4);
    REQUIRE(gap && hole && neighbour == hole + 8 && p == hole + 72);
    memset(neighbour, 0xEE, 64);
    memset(p, 0x11, 64);
    sta_arena_free(&arena, hole, 8);
    unsigned char *moved = sta_arena_realloc(&arena, p, 64, 8, 64);
    CHECK(moved == hole);
    for (size_t i = 0; i < 64; i++)
        CHECK(neighbour[i] == 0xEE);
    for (size_t i = 0; i < 8; i++)
        CHECK(moved[i] == 0x11);
}

/* A size that is no multiple of the block was rounded down when resized. */
static void b4(bool indexed)
{
    make(indexed, 16, 8);
    unsigned char *p = sta_arena_alloc(&arena, 12, 4);
    CHECK(sta_arena_realloc(&arena, p, 12, 16, 4) == p);
    CHECK(sta_arena_free(&arena, p, 16) == STA_OK);
    CHECK(sta_arena_is_empty(&arena));
}

/* A block that had room was not moved although it was not aligned. */
static void b5(bool indexed)
{
    make(indexed, 64, 4);
    CHECK(sta_arena_alloc(&arena, 4, 4) == memory);
    unsigned char *p = sta_arena_alloc(&arena, 4, 4);
    CHECK(p == memory + 4);
    memset(p, 0x22, 4);
    unsigned char *moved = sta_arena_realloc(&arena, p, 4, 8, 32);
    CHECK(moved == memory + 32);
    for (size_t i = 0; i < 4; i++)
        CHECK(moved[i] == 0x22);
    struct sta_allocator a = sta_arena_allocator(&arena);
    CHECK(!sta_allocator_resize(&a, sta_arena_alloc(&arena, 4, 4), 4, 8, 32));
}

/* Taking the last run exactly meant "full" although a lower one was free. */
static void b7(bool indexed)
{
    unsigned char *p[3];
    make(indexed, 5, 16);
    for (int i = 0; i < 3; i++)
        p[i] = sta_arena_alloc_blocks(&arena, 1, 1);
    sta_arena_free_blocks(&arena, p[0], 1);
    unsigned char *last = sta_arena_alloc_blocks(&arena, 2, 1);
    CHECK(last == memory + 48);
    CHECK(!sta_arena_is_oom(&arena));
    for (int i = 1; i < 3; i++)
        sta_arena_free_blocks(&arena, p[i], 1);
    sta_arena_free_blocks(&arena, last, 2);
    CHECK(sta_arena_is_empty(&arena));
    CHECK(sta_arena_alloc_blocks(&arena, 5, 1) == memory);
}

int main(void)
{
    static const struct {
        const char *id;
        void (*run)(bool indexed);
    } faults[] = {{"B1", b1}, {"B2", b2}, {"B3", b3},
                  {"B4", b4}, {"B5", b5}, {"B7", b7}};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        for (int indexed = 0; indexed < 2; indexed++) {
            check_context("%s, %s", faults[i].id,
                          indexed ? "indexed" : "in band");
            faults[i].run(indexed);
            CHECK(sta_arena_audit(&arena) == STA_OK);
        }
    }
    return check_status();
}
