/* SPDX-License-Identifier: MIT */
/*
 * The arena in both forms, against drawings and against the oracle.
 *
 * How it could fail: the inline paths and the general ones leave different
 * states; a run at the very end, or the only one, is cut or merged wrongly; an
 * alignment counts block numbers instead of addresses; a resize writes into the
 * neighbour; what was refused has changed something.
 */
#include <stalloc/arena.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/check.h"
#include "tests/lib/model.h"
#include "tests/lib/rng.h"
#include "tests/lib/text.h"

_Static_assert(sizeof(STA_ARENA_FIXED(2, 4)) == 12, "a heap of 12 bytes");
_Static_assert(sizeof(STA_ARENA_FIXED(8, 4)) == 8 * 4 + 4, "4 bytes in all");
_Static_assert(sizeof(STA_ARENA_FIXED(200, 4)) == 200 * 4 + 4, "4 in all");
_Static_assert(sizeof(STA_ARENA_FIXED(80, 8)) <= 80 * 8 + 8, "up to alignment");
_Static_assert(sizeof(STA_ARENA_FIXED(1, 1024)) <= 1024 + 1024, "the same");

enum form { IN_BAND, INDEXED, FORMS };

/* An arena over memory of its own, whose first block is not aligned. */
struct bench {
    struct sta_arena arena;
    unsigned char *memory, *index;
};

static void bench_init(struct bench *b, enum form form, size_t count,
                       size_t block, size_t skew)
{
    size_t size = count * block;
    size_t index_size = sta_arena_index_bytes(count);
    b->memory = aligned_alloc(4096, (size + skew + 4095) & ~(size_t)4095);
    b->index = malloc(index_size);
    REQUIRE(b->memory && b->index);
    memset(b->index, 0xA5, index_size); /* it need not be zero */
    if (form == IN_BAND)
        REQUIRE(sta_arena_init(&b->arena, b->memory + skew, size, block) ==
                STA_OK);
    else
        REQUIRE(sta_arena_init_indexed(&b->arena, b->memory + skew, size, block,
                                       b->index, index_size) == STA_OK);
}

static void bench_destroy(struct bench *b)
{
    sta_arena_destroy(&b->arena);
    free(b->memory);
    free(b->index);
}

static void *at(const struct sta_arena *a, size_t i)
{
    return a->blocks + (i << a->block_log2);
}

static size_t number(const struct sta_arena *a, const void *p)
{
    return p ? (size_t)((const unsigned char *)p - a->blocks) >> a->block_log2
             : SIZE_MAX;
}

/* Compares whole states: every free run, and all that can be asked. */
static void compare(const struct sta_arena *a, const struct model *m)
{
    struct sta_usage usage;
    size_t from = 0, runs = 0;
    REQUIRE(sta_arena_audit(a) == STA_OK);
    for (;;) {
        size_t count = 0;
        size_t i = sta_arena_next_free(a, from, &count);
        uint32_t expected = model_next(m, (uint32_t)from);
        REQUIRE(i == (expected == MODEL_NONE ? SIZE_MAX : expected));
        if (i == SIZE_MAX)
            break;
        REQUIRE(count == model_length(m, expected, '.'));
        from = i + count;
        runs++;
    }
    sta_arena_usage(a, &usage);
    CHECK(usage.free_runs == runs);
    CHECK(usage.capacity_bytes == m->count << a->block_log2);
    CHECK(usage.free_bytes == (size_t)model_free_count(m) << a->block_log2);
    CHECK(usage.largest_free_bytes == (size_t)model_largest(m)
                                          << a->block_log2);
    CHECK(sta_arena_is_oom(a) == (model_free_count(m) == 0));
    CHECK(sta_arena_is_empty(a) == (model_free_count(m) == m->count));
}

enum operation { ALLOC, FREE, RESIZE, GROW };

struct row {
    const char *name;
    const char *before; /* a letter is one allocation, '.' is free */
    enum operation operation;
    size_t first; /* block number to free or resize; alignment to allocate */
    size_t count, new_count;
    size_t expect; /* block number, truth, or length */
    const char *after;
};

