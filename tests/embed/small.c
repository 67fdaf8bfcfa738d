/* SPDX-License-Identifier: MIT */
/*
 * sta_bump, sta_seg and sta_freelist: what each alone promises, and the faults
 * L1 to L10 of lite-alloc 0.1.0 by their id.
 *
 * How it could fail: a block reused without its alignment; the rest of a cut
 * block lost or counted twice; a resize in place that leaves a size behind
 * which its free does not know; spans taken for neighbours that are none; a
 * rewind that keeps a block or takes one from before the mark.
 */
#include <stalloc/bump.h>
#include <stalloc/freelist.h>
#include <stalloc/seg.h>

#include <string.h>

#include "tests/lib/check.h"
#include "tests/lib/rng.h"

enum { BUMP, SEG, FREELIST, KINDS };

static const char *const names[KINDS] = {"bump", "seg", "freelist"};

static _Alignas(4096) unsigned char memory[1 << 22];
static struct sta_source_span span;
static struct sta_source_counter counter;
static struct sta_bump bump;
static struct sta_seg seg;
static struct sta_freelist freelist;

/* A source that hands out spans of the buffer with gaps between them. */
static void *gaps_get(void *ctx, size_t *size, size_t align)
{
    const struct sta_source *buffer = ctx;
    size_t gap = 64;
    sta_source_get(buffer, &gap, 16);
    return sta_source_get(buffer, size, align);
}

/* Makes an empty allocator of the kind over `size` bytes of memory. */
static struct sta_allocator make(int kind, size_t size, size_t span_size)
{
    memset(memory, 0xCC, 1 << 16);
    struct sta_source source =
        sta_source_counting(&counter, sta_source_buffer(&span, memory, size));
    check_context("%s", names[kind]);
    if (kind == BUMP) {
        sta_bump_init(&bump, source, span_size);
        return sta_bump_allocator(&bump);
    }
    if (kind == SEG) {
        sta_seg_init(&seg, source, span_size);
        return sta_seg_allocator(&seg);
    }
    sta_freelist_init(&freelist, source, span_size);
    return sta_freelist_allocator(&freelist);
}

/* Memory used again without its alignment. */
static void l1(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    for (size_t align = 32; align <= 4096; align *= 2) {
        void *first = sta_allocator_alloc(&a, 16, 16);
        void *p = sta_allocator_alloc(&a, 256, 16);
        sta_allocator_free(&a, p, 256, 16);
        void *q = sta_allocator_alloc(&a, 64, align);
        CHECK(q && (uintptr_t)q % align == 0);
        sta_allocator_free(&a, q, 64, align);
        sta_allocator_free(&a, first, 16, 16);
        CHECK(sta_allocator_audit(&a) == STA_OK);
    }
}

/* A large block that once served a small one was small for ever. */
static void l2(int kind)
{
    struct sta_allocator a = make(kind, 1 << 18, 4096);
    void *large = sta_allocator_alloc(&a, 65536, 16);
    sta_allocator_free(&a, large, 65536, 16);
    void *small = sta_allocator_alloc(&a, 16, 16);
    sta_allocator_free(&a, small, 16, 16);
    CHECK(large && sta_allocator_alloc(&a, 65536, 16) == large);
}

/* Spans were taken for neighbours: two allocators on one source overlapped. */
static void l3(int kind)
{
    struct sta_source buffer = sta_source_buffer(&span, memory, sizeof memory);
    struct sta_source gaps = {.get = gaps_get, .ctx = &buffer};
    unsigned char *p[2][40];
    struct sta_allocator a[2];
    struct sta_bump bumps[2];
    struct sta_seg segs[2];
    struct sta_freelist lists[2];
    check_context("%s", names[kind]);
    for (int k = 0; k < 2; k++) {
        sta_bump_init(&bumps[k], gaps, 256);
        sta_seg_init(&segs[k], gaps, 256);
        sta_freelist_init(&lists[k], gaps, 256);
        a[k] = kind == BUMP  ? sta_bump_allocator(&bumps[k])
               : kind == SEG ? sta_seg_allocator(&segs[k])
                             : sta_freelist_allocator(&lists[k]);
    }
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 2; k++) {
            p[k][i] = sta_allocator_alloc(&a[k], 100, 16);
            REQUIRE(p[k][i]);
            memset(p[k][i], 2 * i + k, 100);
        }
    }
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 2; k++) {
            CHECK(p[k][i][0] == 2 * i + k && p[k][i][99] == 2 * i + k);
            sta_allocator_free(&a[k], p[k][i], 100, 16);
            CHECK(sta_allocator_audit(&a[k]) == STA_OK);
        }
    }
}

