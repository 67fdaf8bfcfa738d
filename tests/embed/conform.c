/* SPDX-License-Identifier: MIT */
/*
 * The contract of struct sta_allocator, checked for one allocator after the
 * other: alignment, disjointness, contents kept by resize, refusals without
 * side effects, exhaustion and recovery, free-all restores the initial state,
 * and the k-th failure of the source for every k.
 *
 * It runs on bare machines too, so it neither prints nor allocates: blocks are
 * remembered in a static table, and what fails is reported by line.
 */
#include "tests/embed/conform.h"

#include "tests/lib/rng.h"

enum { LIVE_MAX = 20000, ENOUGH_BYTES = 1 << 19 };

static struct live {
    unsigned char *p;
    size_t size, align;
    unsigned seed;
} live[LIVE_MAX];

static unsigned live_count;
static const struct subject *subject;
static struct sta_allocator a;
static conform_report *report_failure;
static unsigned failures;

static void expect(bool ok, const char *promise, int line)
{
    if (ok)
        return;
    if (failures++ < 20)
        report_failure(subject->name, promise, line);
}

#define EXPECT(promise) expect((promise), #promise, __LINE__)

/* --- blocks that know their contents -------------------------------------- */

static unsigned char content(unsigned seed, size_t i)
{
    return (unsigned char)(seed * 131 + i * 7 + (i >> 8));
}

static void fill(const struct live *b)
{
    for (size_t i = 0; i < b->size; i++)
        b->p[i] = content(b->seed, i);
}

static bool is_intact(const unsigned char *p, unsigned seed, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != content(seed, i))
            return false;
    return true;
}

static bool try_add(size_t size, size_t align)
{
    static unsigned seed;
    unsigned char *p = sta_allocator_alloc(&a, size, align);

    if (!p)
        return false;
    EXPECT((uintptr_t)p % align == 0);
    live[live_count] = (struct live){p, size, align, seed++};
    fill(&live[live_count++]);
    return true;
}

static void remove_at(unsigned i)
{
    struct live b = live[i];

    EXPECT(is_intact(b.p, b.seed, b.size));
    sta_allocator_free(&a, b.p, b.size, b.align);
    live[i] = live[--live_count];
}

/* Frees all blocks, from the newest to the oldest, or by a stride. */
static void remove_all(bool scrambled)
{
    struct rng rng = {live_count};

    while (live_count)
        remove_at(scrambled ? rng_below(&rng, live_count) : live_count - 1);
}

static bool all_are_intact(void)
{
    for (unsigned i = 0; i < live_count; i++)
        if (!is_intact(live[i].p, live[i].seed, live[i].size))
            return false;
    return true;
}

static void begin_with(struct sta_source source)
{
    a = subject->make(source);
    live_count = 0;
    EXPECT(a.ops != NULL);
}

static void begin(void)
{
    begin_with(test_source());
}

static bool is_sound(void)
{
    return sta_allocator_audit(&a) == STA_OK;
}

/* Nothing is live: the figures must say so. */
static void expect_empty(void)
{
    struct sta_usage usage = sta_allocator_usage(&a);

    EXPECT(is_sound());
    EXPECT(usage.live_blocks == 0 || usage.live_blocks == STA_USAGE_UNKNOWN);
    if (subject->traits & (ANY_ORDER | GIVES))
        EXPECT(usage.free_bytes == usage.capacity_bytes ||
               usage.free_bytes == STA_USAGE_UNKNOWN);
    if (subject->traits & GIVES) {
        subject->trim();
        EXPECT(test_source_bytes_out() == 0);
        EXPECT(is_sound());
    }
}

/* --- promises ------------------------------------------------------------- */

