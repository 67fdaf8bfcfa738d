/* SPDX-License-Identifier: MIT */
/*
 * The stack against the oracle, the chain of stacks by random operations, and
 * the faults T3 to T7 of stack_alloc 0.1.0 by id.
 *
 * How it could fail: a mask of all 64 units comes out as none; a block's end is
 * missed where it touches the next; a stack that is empty or nearly so hangs in
 * the wrong list; a span goes back while something in it lives, or never; a
 * refusal leaves a stack behind.
 */
#include <stalloc/stack.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/check.h"
#include "tests/lib/model.h"
#include "tests/lib/rng.h"

_Static_assert(sizeof(struct sta_stack) == 16 + 2 * sizeof(void *),
               "two words, a base, a log");

enum { MEMORY_BYTES = 64 << 20 };

static unsigned char *memory;
static struct sta_source_span span;
static struct sta_source_counter counter;
static struct sta_stack_chain chain;

static void make_chain_over(struct sta_source source)
{
    sta_stack_chain_init(&chain, sta_source_counting(&counter, source));
}

static void make_chain(size_t size)
{
    make_chain_over(sta_source_buffer(&span, memory, size));
}

/* The C library's memory, which may be given back in any order. */
static void *libc_get(void *ctx, size_t *size, size_t align)
{
    (void)ctx;
    *size = (*size + align - 1) & ~(align - 1);
    return aligned_alloc(align, *size);
}

static void libc_give(void *ctx, void *p, size_t size)
{
    (void)ctx, (void)size;
    free(p);
}

/* --- one stack ----------------------------------------------------------- */

static void compare(const struct sta_stack *s, const struct model *m)
{
    struct sta_usage usage;
    REQUIRE(sta_stack_audit(s) == STA_OK);
    for (uint32_t i = 0; i < 64; i++)
        REQUIRE((s->used >> i & 1) == (m->units[i] == '#'));
    sta_stack_usage(s, &usage);
    CHECK(sta_stack_longest(s) == model_largest(m));
    CHECK(usage.free_bytes == (size_t)model_free_count(m) << s->unit_log2);
    CHECK(sta_stack_is_empty(s) == (model_free_count(m) == 64));
}

/* Random operations on one stack whose memory begins `skew` bytes in. */
static void test_stack(unsigned unit_log2, size_t skew, uint32_t seed)
{
    struct sta_stack s;
    struct model m;
    struct rng rng = {seed};
    size_t length[64] = {0}; /* units of the block that begins there */
    sta_stack_init(&s, memory + skew, unit_log2);
    model_init(&m, 64);
    model_extend(&m, 64);
    m.phase = (uint32_t)((uintptr_t)s.base >> unit_log2) & 0xFFFF;
    bool unit_aligned = skew % (1u << unit_log2) == 0;
    for (uint32_t step = 0; step < 3000; step++) {
        uint32_t at = rng_below(&rng, 64);
        size_t size = rng_log(&rng, 70u << unit_log2);
        size_t units = ((size - 1) >> unit_log2) + 1;
        unsigned char *p = s.base + ((size_t)at << unit_log2);
        check_context("unit 2^%u seed %u step %u", unit_log2, seed, step);
        if (rng_below(&rng, 100) < (step / 50 % 2 ? 35 : 60)) {
            size_t align = unit_aligned ? (size_t)1 << rng_below(&rng, 12) : 1;
            size_t step_units = align >> unit_log2 ? align >> unit_log2 : 1;
            uint32_t place = model_fit(&m, (uint32_t)units,
                                       (uint32_t)step_units, UINT32_MAX);
            p = sta_stack_alloc(&s, size, align);
            CHECK(p == (place == MODEL_NONE
                            ? NULL
                            : s.base + ((size_t)place << unit_log2)));
            if (p) {
                CHECK((uintptr_t)p % align == 0 && sta_stack_owns(&s, p));
                length[place] = units;
                model_set(&m, place, (uint32_t)units, '#');
            }
        } else if (rng_below(&rng, 2)) {
            uint32_t room = model_length(&m, at + (uint32_t)length[at], '.');
            bool fits = length[at] && units <= length[at] + room;
            CHECK(sta_stack_resize(&s, p, size) == fits);
            if (fits) {
                model_set(&m, at, (uint32_t)length[at], '.');
                model_set(&m, at, (uint32_t)units, '#');
                length[at] = units;
            }
        } else {
            CHECK(sta_stack_usable_size(&s, p) == length[at] << unit_log2);
            CHECK(unit_log2 == 0 || sta_stack_free(&s, p + 1) == 0);
            CHECK(sta_stack_free(&s, p) == length[at] << unit_log2);
            CHECK(sta_stack_free(&s, p) == 0);
            model_set(&m, at, (uint32_t)length[at], '.');
            length[at] = 0;
        }
        compare(&s, &m);
    }
    model_destroy(&m);
}

