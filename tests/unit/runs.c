/* SPDX-License-Identifier: MIT */
/*
 * Free runs against drawings and against the oracle.
 *
 * How it could fail: a run that lies across two words, groups or nodes is not
 * seen or seen twice; a summary is not carried up, so that a search misses what
 * is free or runs into what is not; the cache hides the lowest run from a
 * search that needs more than the cache holds; units beyond the last one count
 * as free; index memory that describes no unit is touched, which for a large
 * reservation would be paid for.
 */
#include "core/runs.h"

#include <stdlib.h>
#include <string.h>

#include "core/bits.h"
#include "tests/lib/check.h"
#include "tests/lib/model.h"
#include "tests/lib/rng.h"

enum { TRIES = 16, GUARD = 0xA5 };

/* The structure under test beside its oracle, and what it does not touch. */
struct pair {
    struct sta_runs runs;
    struct model model;
    unsigned char *index;
    size_t index_bytes;
};

static void make_index(struct pair *p, uint32_t capacity)
{
    p->index_bytes = sta_runs_index_bytes(capacity);
    p->index = malloc(p->index_bytes + 8);
    REQUIRE(p->index);
    memset(p->index, 0, p->index_bytes);
    memset(p->index + p->index_bytes, GUARD, 8);
}

/* Moves the structure to an index for twice as many units. */
static void pair_move(struct pair *p)
{
    struct pair old = *p;
    uint32_t capacity = 2 * p->runs.capacity;
    make_index(p, capacity);
    sta_runs_move(&p->runs, p->index, capacity);
    memset(old.index, GUARD, old.index_bytes);
    free(old.index);
}

static void pair_init(struct pair *p, uint32_t capacity)
{
    make_index(p, capacity);
    sta_runs_init(&p->runs, p->index, capacity);
    model_init(&p->model, capacity);
}

static void pair_destroy(struct pair *p)
{
    for (size_t i = 0; i < 8; i++)
        CHECK(p->index[p->index_bytes + i] == GUARD);
    free(p->index);
    model_destroy(&p->model);
}

/* Makes both what a drawing shows. */
static void pair_draw(struct pair *p, const char *drawing)
{
    uint32_t count = (uint32_t)strlen(drawing);
    pair_init(p, count);
    model_draw(&p->model, drawing);
    sta_runs_extend(&p->runs, count);
    for (uint32_t i = 0; i < count; i++) {
        if (drawing[i] == '#')
            REQUIRE(sta_runs_take(&p->runs, i, 1));
    }
}

/* Compares everything that can be asked; whole states, run by run. */
static void pair_compare(const struct pair *p)
{
    uint32_t from = 0;
    REQUIRE(sta_runs_audit(&p->runs));
    CHECK(sta_runs_units(&p->runs) == p->model.count);
    CHECK(sta_runs_free_units(&p->runs) == model_free_count(&p->model));
    CHECK(sta_runs_largest(&p->runs) == model_largest(&p->model));
    for (uint32_t i = 0; i < p->model.count; i++) {
        uint64_t bits = sta_runs_free_bits(&p->runs, i & ~UINT32_C(63));
        REQUIRE((bits >> i % 64 & 1) == (p->model.units[i] == '.'));
    }
    for (;;) {
        uint32_t count = 0;
        uint32_t first = sta_runs_next(&p->runs, from, &count);
        REQUIRE(first == model_next(&p->model, from));
        if (first == STA_RUNS_NONE)
            return;
        REQUIRE(count == model_length(&p->model, first, '.'));
        from = first + count;
    }
}

/* Prints what is free, as a drawing, when a case has failed. */
static void pair_print(const struct pair *p, const char *what)
{
    for (uint32_t i = 0; i < sta_runs_units(&p->runs); i++)
        fputc(sta_runs_free_at(&p->runs, i) ? '.' : '#', stderr);
    fprintf(stderr, " is, %s %s\n", p->model.units, what);
}

enum operation { ALLOC, TAKE, FREE };

struct row {
    const char *name;
    const char *before;
    enum operation operation;
    uint32_t first, count, align;
    uint32_t expect;
    const char *after;
};

#define NONE STA_RUNS_NONE

