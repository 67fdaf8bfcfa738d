/* SPDX-License-Identifier: MIT */
/*
 * What the decorators do besides keeping the contract: who serves what in a
 * chain, when a lock is held, what is counted, written, refused.
 */
#include <stalloc/arena.h>
#include <stalloc/chain.h>
#include <stalloc/sync.h>
#include <stalloc/watch.h>
#include <stalloc/zone.h>

#include <string.h>
#include <sys/mman.h>

#include "tests/lib/check.h"
#include "tests/lib/text.h"

static _Alignas(64) unsigned char near_memory[256], far_memory[4096];
static struct sta_arena near_arena, far_arena;

static struct sta_allocator make_near(void)
{
    REQUIRE(sta_arena_init(&near_arena, near_memory, sizeof near_memory, 16) ==
            STA_OK);
    return sta_arena_allocator(&near_arena);
}

static struct sta_allocator make_far(void)
{
    REQUIRE(sta_arena_init(&far_arena, far_memory, sizeof far_memory, 16) ==
            STA_OK);
    return sta_arena_allocator(&far_arena);
}

/* --- chain ---------------------------------------------------------------- */

static void chain_serves_from_the_first_that_can(void)
{
    struct sta_chain chain;
    struct sta_allocator a;
    char *p, *q;

    CHECK(sta_chain_init(&chain, make_near(), make_far()) == STA_OK);
    a = sta_chain_allocator(&chain);
    p = sta_allocator_alloc(&a, 200, 1);
    q = sta_allocator_alloc(&a, 200, 1);
    CHECK(sta_arena_owns(&near_arena, p) && sta_arena_owns(&far_arena, q));
    CHECK(sta_allocator_owns(&a, p) && sta_allocator_owns(&a, q));
    CHECK(!sta_allocator_owns(&a, &a));
    sta_allocator_free(&a, p, 200, 1);
    sta_allocator_free(&a, q, 200, 1);
    CHECK(sta_arena_is_empty(&near_arena) && sta_arena_is_empty(&far_arena));
}

static void chain_migrates_a_block_that_cannot_grow(void)
{
    struct sta_chain chain;
    struct sta_allocator a;
    char *p, *grown;

    CHECK(sta_chain_init(&chain, make_near(), make_far()) == STA_OK);
    a = sta_chain_allocator(&chain);
    p = sta_allocator_alloc(&a, 100, 1);
    memset(p, 'x', 100);
    grown = sta_allocator_realloc(&a, p, 100, 1000, 1);
    CHECK(sta_arena_owns(&far_arena, grown));
    CHECK(sta_arena_is_empty(&near_arena)); /* the old place is free again */
    CHECK(grown[0] == 'x' && grown[99] == 'x');
    CHECK(!sta_allocator_realloc(&a, grown, 1000, 10000, 1));
    CHECK(grown[99] == 'x');
    sta_allocator_free(&a, grown, 1000, 1);
    CHECK(sta_arena_is_empty(&far_arena));
}

static void chains_chain(void)
{
    static _Alignas(64) unsigned char third_memory[128];
    struct sta_arena third;
    struct sta_chain inner, outer;
    struct sta_allocator a;

    REQUIRE(sta_arena_init(&third, third_memory, sizeof third_memory, 16) ==
            STA_OK);
    CHECK(sta_chain_init(&inner, make_near(), make_far()) == STA_OK);
    CHECK(sta_chain_init(&outer, sta_arena_allocator(&third),
                         sta_chain_allocator(&inner)) == STA_OK);
    a = sta_chain_allocator(&outer);
    CHECK(sta_arena_owns(&third, sta_allocator_alloc(&a, 100, 1)));
    CHECK(sta_arena_owns(&near_arena, sta_allocator_alloc(&a, 100, 1)));
    CHECK(sta_arena_owns(&far_arena, sta_allocator_alloc(&a, 2000, 1)));
}

/* A first allocator that cannot tell its own would be handed others' blocks. */
static void chain_needs_a_first_that_owns(void)
{
    static struct sta_zone zone;
    struct sta_zone_config config = {0};
    struct sta_chain chain;
    struct sta_sync sync;
    struct sta_lock_ops lock = {0};

    CHECK(sta_zone_init(&zone, &config) == STA_OK);
    CHECK(sta_chain_init(&chain, sta_zone_allocator(&zone), make_far()) ==
          STA_EINVAL);
    sta_sync_init(&sync, sta_zone_allocator(&zone), lock);
    CHECK(sta_chain_init(&chain, sta_sync_allocator(&sync), make_far()) ==
          STA_EINVAL);
}