/* --- the chain ----------------------------------------------------------- */

struct block {
    unsigned char *p;
    size_t size, align;
    unsigned char fill;
};

static bool holds(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i += i < 64 ? 1 : 61) {
        if (b->p[i] != b->fill)
            return false;
    }
    return b->p[size - 1] == b->fill;
}

static void test_chain(uint32_t size_max, uint32_t seed)
{
    enum { LIVE = 400 };
    struct block live[LIVE];
    struct rng rng = {seed};
    struct sta_usage usage;
    uint32_t count = 0;
    make_chain_over((struct sta_source){.get = libc_get, .give = libc_give});
    for (uint32_t step = 0; step < 6000; step++) {
        struct block *b = &live[rng_below(&rng, count ? count : 1)];
        uint32_t what = rng_below(&rng, 100);
        size_t size = rng_log(&rng, size_max);
        check_context("sizes to %u seed %u step %u", size_max, seed, step);
        if (count == 0 || (what < (step / 500 % 2 ? 30 : 60) && count < LIVE)) {
            b = &live[count++];
            *b = (struct block){NULL, size, (size_t)1 << rng_below(&rng, 9),
                                (unsigned char)step};
            b->p = sta_stack_chain_alloc(&chain, size, b->align);
            REQUIRE(b->p && (uintptr_t)b->p % b->align == 0);
            CHECK(sta_stack_chain_usable_size(&chain, b->p) >= size);
            memset(b->p, b->fill, size);
        } else if (what < 70) {
            size_t least = size < b->size ? size : b->size;
            b->p = sta_stack_chain_realloc(&chain, b->p, size, b->align);
            REQUIRE(b->p && (uintptr_t)b->p % b->align == 0);
            CHECK(holds(b, least));
            b->size = size;
            memset(b->p, b->fill, size);
        } else {
            CHECK(holds(b, b->size));
            CHECK(sta_stack_chain_free(&chain, b->p) == STA_OK);
            *b = live[--count];
        }
        REQUIRE(sta_stack_chain_audit(&chain) == STA_OK);
        sta_stack_chain_usage(&chain, &usage);
        CHECK(usage.live_blocks == count);
        CHECK(usage.capacity_bytes <= counter.out_bytes);
        CHECK((usage.free_bytes == usage.capacity_bytes) == (count == 0));
    }
    while (count-- > 0) {
        CHECK(holds(&live[count], live[count].size));
        CHECK(sta_stack_chain_free(&chain, live[count].p) == STA_OK);
    }
    CHECK(sta_stack_chain_audit(&chain) == STA_OK);
    sta_stack_chain_usage(&chain, &usage);
    CHECK(usage.free_bytes == usage.capacity_bytes);
    /* An empty stack of each class is kept, at worst in a span of its own. */
    CHECK(counter.out_bytes <= STA_STACK_CLASSES * STA_STACK_BLOCK_BYTES);
    sta_stack_chain_trim(&chain);
    CHECK(counter.out_bytes == 0);
    CHECK(sta_stack_chain_audit(&chain) == STA_OK);
}

/* Units of 64 bytes that begin 8 behind a multiple of 64. */
static void test_units_that_are_not_aligned(void)
{
    struct sta_stack s;
    check_context("units not aligned");
    sta_stack_init(&s, memory + 8, 6);
    CHECK(sta_stack_alloc(&s, 100, 8) == memory + 8);
    CHECK(!sta_stack_alloc(&s, 100, 16));
    CHECK(!sta_stack_alloc(&s, 100, 64));
    CHECK(sta_stack_alloc(&s, 100, 4) == memory + 8 + 128);
    CHECK(sta_stack_audit(&s) == STA_OK);
}