#define NONE SIZE_MAX

static const struct row rows[] = {
    {"takes_the_lowest_run_that_fits", "a.bb...c....", ALLOC, 1, 3, 0, 4,
     "#.#####"
     "#...."},
    {"leaves_the_gap_before_alignment", "a...........", ALLOC, 4, 2, 0, 4,
     "#...##......"},
    {"takes_a_middle_and_leaves_both_ends", "a.......b", ALLOC, 4, 3, 0, 4,
     "#...###.#"},
    {"takes_the_whole_arena", "........", ALLOC, 1, 8, 0, 0, "########"},
    {"takes_the_tail_exactly", "a...", ALLOC, 1, 3, 0, 1, "####"},
    {"takes_the_last_run_exactly_with_a_hole_before", ".ab..", ALLOC, 1, 2, 0,
     3, ".####"},
    {"aligned_tail_exactly", "a.......", ALLOC, 4, 4, 0, 4, "#...####"},
    {"fails_and_changes_nothing", "a.b.c.d.", ALLOC, 1, 2, 0, NONE, "#.#.#.#."},
    {"more_than_there_is", "........", ALLOC, 1, 9, 0, NONE, "........"},
    {"no_blocks_at_all", "........", ALLOC, 1, 0, 0, NONE, "........"},
    {"an_alignment_that_is_none", "........", ALLOC, 3, 1, 0, NONE, "........"},
    {"alignment_0", "........", ALLOC, 0, 1, 0, NONE, "........"},
    {"a_count_that_overflows", "........", ALLOC, 1, SIZE_MAX, 0, NONE,
     "........"},
    {"an_alignment_that_overflows", "........", ALLOC, SIZE_MAX / 2 + 1, 1, 0,
     NONE, "........"},
    {"an_alignment_beyond_the_memory", "........", ALLOC, (SIZE_MAX >> 8) + 1,
     1, 0, NONE, "........"},
    {"free_merges_both_sides", "a..bb...", FREE, 3, 2, 0, 1, "#......."},
    {"free_merges_below", "a..bbc..", FREE, 3, 2, 0, 1, "#....#.."},
    {"free_merges_above", "a.cbb...", FREE, 3, 2, 0, 1, "#.#....."},
    {"free_merges_nothing", "a.cbbd..", FREE, 3, 2, 0, 1, "#.#..#.."},
    {"free_of_the_first", "abb.", FREE, 0, 1, 0, 1, ".##."},
    {"free_below_the_lowest", "aabb.", FREE, 0, 2, 0, 1, "..##."},
    {"free_in_a_full_arena", "abcd", FREE, 2, 1, 0, 1, "##.#"},
    {"free_of_all", "aaaa", FREE, 0, 4, 0, 1, "...."},
    {"a_double_free_is_refused", "a..b", FREE, 1, 1, 0, 0, "#..#"},
    {"a_free_of_a_free_block_is_refused", "a..b", FREE, 2, 1, 0, 0, "#..#"},
    {"a_free_over_free_blocks_is_refused", "aa..", FREE, 0, 3, 0, 0, "##.."},
    {"a_free_beyond_the_end_is_refused", "..aa", FREE, 2, 3, 0, 0, "..##"},
    {"grows_into_part_of_a_run", "aa....", RESIZE, 0, 2, 4, 1, "####.."},
    {"grows_into_a_whole_run", "aa..bb", RESIZE, 0, 2, 4, 1, "######"},
    {"grows_into_the_last_run", "a.bb..", RESIZE, 2, 2, 4, 1, "#.####"},
    {"does_not_grow_over_a_neighbour", "aa..bb", RESIZE, 0, 2, 5, 0, "##..##"},
    {"does_not_grow_beyond_the_end", "..aa", RESIZE, 2, 2, 3, 0, "..##"},
    {"shrinks", "aaaa", RESIZE, 0, 4, 1, 1, "#..."},
    {"shrinks_before_a_free_run", "aaaa..b", RESIZE, 0, 4, 2, 1, "##....#"},
    {"keeps_its_size", ".aa.", RESIZE, 1, 2, 2, 1, ".##."},
    {"does_not_shrink_to_nothing", ".aa.", RESIZE, 1, 2, 0, 0, ".##."},
    {"grows_as_far_as_there_is_room", "aa...b", GROW, 0, 2, 100, 5, "######"},
    {"grows_no_further_than_asked", "aa....", GROW, 0, 2, 3, 3, "###..."},
    {"grows_not_at_all", "aab...", GROW, 0, 2, 9, 2, "###..."},
    {"grow_up_to_does_not_shrink", "aa....", GROW, 0, 2, 1, 2, "##...."},
};