/* A block grown at the top was freed as larger than it had become. */
static void l6(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    void *p = sta_allocator_alloc(&a, 16, 16);
    p = sta_allocator_realloc(&a, p, 16, 100, 16);
    unsigned char *live = sta_allocator_alloc(&a, 16, 16);
    REQUIRE(p && live);
    memset(live, 0x77, 16);
    sta_allocator_free(&a, p, 100, 16);
    void *q = sta_allocator_alloc(&a, 128, 16);
    REQUIRE(q);
    memset(q, 0, 128);
    for (int i = 0; i < 16; i++)
        CHECK(live[i] == 0x77);
}

/* A shrink that moved copied the old size into the new block. */
static void l9(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    unsigned char *hole = sta_allocator_alloc(&a, 16, 16);
    unsigned char *live = sta_allocator_alloc(&a, 256, 16);
    unsigned char *p = sta_allocator_alloc(&a, 256, 16);
    REQUIRE(sta_allocator_alloc(&a, 16, 16));
    memset(live, 0x55, 256);
    memset(p, 0x66, 256);
    sta_allocator_free(&a, hole, 16, 16);
    CHECK(sta_allocator_realloc(&a, p, 256, 16, 16) == p);
    for (int i = 0; i < 256; i++)
        CHECK(live[i] == 0x55);
    CHECK(p[0] == 0x66 && p[15] == 0x66);
}

/* The loop of the original's benchmark ate the heap up. */
static void l10(int kind)
{
    struct sta_allocator a = make(kind, 1 << 18, 65536);
    void *p[700] = {NULL};
    size_t size[700];
    uint32_t random = 0xDEADBEEF;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 700; i++) {
            random = random * 1664525 + 1013904223;
            size[i] = 8 + random % (i < 500 ? 249 : 121);
            p[i] = sta_allocator_alloc(&a, size[i], 8);
            REQUIRE(p[i]);
            if (i == 499) {
                for (int k = 0; k < 500; k += 2)
                    sta_allocator_free(&a, p[k], size[k], 8);
            }
        }
        for (int i = 0; i < 700; i++) {
            if (i >= 500 || i % 2)
                sta_allocator_free(&a, p[i], size[i], 8);
        }
    }
    CHECK(sta_allocator_audit(&a) == STA_OK);
}

/*
 * A free block that is not aligned as asked hides others that are: the same two
 * requests, freed in the same order, must not take new memory each time.
 */
static void aligned_again(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    REQUIRE(sta_allocator_alloc(&a, 16, 16));
    void *skew = sta_allocator_alloc(&a, 64, 16);
    REQUIRE(skew && (uintptr_t)skew % 64 != 0);
    sta_allocator_free(&a, skew, 64, 16);
    for (int round = 0; round < 2000; round++) {
        void *p = sta_allocator_alloc(&a, 64, 64);
        void *q = sta_allocator_alloc(&a, 64, 16);
        REQUIRE(p && q && (uintptr_t)p % 64 == 0);
        sta_allocator_free(&a, p, 64, 64);
        sta_allocator_free(&a, q, 64, 16);
    }
    CHECK(counter.out_bytes == 4096);
    CHECK(sta_allocator_audit(&a) == STA_OK);
}