static void test_misuse_is_refused(void)
{
    check_context("misuse");
    make_chain(MEMORY_BYTES);
    unsigned char *p = sta_stack_chain_alloc(&chain, 20, 1);
    unsigned char *large = sta_stack_chain_alloc(&chain, 1 << 20, 1);
    REQUIRE(p && large);
    CHECK(sta_stack_chain_free(&chain, NULL) == STA_OK);
    CHECK(sta_stack_chain_free(&chain, p + 1) == STA_EINVAL);
    CHECK(sta_stack_chain_free(&chain, p + 8) == STA_EINVAL);
    CHECK(sta_stack_chain_free(&chain, large + 8) == STA_EINVAL);
    /* What is read as a header there are the contents of the block. */
    for (int value = 0; value < 256; value += 51) {
        memset(large, value, 1 << 20);
        for (size_t at = 64; at < 1 << 20; at += 100000)
            CHECK(sta_stack_chain_free(&chain, large + at) == STA_EINVAL);
    }
    CHECK(sta_stack_chain_usable_size(&chain, NULL) == 0);
    unsigned char *page = p - (uintptr_t)p % 512;
    CHECK(sta_stack_chain_free(&chain, page) == STA_EINVAL);
    page = p - (uintptr_t)p % STA_STACK_BLOCK_BYTES;
    CHECK(sta_stack_chain_free(&chain, page) == STA_EINVAL);
    CHECK(!sta_stack_chain_realloc(&chain, p + 8, 100, 1));
    CHECK(!sta_stack_chain_resize(&chain, p, 0));
    /* Free units behind the stack that p lies in. */
    unsigned char *behind = sta_stack_chain_alloc(&chain, 100000, 1);
    CHECK(sta_stack_chain_free(&chain, behind) == STA_OK);
    for (size_t at = 0; at < 100000; at += 512)
        CHECK(sta_stack_chain_free(&chain, behind + at) == STA_EINVAL);
    CHECK(sta_stack_chain_free(&chain, p) == STA_OK);
    CHECK(sta_stack_chain_free(&chain, p) == STA_EINVAL);
    CHECK(sta_stack_chain_free(&chain, large) == STA_OK);
    CHECK(!sta_stack_chain_alloc(&chain, 0, 1));
    CHECK(!sta_stack_chain_alloc(&chain, 8, 0));
    CHECK(!sta_stack_chain_alloc(&chain, 8, 24));
    CHECK(!sta_stack_chain_alloc(&chain, 8, 256 << 10));
    CHECK(!sta_stack_chain_alloc(&chain, SIZE_MAX, 1));
    CHECK(sta_stack_chain_audit(&chain) == STA_OK);
}

/* A large block comes to lie where spans of stacks began, and were left. */
static void test_headers_of_the_past(void)
{
    void *p[4];
    check_context("headers of the past");
    make_chain(MEMORY_BYTES);
    for (int i = 0; i < 4; i++)
        REQUIRE((p[i] = sta_stack_chain_alloc(&chain, 200 << 10, 1)));
    for (int i = 0; i < 4; i++)
        CHECK(sta_stack_chain_free(&chain, p[i]) == STA_OK);
    CHECK(sta_stack_chain_trim(&chain) == STA_STACK_BLOCK_BYTES);
    unsigned char *large = sta_stack_chain_alloc(&chain, 800 << 10, 1);
    REQUIRE(large);
    for (int i = 1; i < 4; i++)
        CHECK(sta_stack_chain_free(&chain, p[i]) == STA_EINVAL);
    CHECK(sta_stack_chain_free(&chain, large) == STA_OK);
    CHECK(sta_stack_chain_audit(&chain) == STA_OK);
}

/* A refusal does not look at the 16,384 stacks there are for an empty one: that
 * would be half a millisecond each time. */
static void test_refusals_of_a_full_heap(void)
{
    unsigned count = 0;
    check_context("full heap");
    make_chain(MEMORY_BYTES);
    while (sta_stack_chain_alloc(&chain, 100, 1))
        count++;
    CHECK(count > MEMORY_BYTES / 140);
    clock_t before = clock();
    for (int i = 0; i < 50000; i++)
        CHECK(!sta_stack_chain_alloc(&chain, 20, 1));
    CHECK(clock() - before < 5 * CLOCKS_PER_SEC);
    CHECK(sta_stack_chain_audit(&chain) == STA_OK);
}