static void refuses_what_can_never_be(void)
{
    unsigned char *p;

    begin();
    EXPECT(!sta_allocator_alloc(&a, 0, 1));
    EXPECT(!sta_allocator_alloc(&a, 1, 0));
    EXPECT(!sta_allocator_alloc(&a, 1, 3));
    EXPECT(!sta_allocator_alloc(&a, 1, 24));
    EXPECT(!sta_allocator_alloc(&a, SIZE_MAX, 1));
    EXPECT(!sta_allocator_alloc(&a, SIZE_MAX - 15, 16));
    EXPECT(!sta_allocator_alloc(&a, SIZE_MAX / 2 + 1, 1));
    EXPECT(!sta_allocator_alloc(&a, 1, SIZE_MAX / 2 + 1));
    EXPECT(!sta_allocator_alloc(&a, TEST_MEMORY_BYTES * 2u, 1));
    sta_allocator_free(&a, NULL, 10, 1);
    EXPECT(is_sound());
    expect_empty();

    EXPECT(try_add(100, 4));
    p = live[0].p;
    EXPECT(!sta_allocator_resize(&a, p, 100, 0, 4));
    EXPECT(!sta_allocator_resize(&a, p, 100, SIZE_MAX, 4));
    EXPECT(!sta_allocator_resize(&a, p, 100, TEST_MEMORY_BYTES * 2u, 4));
    EXPECT(!sta_allocator_realloc(&a, p, 100, 0, 4));
    EXPECT(!sta_allocator_realloc(&a, p, 100, SIZE_MAX - 7, 4));
    if (!a.ops->usable_size) {
        sta_allocator_free(&a, p, STA_SIZE_UNKNOWN, 4);
        EXPECT(!sta_allocator_resize(&a, p, STA_SIZE_UNKNOWN, 120, 4));
        EXPECT(!sta_allocator_realloc(&a, p, STA_SIZE_UNKNOWN, 50, 4));
    }
    EXPECT(is_sound());
    EXPECT(is_intact(p, live[0].seed, 100));
    remove_all(false);
    expect_empty();
}

static void aligns(void)
{
    static const size_t sizes[] = {1, 2, 7, 8, 16, 17, 100, 192};

    begin();
    for (size_t align = 1; align <= subject->align_max; align *= 2)
        for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
            EXPECT(try_add(sizes[i], align) || align > 64);
    EXPECT(is_sound());
    for (unsigned i = 0; i < live_count; i++) {
        const struct live *b = &live[i];

        EXPECT(!a.ops->owns || sta_allocator_owns(&a, b->p));
        EXPECT(!a.ops->usable_size ||
               a.ops->usable_size(a.ctx, b->p) >= b->size);
    }
    /* A slab reads what would be its page. */
    EXPECT(!sta_allocator_owns(&a, &live[LIVE_MAX / 2]));
    EXPECT(all_are_intact());
    remove_all(true);
    expect_empty();
}

static void good_size_is_what_one_gets(void)
{
    begin();
    for (size_t size = 1; size <= subject->size_max; size += 1 + size / 5) {
        size_t good = sta_allocator_good_size(&a, size);

        EXPECT(good >= size);
        EXPECT(try_add(size, 1));
        if (a.ops->good_size && a.ops->usable_size && live_count)
            EXPECT(a.ops->usable_size(a.ctx, live[0].p) >= good);
        remove_all(false);
    }
    expect_empty();
}

/* Random sizes until it is full; then everything again, in another order. */
static void blocks_are_disjoint(void)
{
    struct rng rng = {3};
    size_t limit = subject->size_max < 3000 ? subject->size_max : 3000;

    begin();
    for (int round = 0; round < 3; round++) {
        while (
            live_count < LIVE_MAX / 8 &&
            try_add(rng_log(&rng, (uint32_t)limit), 1u << rng_below(&rng, 5)))
            ;
        EXPECT(live_count > 20);
        EXPECT(all_are_intact());
        EXPECT(is_sound());
        for (unsigned i = live_count / 2; i > 0; i--)
            remove_at(rng_below(&rng, live_count));
        EXPECT(is_sound());
    }
    remove_all(true);
    expect_empty();
}

static void resize_keeps_contents(void)
{
    struct rng rng = {4};
    size_t limit = subject->size_max < 5000 ? subject->size_max : 5000;

    begin();
    for (int i = 0; i < 8; i++)
        EXPECT(try_add(1 + rng_below(&rng, 100), 8));
    for (int step = 0; step < 2000 && live_count; step++) {
        struct live *b = &live[rng_below(&rng, live_count)];
        size_t size = rng_log(&rng, (uint32_t)limit), kept;
        bool moves = rng_below(&rng, 2);
        unsigned char *p = b->p;

        kept = size < b->size ? size : b->size;
        if (moves)
            p = sta_allocator_realloc(&a, b->p, b->size, size, b->align);
        else if (!sta_allocator_resize(&a, b->p, b->size, size, b->align))
            p = NULL;
        if (!p) { /* refused: nothing may have changed */
            EXPECT(is_intact(b->p, b->seed, b->size));
            continue;
        }
        EXPECT((uintptr_t)p % b->align == 0);
        EXPECT(is_intact(p, b->seed, kept));
        b->p = p;
        b->size = size;
        fill(b);
        if (step % 50 == 0)
            EXPECT(all_are_intact() && is_sound());
    }
    EXPECT(all_are_intact());
    remove_all(true);
    expect_empty();
}