/* What is refused changes nothing, and the source is not asked. */
static void refusals(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    CHECK(!sta_allocator_alloc(&a, 0, 8));
    CHECK(!sta_allocator_alloc(&a, 8, 0));
    CHECK(!sta_allocator_alloc(&a, 8, 24));
    CHECK(!sta_allocator_alloc(&a, SIZE_MAX, 8));
    CHECK(!sta_allocator_alloc(&a, SIZE_MAX / 2, SIZE_MAX / 2 + 1));
    CHECK(!sta_allocator_alloc(&a, 8, SIZE_MAX / 2 + 1));
    CHECK(counter.get_count == 0 && counter.fail_count == 0);
    CHECK(!sta_allocator_alloc(&a, 1 << 17, 8));
    CHECK(counter.fail_count == 1);
    void *p = sta_allocator_alloc(&a, 100, 8);
    CHECK(p && !sta_allocator_resize(&a, p, 100, 0, 8));
    CHECK(!sta_allocator_resize(&a, p, 100, SIZE_MAX, 8));
    CHECK(!sta_allocator_realloc(&a, p, 100, 1 << 17, 8));
    sta_allocator_free(&a, p, 100, 8);
    sta_allocator_free(&a, NULL, 100, 8);
    CHECK(sta_allocator_audit(&a) == STA_OK);
    CHECK(sta_allocator_alloc(&a, 100, 8) == p);
}

/* The newest block grows and shrinks where it is. */
static void top_resizes(int kind)
{
    struct sta_allocator a = make(kind, 1 << 16, 4096);
    void *below = sta_allocator_alloc(&a, 64, 16);
    void *p = sta_allocator_alloc(&a, 32, 16);
    CHECK(sta_allocator_resize(&a, p, 32, 64, 16));
    CHECK(sta_allocator_resize(&a, p, 64, 2000, 16));
    CHECK(sta_allocator_resize(&a, p, 2000, 32, 16));
    CHECK(!sta_allocator_resize(&a, below, 64, 128, 16));
    void *next = sta_allocator_alloc(&a, 32, 16);
    CHECK((unsigned char *)next == (unsigned char *)p + 32);
    CHECK(!sta_allocator_resize(&a, p, 32, 64, 16));
}

struct block {
    unsigned char *p;
    size_t size, align;
    unsigned char fill;
};

static bool holds(const struct block *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (b->p[i] != b->fill)
            return false;
    }
    return true;
}

/* Random operations, contents checked and everything audited at each step. */
static void random_steps(int kind)
{
    enum { LIVE = 100 };
    struct sta_allocator a = make(kind, sizeof memory, 4096);
    struct block live[LIVE];
    struct rng rng = {(uint64_t)kind};
    uint32_t count = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        struct block *b = &live[rng_below(&rng, count ? count : 1)];
        uint32_t what = rng_below(&rng, 10);
        size_t size = rng_log(&rng, 3000);
        check_context("%s step %u", names[kind], step);
        if (count == 0 || (what < 5 && count < LIVE)) {
            b = &live[count++];
            *b = (struct block){NULL, size, (size_t)1 << rng_below(&rng, 9),
                                (unsigned char)step};
            b->p = sta_allocator_alloc(&a, size, b->align);
            REQUIRE(b->p && (uintptr_t)b->p % b->align == 0);
        } else if (what < 7) {
            size_t least = size < b->size ? size : b->size;
            b->p = sta_allocator_realloc(&a, b->p, b->size, size, b->align);
            REQUIRE(b->p && (uintptr_t)b->p % b->align == 0);
            CHECK(holds(b, least));
            b->size = size;
        } else {
            CHECK(holds(b, b->size));
            sta_allocator_free(&a, b->p, b->size, b->align);
            *b = live[--count];
            b = &live[0];
        }
        if (count > 0)
            memset(b->p, b->fill, b->size);
        if (step % 64 == 0)
            CHECK(sta_allocator_audit(&a) == STA_OK);
    }
    while (count-- > 0) {
        CHECK(holds(&live[count], live[count].size));
        sta_allocator_free(&a, live[count].p, live[count].size,
                           live[count].align);
    }
    CHECK(sta_allocator_audit(&a) == STA_OK);
    if (kind == FREELIST)
        CHECK(sta_allocator_usage(&a).free_runs == 1);
}