static const struct row rows[] = {
    /* name, before, operation, first count align, expect, after */
    {"takes_the_lowest_run_that_fits", "#.##...#....", ALLOC, 0, 3, 1, 4,
     "#.#####"
     "#...."},
    {"prefers_the_lowest_to_the_best", "#....#..####", ALLOC, 0, 2, 1, 1,
     "###..#..####"},
    {"takes_a_run_whole", "..##", ALLOC, 0, 2, 1, 0, "####"},
    {"leaves_the_gap_before_alignment", "#...........", ALLOC, 0, 2, 4, 4,
     "#...##......"},
    {"fits_the_tail_exactly_when_aligned", "#.......", ALLOC, 0, 4, 4, 4,
     "#...####"},
    {"skips_a_run_that_fits_only_unaligned", ".#..#....", ALLOC, 0, 2, 2, 2,
     ".####...."},
    {"passes_over_a_misaligned_hole", "#..#....", ALLOC, 0, 2, 4, 4,
     "#..###.."},
    {"fails_and_changes_nothing", "#.#.#.#.#.#.", ALLOC, 0, 2, 1, NONE,
     "#.#.#.#.#.#."},
    {"fails_when_no_run_can_be_aligned", "#..#...#", ALLOC, 0, 2, 8, NONE,
     "#..#...#"},
    {"fails_when_full", "####", ALLOC, 0, 1, 1, NONE, "####"},
    {"fails_beyond_what_is_free", "....", ALLOC, 0, UINT32_MAX, 1, NONE,
     "...."},
    {"an_alignment_beyond_the_end_is_refused", "#...", ALLOC, 0, 1,
     UINT32_C(1) << 31, NONE, "#..."},
    {"unit_0_has_every_alignment", "....", ALLOC, 0, 1, UINT32_C(1) << 31, 0,
     "#..."},
    {"takes_these_very_units", "........", TAKE, 3, 2, 0, 1, "...##..."},
    {"takes_the_last_unit", "#.......", TAKE, 7, 1, 0, 1, "#......#"},
    {"does_not_take_what_is_used", "..#.....", TAKE, 1, 3, 0, 0, "..#....."},
    {"does_not_take_beyond_the_end", "......", TAKE, 4, 3, 0, 0, "......"},
    {"free_between_two_free_runs_merges_all_three", "#..##...", FREE, 3, 2, 0,
     0, "#......."},
    {"free_at_the_bottom_is_the_lowest_run", "####..#.", FREE, 0, 1, 0, 0,
     ".###..#."},
    {"free_of_part_of_a_run", "#######.", FREE, 2, 3, 0, 0, "##...##."},
    {"free_of_everything", "########", FREE, 0, 8, 0, 0, "........"},
};

static void test_rows(void)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct row *row = &rows[i];
        struct pair p;
        unsigned failures = check_failures;
        check_context("%s", row->name);
        pair_draw(&p, row->before);
        if (row->operation == ALLOC) {
            CHECK(sta_runs_alloc(&p.runs, row->count, row->align) ==
                  row->expect);
        } else if (row->operation == TAKE) {
            CHECK(sta_runs_take(&p.runs, row->first, row->count) ==
                  (row->expect != 0));
        } else {
            CHECK(sta_runs_all_used(&p.runs, row->first, row->count));
            sta_runs_free(&p.runs, row->first, row->count);
        }
        model_draw(&p.model, row->after);
        pair_compare(&p);
        if (check_failures != failures)
            pair_print(&p, "expected");
        pair_destroy(&p);
    }
}

/* One question about a random unit, answered by both. */
static void compare_at(const struct pair *p, uint32_t first, uint32_t count)
{
    uint32_t length = model_length(&p->model, first, '.');
    uint32_t found = 0;
    bool used = first + count <= p->model.count &&
                model_length(&p->model, first, '#') >= count;
    CHECK(sta_runs_free_at(&p->runs, first) == length);
    CHECK(sta_runs_all_used(&p->runs, first, count) == used);
    uint32_t next = sta_runs_next(&p->runs, first, &found);
    CHECK(next == model_next(&p->model, first));
    CHECK(next == NONE || found == model_length(&p->model, next, '.'));
}

/* One random operation on both. `bias` leans to allocation or to freeing. */
static void step(struct pair *p, struct rng *rng, uint32_t bias)
{
    struct model *m = &p->model;
    uint32_t first = rng_below(rng, m->count + 1);
    uint32_t count = rng_log(rng, 1 + m->capacity / (1 + rng_below(rng, 8)));
    uint32_t what = rng_below(rng, 100);
    if (what < 4 && m->count < m->capacity) {
        count = rng_log(rng, m->capacity - m->count);
        sta_runs_extend(&p->runs, count);
        model_extend(m, count);
    } else if (what < 10) {
        bool fits = model_length(m, first, '.') >= count;
        CHECK(sta_runs_take(&p->runs, first, count) == fits);
        if (fits)
            model_set(m, first, count, '#');
    } else if (what < 10 + bias) {
        uint32_t align = rng_below(rng, 3) ? 1 : 1u << rng_below(rng, 11);
        uint32_t place = model_fit(m, count, align, TRIES);
        CHECK(sta_runs_alloc(&p->runs, count, align) == place);
        if (place != NONE)
            model_set(m, place, count, '#');
    } else {
        uint32_t length = model_length(m, first, '#');
        count = count < length ? count : length;
        if (count == 0)
            return;
        sta_runs_free(&p->runs, first, count);
        model_set(m, first, count, '.');
    }
    compare_at(p, first, count);
}