static void zeroes(void)
{
    unsigned char *p;

    begin();
    EXPECT(try_add(150, 8));
    remove_all(false); /* leaves its contents behind */
    p = sta_allocator_zalloc(&a, 100, 8);
    EXPECT(p != NULL);
    for (int i = 0; i < 100 && p; i++)
        EXPECT(p[i] == 0);
    if (p)
        __builtin_memset(p, 1, 100);
    p = sta_allocator_zrealloc(&a, p, 100, 180, 8);
    EXPECT(p != NULL);
    for (int i = 0; i < 180 && p; i++)
        EXPECT(p[i] == (i < 100));
    sta_allocator_free(&a, p, 180, 8);
    expect_empty();
}

/* How many blocks of a size there are; they stay live. */
static unsigned exhaust(size_t size)
{
    while (live_count < LIVE_MAX && try_add(size, 1))
        ;
    EXPECT(live_count < LIVE_MAX);
    return live_count;
}

static void exhaustion_and_recovery(void)
{
    static const size_t sizes[] = {192, 40, 1000};

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        static struct sta_source_quota quota;
        unsigned count;

        if (sizes[i] > subject->size_max)
            continue;
        /* not all there is: some take time in the number of blocks */
        begin_with(sta_source_limit(&quota, test_source(), ENOUGH_BYTES));
        count = exhaust(sizes[i]);
        EXPECT(count > 0);
        EXPECT(is_sound() && all_are_intact());
        remove_at(count / 2); /* one freed is one to be had */
        EXPECT(try_add(sizes[i], 1));
        for (int round = 0; round < 3; round++) {
            remove_all(round == 1);
            EXPECT(exhaust(sizes[i]) == count);
        }
        remove_all(true);
        expect_empty();
        if (subject->traits & ANY_ORDER)
            EXPECT(try_add(subject->size_max, 1));
        remove_all(false);
    }
}

/* What blocks of one size had can be had in blocks of another: as many of each
 * as a new allocator has. */
static void serves_one_size_after_another(void)
{
    static const size_t sizes[] = {40, 192, 1000, 70};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    static struct sta_source_quota quota;
    unsigned counts[COUNT] = {0};

    if (!(subject->traits & (ANY_ORDER | GIVES)))
        return;
    for (unsigned i = 0; i < COUNT && sizes[i] <= subject->size_max; i++) {
        begin_with(sta_source_limit(&quota, test_source(), ENOUGH_BYTES));
        counts[i] = exhaust(sizes[i]);
        remove_all(false);
    }
    begin_with(sta_source_limit(&quota, test_source(), ENOUGH_BYTES));
    for (unsigned i = 0; i < COUNT && sizes[i] <= subject->size_max; i++) {
        EXPECT(exhaust(sizes[i]) == counts[i]);
        remove_all(i % 2);
    }
    expect_empty();
}

/* --- the k-th failure of the source --------------------------------------- */

/* True when the request fits beside the others of a life. */
static bool is_modest(size_t size)
{
    if (subject->traits & GROWS)
        return size <= subject->size_max;
    return size <= subject->size_max / 8 || size <= 100;
}

/* A life of an allocator; false when something was refused. */
static bool live_a_life(void)
{
    static const size_t sizes[] = {10, 3000, 100, 40, 20000, 700, 100, 60000};
    bool ok = true;

    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (is_modest(sizes[i]))
            ok &= try_add(sizes[i], 16);
    if (live_count) {
        struct live *b = &live[live_count / 2];
        size_t size = b->size * 3;
        unsigned char *p =
            sta_allocator_realloc(&a, b->p, b->size, size, b->align);

        if (p) {
            EXPECT(is_intact(p, b->seed, b->size));
            b->p = p;
            b->size = size;
            fill(b);
        }
        ok &= p || !is_modest(size);
    }
    EXPECT(all_are_intact());
    EXPECT(is_sound());
    return ok;
}

static void survives_each_failure_of_its_source(void)
{
    bool complete = false;

    for (size_t k = 0; k < 200 && !complete; k++) {
        static struct sta_source_fault fault;

        live_count = 0;
        a = subject->make(sta_source_failing(&fault, test_source(), k, true));
        if (!a.ops)
            continue;
        complete = live_a_life();
        remove_all(true);
        expect_empty();
        complete &= fault.countdown < 200; /* it never came to fail */
        if (complete)
            break;
        EXPECT(live_a_life()); /* now it has all it needs */
        remove_all(false);
        expect_empty();
    }
    EXPECT(complete);
}

unsigned conform(const struct subject *s, conform_report *report)
{
    subject = s;
    report_failure = report;
    failures = 0;
    refuses_what_can_never_be();
    aligns();
    good_size_is_what_one_gets();
    blocks_are_disjoint();
    resize_keeps_contents();
    zeroes();
    exhaustion_and_recovery();
    serves_one_size_after_another();
    survives_each_failure_of_its_source();
    return failures;
}
