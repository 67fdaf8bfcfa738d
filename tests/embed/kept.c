/* SPDX-License-Identifier: MIT */
/*
 * Growing allocators over a source that takes nothing back, as WebAssembly's:
 * what they would give back is used again, by sta_source_keeping().
 *
 * How it could fail: a span that is refused is lost, so that a program which
 * never holds more than two blocks takes one more span each round.
 */
#include <stalloc/bump.h>
#include <stalloc/seg.h>
#include <stalloc/stack.h>
#include <stalloc/zone.h>

#include <string.h>

#include "tests/lib/check.h"

enum { ROUNDS = 300 };

/* From `memory` on, aligned here: Valgrind loads a program at any page. */
enum { ALIGN = 1 << 18, MEMORY_BYTES = 8 << 20 };
static unsigned char space[MEMORY_BYTES + ALIGN];
static unsigned char *memory;
static size_t memory_used;

static void *ratchet_get(void *ctx, size_t *size, size_t align)
{
    size_t first = (memory_used + align - 1) & ~(align - 1);

    (void)ctx;
    if (first > MEMORY_BYTES || *size > MEMORY_BYTES - first)
        return NULL;
    memory_used = first + *size;
    return memory + first;
}

static struct sta_source make_ratchet(void)
{
    memory = space + (-(uintptr_t)space & (ALIGN - 1));
    memory_used = 0;
    return (struct sta_source){.get = ratchet_get};
}

static void test_bump(void)
{
    struct sta_source_keeper keeper;
    struct sta_bump b;

    check_context("bump");
    sta_bump_init(&b, sta_source_keeping(&keeper, make_ratchet()), 65536);
    unsigned char *before = sta_bump_alloc(&b, 40000, 1);
    REQUIRE(before);
    memset(before, 0x11, 40000);
    for (int i = 0; i < ROUNDS; i++) {
        struct sta_bump_point mark = sta_bump_mark(&b);
        unsigned char *p = sta_bump_alloc(&b, 50000, 1);
        unsigned char *q = sta_bump_alloc(&b, 60000, 64);
        REQUIRE(p && q);
        memset(p, 0x22, 50000);
        memset(q, 0x33, 60000);
        sta_bump_rewind(&b, mark);
        CHECK(sta_bump_audit(&b) == STA_OK);
        CHECK(before[0] == 0x11 && before[39999] == 0x11);
    }
    for (int i = 0; i < ROUNDS; i++) {
        sta_bump_reset(&b);
        CHECK(sta_bump_audit(&b) == STA_OK);
        REQUIRE(sta_bump_alloc(&b, 50000, 1) && sta_bump_alloc(&b, 60000, 64));
    }
    CHECK(memory_used <= 4 * 65536);
}

static void test_seg(void)
{
    struct sta_usage usage;
    struct sta_source_keeper keeper;
    struct sta_seg s;

    check_context("seg");
    sta_seg_init(&s, sta_source_keeping(&keeper, make_ratchet()), 65536);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 3; k++) {
            void *p = sta_seg_alloc(&s, 30000, 1);
            REQUIRE(p);
            memset(p, k, 30000);
        }
        sta_seg_reset(&s);
        CHECK(sta_seg_audit(&s) == STA_OK);
        sta_seg_usage(&s, &usage);
        CHECK(usage.free_bytes == usage.capacity_bytes);
    }
    CHECK(memory_used <= 4 * 65536);
}

static void run_stack_chain(struct sta_source source)
{
    struct sta_stack_chain c;

    sta_stack_chain_init(&c, source);
    for (int i = 0; i < ROUNDS; i++) {
        void *large = sta_stack_chain_alloc(&c, 600000, 4096);
        void *p = sta_stack_chain_alloc(&c, 250000, 1);
        void *q = sta_stack_chain_alloc(&c, 250000, 1);
        REQUIRE(large && p && q);
        memset(large, 0x44, 600000);
        CHECK(sta_stack_chain_free(&c, p) == STA_OK);
        CHECK(sta_stack_chain_free(&c, q) == STA_OK);
        CHECK(sta_stack_chain_free(&c, large) == STA_OK);
        if (i % 2)
            sta_stack_chain_trim(&c);
        CHECK(sta_stack_chain_audit(&c) == STA_OK);
    }
    CHECK(memory_used <= MEMORY_BYTES / 4);
}

/* Also behind a source that does take spans back. */
static void test_stack_chain(void)
{
    static unsigned char near[ALIGN * 2];
    struct sta_source_span span;
    struct sta_source_pair pair;

    check_context("stack chain");
    run_stack_chain(make_ratchet());
    check_context("stack chain over a fallback");
    run_stack_chain(sta_source_fallback(
        &pair, sta_source_buffer(&span, near, sizeof near), make_ratchet()));
}

static void test_zone(void)
{
    static struct sta_zone z;
    struct sta_zone_config config = {4096, 65536, make_ratchet()};

    check_context("zone");
    REQUIRE(sta_zone_init(&z, &config) == STA_OK);
    for (int i = 0; i < ROUNDS; i++) {
        void *large = sta_zone_alloc(&z, 300000, 65536);
        REQUIRE(large);
        memset(large, 0x55, 300000);
        /* What one class has left serves another. */
        size_t size = (size_t)8192 >> i % 3;
        void *p[40];
        for (int k = 0; k < 40; k++)
            REQUIRE((p[k] = sta_zone_alloc(&z, size, 1)));
        for (int k = 0; k < 40; k++)
            CHECK(sta_zone_free(&z, p[k], size, 1));
        CHECK(sta_zone_free(&z, large, 300000, 65536));
        sta_zone_trim(&z);
        CHECK(sta_zone_audit(&z) == STA_OK);
    }
    CHECK(memory_used <= 2 << 20);
}

/* The source alone: spans merge, and odd ends are nobody's. */
static void test_keeping(void)
{
    struct sta_source_keeper keeper;
    struct sta_source s = sta_source_keeping(&keeper, make_ratchet());
    unsigned char *p[4], *q;
    size_t size;

    check_context("keeping");
    CHECK(s.give && !s.owns);
    for (int i = 0; i < 4; i++) {
        size = 1024;
        REQUIRE((p[i] = sta_source_get(&s, &size, 1)) && size == 1024);
    }
    for (int i = 3; i >= 0; i--)
        CHECK(sta_source_give(&s, p[i], 1024));
    size = 4096;
    CHECK(sta_source_get(&s, &size, 16) == p[0] && size == 4096);
    CHECK(sta_source_give(&s, p[0], 4096));
    size = 1001;
    CHECK(sta_source_get(&s, &size, 2048) == p[0] && size >= 1001);
    CHECK(size % (2 * sizeof(void *)) == 0 && memory_used == 4096);
    CHECK(sta_source_give(&s, p[0], size));
    size = 5003;
    REQUIRE((q = sta_source_get(&s, &size, 1)) && size == 5003);
    CHECK(sta_source_give(&s, q, size));
    size = 4096 + 5003;
    CHECK(sta_source_get(&s, &size, 1) != p[0]);
    size = SIZE_MAX;
    CHECK(!sta_source_get(&s, &size, 16) && size == SIZE_MAX);
    size = 0;
    CHECK(!sta_source_get(&s, &size, 16));
    size = 16;
    CHECK(!sta_source_get(&s, &size, 0) && !sta_source_get(&s, &size, 24));
}

int main(void)
{
    test_bump();
    test_seg();
    test_stack_chain();
    test_zone();
    test_keeping();
    return check_status();
}