/* The source fails at the k-th call: what was there is there. */
static void test_refusals_of_the_source(void)
{
    for (size_t k = 0; k < 8; k++) {
        struct sta_source_fault fault;
        struct sta_source buffer =
            sta_source_buffer(&span, memory, MEMORY_BYTES);
        size_t had = 0;
        check_context("failing at %zu", k);
        sta_stack_chain_init(&chain,
                             sta_source_failing(&fault, buffer, k, true));
        for (int i = 0; i < 2000; i++) {
            size_t size = (size_t)1 << i % 17;
            void *p = sta_stack_chain_alloc(&chain, size, 1);
            had += p != NULL;
            REQUIRE(sta_stack_chain_audit(&chain) == STA_OK);
        }
        CHECK(had == 1999);
    }
}

/* --- faults -------------------------------------------------------------- */

/* A mask of 64 units came out as 0: two blocks at one place. */
static void t3(void)
{
    struct sta_stack s;
    check_context("T3");
    sta_stack_init(&s, memory, 12);
    unsigned char *p = sta_stack_alloc(&s, 256 << 10, 4096);
    CHECK(p == memory && sta_stack_resize(&s, p, 16 << 10));
    unsigned char *q = sta_stack_alloc(&s, 4096, 1);
    CHECK(sta_stack_free(&s, q) == 4096);
    unsigned char *r = sta_stack_alloc(&s, 4096, 1);
    CHECK(r == memory + (16 << 10));
    CHECK(sta_stack_audit(&s) == STA_OK);
}

/* A block grown to the whole stack left it full for ever when freed. */
static void t3b(void)
{
    struct sta_stack s;
    check_context("T3b");
    sta_stack_init(&s, memory, 12);
    unsigned char *p = sta_stack_alloc(&s, 200 << 10, 1);
    CHECK(sta_stack_resize(&s, p, 256 << 10));
    CHECK(sta_stack_free(&s, p) == 256 << 10);
    CHECK(sta_stack_is_empty(&s));
    CHECK(sta_stack_alloc(&s, 256 << 10, 1) == memory);
}

/* Requests that could not be aligned used the source up. */
static void t5(void)
{
    check_context("T5");
    make_chain(MEMORY_BYTES);
    for (int i = 0; i < 2000; i++) {
        void *p = sta_stack_chain_alloc(&chain, 8, 8192);
        REQUIRE(p && (uintptr_t)p % 8192 == 0);
    }
    CHECK(counter.get_count <= 2000 / 31 + 1);
    make_chain(0);
    for (int i = 0; i < 2000; i++)
        CHECK(!sta_stack_chain_alloc(&chain, 8, 8192));
    CHECK(sta_stack_chain_audit(&chain) == STA_OK && chain.source_bytes == 0);
}

/* A block of the source that became free ended the program. */
static void t7(void)
{
    void *p[4];
    check_context("T7");
    make_chain(MEMORY_BYTES);
    for (int i = 0; i < 4; i++)
        p[i] = sta_stack_chain_alloc(&chain, 200 << 10, 1);
    CHECK(counter.get_count == 4 && counter.give_count == 0);
    for (int i = 0; i < 4; i++)
        CHECK(sta_stack_chain_free(&chain, p[i]) == STA_OK);
    CHECK(counter.give_count == 3);
    CHECK(sta_stack_chain_trim(&chain) == STA_STACK_BLOCK_BYTES);
    CHECK(counter.out_bytes == 0);
}

int main(void)
{
    static const uint32_t sizes[] = {60, 600, 6000, 60000, 600000};
    memory = aligned_alloc(1 << 20, MEMORY_BYTES);
    REQUIRE(memory);
    test_stack(0, 0, 1);
    test_stack(0, 3, 2);
    test_stack(3, 64, 3);
    test_stack(6, 4096 - 64, 4);
    test_stack(12, 0, 5);
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++)
        test_chain(sizes[i], i);
    test_units_that_are_not_aligned();
    test_misuse_is_refused();
    test_headers_of_the_past();
    test_refusals_of_a_full_heap();
    test_refusals_of_the_source();
    t3();
    t3b();
    t5();
    t7();
    free(memory);
    return check_status();
}