/* Thousands of steps that swing between nearly full and nearly empty. */
static void test_random(uint32_t capacity, uint32_t steps, uint32_t seed)
{
    struct rng rng = {seed};
    struct pair p;
    pair_init(&p, capacity);
    p.model.phase = seed % 2 ? 0 : rng_below(&rng, 5000);
    sta_runs_set_phase(&p.runs, p.model.phase);
    pair_move(&p); /* an empty one */
    pair_compare(&p);
    sta_runs_extend(&p.runs, 1);
    model_extend(&p.model, 1);
    for (uint32_t i = 0; i < steps; i++) {
        check_context("capacity %u seed %u step %u", capacity, seed, i);
        step(&p, &rng, i / 64 % 2 ? 35 : 60);
        if (i % 1000 == 500)
            pair_move(&p);
        pair_compare(&p);
    }
    pair_destroy(&p);
}

/*
 * Holes of one unit everywhere, then runs of many lengths at places around the
 * boundaries of words, groups and nodes: each must be found, and only it.
 */
static void test_boundaries(void)
{
    static const uint32_t edges[] = {64, 512, 1024, 4096, 8192, 32768};
    static const uint32_t lengths[] = {2,   3,   63,  64,  65,   127,
                                       128, 511, 512, 513, 4095, 4100};
    enum { UNITS = 40000 };
    struct pair p;
    pair_init(&p, UNITS);
    sta_runs_extend(&p.runs, UNITS);
    REQUIRE(sta_runs_take(&p.runs, 0, UNITS));
    for (uint32_t i = 0; i < UNITS; i += 2)
        sta_runs_free(&p.runs, i, 1);
    for (size_t e = 0; e < COUNT_OF(edges); e++) {
        for (size_t n = 0; n < COUNT_OF(lengths); n++) {
            uint32_t length = lengths[n] | 1; /* from hole to hole */
            for (uint32_t back = 0; back <= length; back += 1 + length / 5) {
                uint32_t first = (edges[e] > back ? edges[e] - back : 0) & ~1u;
                check_context("edge %u length %u back %u", edges[e], length,
                              back);
                for (uint32_t i = first + 1; i < first + length; i += 2)
                    sta_runs_free(&p.runs, i, 1);
                CHECK(sta_runs_largest(&p.runs) == length);
                CHECK(sta_runs_alloc(&p.runs, length + 1, 1) == NONE);
                REQUIRE(sta_runs_alloc(&p.runs, length, 1) == first);
                CHECK(sta_runs_audit(&p.runs));
                for (uint32_t i = first; i < first + length; i += 2)
                    sta_runs_free(&p.runs, i, 1);
            }
        }
    }
    pair_destroy(&p);
}

/* Runs that are long enough and lie wrong, and a right one behind `wrong`. */
static void test_gives_up(uint32_t wrong, uint32_t soon)
{
    enum { STEP = 4 };
    struct pair p;
    check_context("%u runs that lie wrong", wrong);
    pair_init(&p, (wrong + 1) * STEP);
    sta_runs_extend(&p.runs, (wrong + 1) * STEP);
    for (uint32_t i = 0; i < wrong * STEP; i += STEP) {
        REQUIRE(sta_runs_take(&p.runs, i, 1));
        REQUIRE(sta_runs_take(&p.runs, i + 3, 1));
    }
    REQUIRE(sta_runs_take(&p.runs, wrong * STEP + 2, 2));
    CHECK(sta_runs_alloc_soon(&p.runs, 2, STEP) == soon);
    CHECK(sta_runs_audit(&p.runs));
    if (soon == NONE)
        CHECK(sta_runs_alloc(&p.runs, 2, STEP) == wrong * STEP);
    pair_destroy(&p);
}

/*
 * The largest set there can be, of which little is ever used: its index is
 * reserved, and only what the used part needs may be touched.
 */
static void test_large_and_sparse(void)
{
    uint32_t capacity = STA_RUNS_UNITS_MAX;
    size_t bytes = sta_runs_index_bytes(capacity);
    struct sta_runs r;
    check_context("%u units", capacity);
    CHECK(bytes < (size_t)(capacity / 8 * 1.6));
    unsigned char *index = calloc(bytes, 1); /* untouched: mapped and empty */
    if (!index)
        return;
    sta_runs_init(&r, index, capacity);
    sta_runs_extend(&r, 1000);
    CHECK(sta_runs_alloc(&r, 1001, 1) == NONE);
    CHECK(sta_runs_alloc(&r, 1000, 1) == 0);
    sta_runs_extend(&r, 100000);
    CHECK(sta_runs_alloc(&r, 4096, 4096) == 4096);
    CHECK(sta_runs_audit(&r));
    free(index);
}

int main(void)
{
    static const uint32_t capacities[] = {1,    2,    3,    63,   64,   65,
                                          128,  511,  512,  513,  1000, 4095,
                                          4096, 4097, 5000, 33000};
    test_rows();
    for (size_t i = 0; i < COUNT_OF(capacities); i++) {
        uint32_t steps = capacities[i] > 8000 ? 1500 : 4000;
        for (uint32_t seed = 1; seed <= 3; seed++)
            test_random(capacities[i], steps, seed);
    }
    test_boundaries();
    test_gives_up(63, 63 * 4);
    test_gives_up(64, NONE);
    test_large_and_sparse();
    check_context("%s", "");
    return check_status();
}