/* Makes an arena what a drawing shows, by whole allocations. */
static void draw(struct sta_arena *a, struct model *m, const char *drawing)
{
    size_t count = strlen(drawing);
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && drawing[i + n] == drawing[i]; n++)
            ;
        REQUIRE(sta_arena_alloc_blocks(a, n, 1) == at(a, i));
        model_set(m, (uint32_t)i, (uint32_t)n, '#');
    }
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && drawing[i + n] == drawing[i]; n++)
            ;
        if (drawing[i] != '.')
            continue;
        REQUIRE(sta_arena_free_blocks(a, at(a, i), n) == STA_OK);
        model_set(m, (uint32_t)i, (uint32_t)n, '.');
    }
    compare(a, m);
}

static void run_row(const struct row *row, enum form form)
{
    struct bench b;
    struct sta_arena *a = &b.arena;
    struct model m;
    size_t count = strlen(row->before);
    check_context("%s, form %d", row->name, form);
    bench_init(&b, form, count, 16, 0);
    model_init(&m, (uint32_t)count);
    model_extend(&m, (uint32_t)count);
    draw(a, &m, row->before);
    void *p = row->operation == ALLOC ? NULL : at(a, row->first);
    switch (row->operation) {
    case ALLOC:
        CHECK(number(a, sta_arena_alloc_blocks(a, row->count, row->first)) ==
              row->expect);
        break;
    case FREE:
        CHECK(sta_arena_free_blocks(a, p, row->count) ==
              (row->expect ? STA_OK : STA_EINVAL));
        break;
    case RESIZE:
        CHECK(sta_arena_resize_blocks(a, p, row->count, row->new_count) ==
              (row->expect != 0));
        break;
    case GROW:
        CHECK(sta_arena_grow_up_to(a, p, row->count, row->new_count) ==
              row->expect);
        break;
    }
    model_draw(&m, row->after);
    compare(a, &m);
    bench_destroy(&b);
    model_destroy(&m);
}

/* What is live in the random test. */
struct live {
    unsigned char *p;
    size_t size;
    unsigned char fill;
};

enum { LIVE_MAX = 300 };

struct state {
    struct bench bench;
    struct model model;
    struct live live[LIVE_MAX];
    uint32_t live_count;
    unsigned char fill;
};

static bool holds(const struct live *l, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (l->p[i] != l->fill)
            return false;
    }
    return true;
}

static void mark(struct state *s, const struct live *l, size_t size, char as)
{
    const struct sta_arena *a = &s->bench.arena;
    model_set(&s->model, (uint32_t)number(a, l->p),
              (uint32_t)sta_arena_blocks(a, size), as);
}

static void random_alloc(struct state *s, struct rng *rng, enum form form)
{
    struct sta_arena *a = &s->bench.arena;
    struct live *l = &s->live[s->live_count];
    size_t size = rng_log(rng, (uint32_t)(a->block_count << a->block_log2));
    size_t align = (size_t)1 << (rng_below(rng, 3) ? rng_below(rng, 4)
                                                   : rng_below(rng, 13));
    size_t count = sta_arena_blocks(a, size);
    size_t blocks = align >> a->block_log2 ? align >> a->block_log2 : 1;
    uint32_t expected = model_fit(&s->model, (uint32_t)count, (uint32_t)blocks,
                                  form == IN_BAND ? UINT32_MAX : 16);
    l->p = sta_arena_alloc(a, size, align);
    CHECK(number(a, l->p) == (expected == MODEL_NONE ? SIZE_MAX : expected));
    if (!l->p)
        return;
    CHECK((uintptr_t)l->p % align == 0);
    CHECK(sta_arena_owns(a, l->p));
    CHECK(form == IN_BAND ||
          sta_arena_usable_size(a, l->p) == count << a->block_log2);
    l->size = size;
    l->fill = ++s->fill;
    memset(l->p, l->fill, size);
    mark(s, l, size, '#');
    s->live_count++;
}