/* Frees since the mark and spans since the mark are undone; nothing else. */
static void test_rewind(void)
{
    struct sta_usage before, after;
    make(BUMP, 1 << 16, 1024);
    void *hole = sta_bump_alloc(&bump, 48, 8);
    unsigned char *kept = sta_bump_alloc(&bump, 100, 8);
    REQUIRE(hole && kept);
    memset(kept, 0x33, 100);
    sta_bump_free(&bump, hole, 48);
    /* Three spans, and the largest free piece in the middle one. */
    void *large = sta_bump_alloc(&bump, 3000, 8);
    void *above = sta_bump_alloc(&bump, 3000, 8);
    REQUIRE(large && above && sta_bump_resize(&bump, above, 3000, 2000));
    sta_bump_free(&bump, large, 3000);
    size_t counted = counter.out_bytes;
    for (int round = 0; round < 100; round++) {
        sta_bump_usage(&bump, &before);
        struct sta_bump_point outer = sta_bump_mark(&bump);
        for (int i = 0; i < 30; i++) {
            void *p = sta_bump_alloc(&bump, 100, 8);
            REQUIRE(p);
            memset(p, 0x44, 100);
            struct sta_bump_point inner = sta_bump_mark(&bump);
            void *q = sta_bump_alloc(&bump, 300, 8);
            REQUIRE(q);
            memset(q, 0x44, 300);
            if (i % 3)
                sta_bump_rewind(&bump, inner);
            else
                sta_bump_free(&bump, q, 300);
        }
        CHECK(counter.out_bytes > counted);
        sta_bump_rewind(&bump, outer);
        sta_bump_usage(&bump, &after);
        CHECK(before.free_bytes == after.free_bytes);
        CHECK(before.free_runs == after.free_runs);
        CHECK(before.capacity_bytes == after.capacity_bytes);
        CHECK(sta_bump_audit(&bump) == STA_OK);
        for (int i = 0; i < 100; i++)
            CHECK(kept[i] == 0x33);
    }
    sta_bump_reset(&bump);
    CHECK(counter.out_bytes == 0);
    REQUIRE(sta_bump_alloc(&bump, 100, 8));
}

static void test_reset(void)
{
    make(SEG, 1 << 16, 1024);
    for (int i = 0; i < 30; i++)
        REQUIRE(sta_seg_alloc(&seg, 100, 8));
    CHECK(counter.out_bytes > 3000);
    sta_seg_reset(&seg);
    CHECK(counter.out_bytes == 0);
    REQUIRE(sta_seg_alloc(&seg, 100, 8));
}

/* What lies in front of an aligned block serves others, and is not lost. */
static void test_gaps(void)
{
    static const size_t aligns[] = {16, 1024, 32, 256};
    void *p[64];
    struct sta_usage usage;
    size_t taken = 0;
    int count = 0;
    struct sta_allocator a = make(SEG, 1 << 16, 1 << 15);
    for (; count < 64; count++) {
        size_t align = aligns[count % 4];
        p[count] = sta_seg_alloc(&seg, 16, align);
        if (!p[count])
            break;
        taken += align; /* a power of two, and more than the size */
        sta_seg_usage(&seg, &usage);
        CHECK(usage.free_bytes + taken == usage.capacity_bytes);
        CHECK(sta_allocator_audit(&a) == STA_OK);
    }
    CHECK(count == 64);
    while (count-- > 0)
        sta_seg_free(&seg, p[count], 16, aligns[count % 4]);
    sta_seg_usage(&seg, &usage);
    CHECK(usage.free_bytes == usage.capacity_bytes);
}

/* Frees in any order give one piece, from which the largest can be had. */
static void test_merging(void)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t k = 0; k < COUNT_OF(orders); k++) {
        void *p[3];
        make(FREELIST, 1 << 16, 4096);
        for (int i = 0; i < 3; i++)
            p[i] = sta_freelist_alloc(&freelist, 128, 16);
        REQUIRE(sta_freelist_alloc(&freelist, 16, 16));
        for (int i = 0; i < 3; i++)
            sta_freelist_free(&freelist, p[orders[k][i]], 128);
        CHECK(sta_freelist_alloc(&freelist, 384, 16) == p[0]);
        CHECK(sta_freelist_audit(&freelist) == STA_OK);
    }
}

int main(void)
{
    static void (*const tests[])(int kind) = {
        l1,       l2,          l3,          l6, l9, l10, aligned_again,
        refusals, top_resizes, random_steps};
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        for (int kind = 0; kind < KINDS; kind++)
            tests[i](kind);
    }
    test_rewind();
    test_reset();
    test_gaps();
    test_merging();
    return check_status();
}