/* A slab is asked about blocks of the second allocator too, round about which
 * there need be no memory. */
static void chain_of_a_slab_reads_its_own_pages_only(void)
{
    enum { PAGE = 1 << 18 };
    static unsigned char pages[3 * PAGE];
    unsigned char *page = pages + (-(uintptr_t)pages & (PAGE - 1)), *room;
    struct sta_slab slab;
    struct sta_chain chain;
    struct sta_allocator a;
    void *p, *q;

    room = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(room != MAP_FAILED);
    room += -(uintptr_t)room & (PAGE - 1);
    REQUIRE(mprotect(room, PAGE / 4, PROT_READ | PROT_WRITE) == 0);
    REQUIRE(sta_arena_init(&far_arena, room, PAGE / 4, 16) == STA_OK);
    CHECK(sta_slab_init(&slab, 64, 16, PAGE) == STA_OK);
    CHECK(sta_slab_refill(&slab, page) == STA_OK);
    CHECK(sta_slab_refill(&slab, page + PAGE) == STA_OK);
    CHECK(sta_chain_init(&chain, sta_slab_allocator(&slab),
                         sta_arena_allocator(&far_arena)) == STA_OK);
    a = sta_chain_allocator(&chain);
    p = sta_allocator_alloc(&a, 64, 16);
    q = sta_allocator_alloc(&a, 65, 16);
    CHECK(sta_allocator_owns(&a, p) && sta_slab_owns(&slab, p));
    CHECK(sta_arena_owns(&far_arena, q) && !sta_allocator_owns(&a, &a));
    q = sta_allocator_realloc(&a, q, 65, 300, 16);
    sta_allocator_free(&a, q, 300, 16);
    sta_allocator_free(&a, p, 64, 16);
    CHECK(sta_arena_is_empty(&far_arena) && sta_slab_audit(&slab) == STA_OK);
}

/* --- sync ----------------------------------------------------------------- */

static int depth, locks;

static void lock(void *ctx)
{
    CHECK(ctx == &depth);
    CHECK(depth++ == 0);
    locks++;
}

static void unlock(void *ctx)
{
    CHECK(ctx == &depth);
    CHECK(--depth == 0);
}

static void sync_locks_each_call_and_a_batch_once(void)
{
    struct sta_sync sync;
    struct sta_allocator a;
    const struct sta_allocator *inner;
    void *p[8];

    locks = 0;
    sta_sync_init(&sync, make_far(),
                  (struct sta_lock_ops){lock, unlock, &depth});
    a = sta_sync_allocator(&sync);
    p[0] = sta_allocator_alloc(&a, 10, 1);
    sta_allocator_free(&a, p[0], 10, 1);
    CHECK(locks == 2 && depth == 0);
    CHECK(sta_allocator_audit(&a) == STA_OK && locks == 3);

    inner = sta_sync_begin(&sync);
    CHECK(depth == 1 && locks == 4);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        p[i] = sta_allocator_alloc(inner, 20, 1);
    for (size_t i = 0; i < COUNT_OF(p); i++)
        sta_allocator_free(inner, p[i], 20, 1);
    CHECK(depth == 1 && locks == 4);
    sta_sync_end(&sync);
    CHECK(depth == 0 && sta_arena_is_empty(&far_arena));
}

/* --- counting, tracing, failing ------------------------------------------- */

static void counting_counts(void)
{
    struct sta_counting c;
    struct sta_allocator a = sta_counting_init(&c, make_far());
    void *p = sta_allocator_alloc(&a, 100, 1);
    void *q = sta_allocator_alloc(&a, 50, 1);

    CHECK(!sta_allocator_alloc(&a, 10000, 1));
    CHECK(sta_allocator_resize(&a, q, 50, 300, 1));
    CHECK(!sta_allocator_resize(&a, p, 100, 200, 1)); /* q is in the way */
    sta_allocator_free(&a, p, 100, 1);
    CHECK(c.alloc_count == 2 && c.free_count == 1 && c.fail_count == 1);
    CHECK(c.resize_count == 1 && c.live_bytes == 300 && c.peak_bytes == 400);
    sta_allocator_free(&a, q, 300, 1);
    CHECK(c.live_bytes == 0);
}