static void random_resize(struct state *s, struct rng *rng, struct live *l)
{
    struct sta_arena *a = &s->bench.arena;
    size_t size = rng_log(rng, (uint32_t)(4 * l->size));
    size_t least = size < l->size ? size : l->size;
    bool move = rng_below(rng, 2);
    unsigned char *p = move ? sta_arena_realloc(a, l->p, l->size, size, 1)
                       : sta_arena_resize(a, l->p, l->size, size) ? l->p
                                                                  : NULL;
    if (!p) {
        CHECK(holds(l, l->size));
        return;
    }
    mark(s, l, l->size, '.');
    *l = (struct live){p, size, l->fill};
    CHECK(holds(l, least));
    memset(p, l->fill, size);
    mark(s, l, size, '#');
}

static void test_random(enum form form, size_t count, size_t block, size_t skew,
                        uint32_t seed)
{
    struct state s = {.live_count = 0};
    struct rng rng = {seed};
    bench_init(&s.bench, form, count, block, skew);
    struct sta_arena *a = &s.bench.arena;
    model_init(&s.model, (uint32_t)a->block_count);
    model_extend(&s.model, (uint32_t)a->block_count);
    s.model.phase = (uint32_t)((uintptr_t)a->blocks >> a->block_log2) & 0xFFFF;
    for (uint32_t step = 0; step < 1500; step++) {
        uint32_t bias = step / 100 % 2 ? 30 : 55;
        check_context("form %d blocks %zu seed %u step %u", form, count, seed,
                      step);
        if (s.live_count == 0 ||
            (rng_below(&rng, 100) < bias && s.live_count < LIVE_MAX)) {
            random_alloc(&s, &rng, form);
        } else {
            struct live *l = &s.live[rng_below(&rng, s.live_count)];
            CHECK(holds(l, l->size));
            if (rng_below(&rng, 3) == 0) {
                random_resize(&s, &rng, l);
            } else {
                bool told = form == IN_BAND || rng_below(&rng, 2);
                mark(&s, l, l->size, '.');
                CHECK(sta_arena_free(a, l->p, told ? l->size : 0) == STA_OK);
                *l = s.live[--s.live_count];
            }
        }
        compare(a, &s.model);
    }
    sta_arena_clear(a);
    CHECK(sta_arena_is_empty(a) && sta_arena_audit(a) == STA_OK);
    CHECK(sta_arena_alloc_blocks(a, a->block_count, 1) == a->blocks);
    bench_destroy(&s.bench);
    model_destroy(&s.model);
}

static void test_init_refuses(void)
{
    struct sta_arena a;
    _Alignas(64) unsigned char memory[256];
    _Alignas(8) unsigned char index[1024];
    check_context("init");
    CHECK(sta_arena_init(&a, memory, 256, 3) == STA_EINVAL);
    CHECK(sta_arena_init(&a, memory, 256, 2) == STA_EINVAL);
    CHECK(sta_arena_init(&a, memory, 256, 0) == STA_EINVAL);
    CHECK(sta_arena_init(&a, memory, 15, 16) == STA_ENOMEM);
    CHECK(sta_arena_init(&a, memory + 1, 16, 16) == STA_ENOMEM);
    CHECK(sta_arena_init_indexed(&a, memory, 256, 16, index, 8) == STA_ENOMEM);
    CHECK(sta_arena_init_indexed(&a, memory, 256, 16, index + 1, 900) ==
          STA_EINVAL);
    CHECK(sta_arena_index_bytes(SIZE_MAX) == 0);
    CHECK(sta_arena_init(&a, memory + 1, 255, 16) == STA_OK);
    CHECK(a.block_count == 15 && a.blocks == memory + 16);
    sta_arena_destroy(&a);
}

/* Zero-filled is empty; the smallest heap there is works. */
static void test_fixed(void)
{
    static STA_ARENA_FIXED(2, 4) tiny;
    struct sta_arena a = STA_ARENA(&tiny);
    check_context("fixed");
    CHECK(sta_arena_is_empty(&a) && !sta_arena_is_oom(&a));
    int *x = sta_arena_alloc(&a, 4, 4);
    int *y = sta_arena_alloc(&a, 4, 4);
    REQUIRE(x && y && y == x + 1);
    *x = *y = -1;
    CHECK(sta_arena_is_oom(&a) && !sta_arena_alloc(&a, 1, 1));
    CHECK(sta_arena_free(&a, x, 4) == STA_OK && *y == -1);
    CHECK(sta_arena_alloc(&a, 3, 1) == x);
    CHECK(sta_arena_free(&a, y, 4) == STA_OK);
    CHECK(sta_arena_free(&a, x, 4) == STA_OK);
    CHECK(sta_arena_is_empty(&a) && sta_arena_audit(&a) == STA_OK);
    CHECK(sta_arena_alloc(&a, 8, 1) == x);
}

static void test_dump(void)
{
    static STA_ARENA_FIXED(8, 16) heap;
    struct sta_arena a = STA_ARENA(&heap);
    struct text t = {.length = 0};
    struct sta_writer out = text_writer(&t);
    check_context("dump");
    sta_arena_alloc_blocks(&a, 3, 1);
    void *p = sta_arena_alloc_blocks(&a, 2, 1);
    sta_arena_alloc_blocks(&a, 1, 1);
    sta_arena_free_blocks(&a, p, 2);
    sta_arena_dump(&a, &out);
    CHECK(strcmp(t.bytes, "arena of 8 blocks of 16 bytes\n"
                          "  block 3: 2 free\n  block 6: 2 free\n") == 0);
    t.length = 0;
    sta_arena_alloc_blocks(&a, 2, 1);
    sta_arena_alloc_blocks(&a, 2, 1);
    sta_arena_dump(&a, &out);
    CHECK(strcmp(t.bytes, "arena of 8 blocks of 16 bytes\n"
                          "  no free block\n") == 0);
}

static void count_pieces(void *ctx, const char *text, size_t length)
{
    (void)text, (void)length;
    ++*(size_t *)ctx;
}

/* All the holes an arena in band can have: to look for each from the lowest on
 * would be 500 million steps, a second, each time. */
static void test_many_holes(void)
{
    static STA_ARENA_FIXED(65535, 4) heap;
    struct sta_arena a = STA_ARENA(&heap);
    struct sta_usage usage;
    size_t pieces = 0;
    struct sta_writer out = {count_pieces, &pieces};
    clock_t before = clock();
    check_context("many holes");
    CHECK(sta_arena_alloc_blocks(&a, 65535, 1));
    for (size_t i = 0; i < 65535; i += 2)
        CHECK(sta_arena_free_blocks(&a, at(&a, 65534 - i), 1) == STA_OK);
    for (int i = 0; i < 10; i++)
        sta_arena_usage(&a, &usage);
    CHECK(usage.free_runs == 32768 && usage.free_bytes == 32768 * 4);
    CHECK(usage.largest_free_bytes == 4);
    sta_arena_dump(&a, &out);
    CHECK(pieces >= 32768);
    CHECK(clock() - before < 5 * CLOCKS_PER_SEC);
}

int main(void)
{
    static const size_t counts[] = {1, 2, 3, 17, 64, 65, 130, 600};
    for (int form = IN_BAND; form < FORMS; form++) {
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            run_row(&rows[i], (enum form)form);
        for (size_t i = 0; i < COUNT_OF(counts); i++) {
            test_random((enum form)form, counts[i], 4u << i % 4, i * 48 % 256,
                        (uint32_t)i + 1);
        }
    }
    test_init_refuses();
    test_fixed();
    test_dump();
    test_many_holes();
    return check_status();
}