/* What is freed by no size must count as what was allocated by one. */
static void counting_knows_sizes_that_are_not_told(void)
{
    static _Alignas(8) unsigned char index[1024];
    struct sta_counting c;
    struct sta_allocator a;
    void *p;

    REQUIRE(sta_arena_init_indexed(&far_arena, far_memory, sizeof far_memory,
                                   16, index, sizeof index) == STA_OK);
    a = sta_counting_init(&c, sta_arena_allocator(&far_arena));
    p = sta_allocator_alloc(&a, 20, 1);
    CHECK(c.live_bytes == 32);
    sta_allocator_free(&a, p, STA_SIZE_UNKNOWN, 1);
    CHECK(c.live_bytes == 0 && c.peak_bytes == 32);
    p = sta_allocator_alloc(&a, 20, 1);
    CHECK(sta_allocator_resize(&a, p, STA_SIZE_UNKNOWN, 50, 1));
    CHECK(c.live_bytes == 64);
    sta_allocator_free(&a, p, 50, 1);
    CHECK(c.live_bytes == 0 && c.peak_bytes == 64);
}

static void tracing_writes_a_line_a_call(void)
{
    struct text t = {.length = 0};
    struct sta_tracing tracing;
    struct sta_allocator a =
        sta_tracing_init(&tracing, make_near(), text_writer(&t));
    void *p = sta_allocator_alloc(&a, 30, 8);
    char expected[400];

    CHECK(!sta_allocator_resize(&a, p, 30, 5000, 8));
    CHECK(!sta_allocator_alloc(&a, 5000, 8));
    sta_allocator_free(&a, p, 30, 8);
    snprintf(expected, sizeof expected,
             "alloc 30 align 8 = %p\n"
             "resize %p 30 to 5000 align 8 = no\n"
             "alloc 5000 align 8 = 0x0\n"
             "free %p 30 align 8\n",
             p, p, p);
    CHECK(!strcmp(t.bytes, expected));
}

static void failing_fails_the_kth(void)
{
    struct sta_failing f;
    struct sta_allocator a = sta_failing_init(&f, make_far(), 2, true);

    CHECK(sta_allocator_alloc(&a, 10, 1) && sta_allocator_alloc(&a, 10, 1));
    CHECK(!sta_allocator_alloc(&a, 10, 1));
    CHECK(sta_allocator_alloc(&a, 10, 1));
    a = sta_failing_init(&f, make_far(), 0, false);
    CHECK(!sta_allocator_alloc(&a, 10, 1) && !sta_allocator_alloc(&a, 10, 1));
    CHECK(sta_arena_is_empty(&far_arena));
}

/* --- what the generic half answers for others ----------------------------- */

static void usage_dump_and_text(void)
{
    struct text t = {.length = 0};
    struct sta_writer out = text_writer(&t);
    struct sta_allocator_ops bare = {0};
    struct sta_allocator a = make_far(), nothing = {&bare, NULL};
    struct sta_usage usage = sta_allocator_usage(&a);

    CHECK(usage.capacity_bytes == sizeof far_memory);
    CHECK(usage.free_bytes == sizeof far_memory && usage.free_runs == 1);
    CHECK(sta_allocator_usage(&nothing).free_bytes == STA_USAGE_UNKNOWN);
    CHECK(sta_allocator_audit(&nothing) == STA_OK);
    CHECK(sta_allocator_good_size(&nothing, 7) == 7);
    CHECK(!sta_allocator_owns(&nothing, &t));
    sta_allocator_dump(&nothing, &out);
    CHECK(t.length == 0);
    sta_writer_number(&out, UINT64_MAX);
    sta_writer_text(&out, NULL);
    sta_writer_number(&out, 0);
    CHECK(!strcmp(t.bytes, "184467440737095516150"));
    for (int err = STA_OK; err <= STA_ECORRUPT; err++)
        CHECK(strcmp(sta_err_text((enum sta_err)err), "unknown"));
}

int main(void)
{
    chain_serves_from_the_first_that_can();
    chain_migrates_a_block_that_cannot_grow();
    chains_chain();
    chain_needs_a_first_that_owns();
    chain_of_a_slab_reads_its_own_pages_only();
    sync_locks_each_call_and_a_batch_once();
    counting_counts();
    counting_knows_sizes_that_are_not_told();
    tracing_writes_a_line_a_call();
    failing_fails_the_kth();
    usage_dump_and_text();
    return check_status();
}
