/* SPDX-License-Identifier: MIT */
/*
 * sta_range and sta_range64 against a byte a unit, and against a plain walk.
 *
 * What could go wrong: a fit that is not the best one, a trie that loses a run
 * when a node with children leaves it, neighbours left unmerged, a node leaked
 * or handed out twice, a failure that changed something. Both widths get the
 * same operations and must give the same offsets.
 */
#include <stalloc/range.h>
#include <stalloc/range64.h>

#include "tests/lib/check.h"
#include "tests/lib/model.h"
#include "tests/lib/rng.h"

enum { LIVE_MAX = 400, NODES = STA_RANGE_NODES(LIVE_MAX) };

static struct sta_range range;
static struct sta_range64 wide;
static struct sta_range_node nodes[NODES];
static struct sta_range64_node wide_nodes[NODES];

struct pair {
    struct sta_range_block narrow;
    struct sta_range64_block wide;
    uint32_t size;
};

static struct pair live[LIVE_MAX];
static uint32_t live_count;

static void init(uint32_t capacity, uint32_t node_count)
{
    REQUIRE(sta_range_init(&range, capacity, nodes, node_count) == STA_OK);
    REQUIRE(sta_range64_init(&wide, capacity, wide_nodes, node_count) ==
            STA_OK);
    live_count = 0;
}

static void audit(void)
{
    CHECK(sta_range_audit(&range) == STA_OK);
    CHECK(sta_range64_audit(&wide) == STA_OK);
    CHECK(sta_range_available(&range) == sta_range64_available(&wide));
    CHECK(sta_range_largest(&range) == sta_range64_largest(&wide));
}

/* --- random operations against a byte a unit ------------------------------ */

/* The size of the smallest free run of the model with `size` units. */
static uint32_t best_size(const struct model *m, uint32_t size)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t i = model_next(m, 0); i != MODEL_NONE;) {
        uint32_t length = model_length(m, i, '.');

        if (length >= size && length < best)
            best = length;
        i = model_next(m, i + length);
    }
    return best;
}

/* The length of the free run of the model that unit `at` is in. */
static uint32_t run_around(const struct model *m, uint32_t at)
{
    uint32_t first = at;

    while (first > 0 && m->units[first - 1] == '.')
        first--;
    return model_length(m, first, '.');
}

static void keep(struct model *m, struct sta_range_block b,
                 struct sta_range64_block w, uint32_t size)
{
    CHECK(b.offset == w.offset);
    CHECK(model_length(m, b.offset, '.') >= size);
    CHECK(sta_range_size(&range, b) == size);
    model_set(m, b.offset, size, '#');
    live[live_count++] = (struct pair){b, w, size};
}

static void step_alloc(struct model *m, uint32_t size)
{
    uint32_t best = best_size(m, size);
    struct sta_range_block b = sta_range_alloc(&range, size);
    struct sta_range64_block w = sta_range64_alloc(&wide, size);

    CHECK(sta_range_is_none(b) == (best == UINT32_MAX));
    CHECK(sta_range64_is_none(w) == sta_range_is_none(b));
    if (sta_range_is_none(b))
        return;
    CHECK(run_around(m, b.offset) == best);
    keep(m, b, w, size);
}

static void step_back(struct model *m, uint32_t size)
{
    struct sta_range_block b = sta_range_alloc_back(&range, size);
    struct sta_range64_block w = sta_range64_alloc_back(&wide, size);

    CHECK(sta_range_is_none(b) == (best_size(m, size) == UINT32_MAX));
    if (sta_range_is_none(b))
        return;
    CHECK(run_around(m, b.offset) == best_size(m, size));
    CHECK(model_length(m, b.offset, '.') == size);
    keep(m, b, w, size);
}

static void step_aligned(struct model *m, uint32_t size, uint32_t align)
{
    struct sta_range_block b = sta_range_alloc_aligned(&range, size, align);
    struct sta_range64_block w = sta_range64_alloc_aligned(&wide, size, align);

    CHECK(sta_range_is_none(b) == sta_range64_is_none(w));
    /* never fails where any run holds the size at every place */
    if (best_size(m, size + align - 1) != UINT32_MAX)
        CHECK(!sta_range_is_none(b));
    if (sta_range_is_none(b))
        return;
    CHECK(b.offset % align == 0);
    keep(m, b, w, size);
}

static void step_at(struct model *m, uint32_t offset, uint32_t size)
{
    bool fits = offset < m->count && model_length(m, offset, '.') >= size;
    struct sta_range_block b = sta_range_alloc_at(&range, offset, size);
    struct sta_range64_block w = sta_range64_alloc_at(&wide, offset, size);

    CHECK(sta_range_is_none(b) == !fits);
    CHECK(sta_range64_is_none(w) == !fits);
    if (fits) {
        CHECK(b.offset == offset);
        keep(m, b, w, size);
    }
}

static void step_free(struct model *m, uint32_t i)
{
    struct pair p = live[i];

    live[i] = live[--live_count];
    model_set(m, p.narrow.offset, p.size, '.');
    CHECK(sta_range_free(&range, p.narrow) == STA_OK);
    CHECK(sta_range64_free(&wide, p.wide) == STA_OK);
    /* twice is refused, wherever its units and its node went */
    CHECK(sta_range_free(&range, p.narrow) == STA_EINVAL);
    CHECK(sta_range64_free(&wide, p.wide) == STA_EINVAL);
}

static void step_resize(struct model *m, uint32_t i, uint32_t size)
{
    struct pair *p = &live[i];
    uint32_t end = p->narrow.offset + p->size, available = 7;
    uint32_t room = end < m->count ? model_length(m, end, '.') : 0;
    uint64_t wide_available = 7;
    enum sta_err expect = size > p->size + room ? STA_ENOSPC : STA_OK;

    CHECK(sta_range_resize(&range, p->narrow, size, &available) == expect);
    CHECK(sta_range64_resize(&wide, p->wide, size, &wide_available) == expect);
    CHECK(available == room && wide_available == room);
    if (expect != STA_OK)
        return;
    model_set(m, p->narrow.offset, p->size, '.');
    model_set(m, p->narrow.offset, size, '#');
    p->size = size;
}

static void step_capacity(struct model *m, uint32_t units, bool grow)
{
    uint32_t tail = 0;

    if (grow && m->count + units <= m->capacity) {
        CHECK(sta_range_grow_capacity(&range, units) == STA_OK);
        CHECK(sta_range64_grow_capacity(&wide, units) == STA_OK);
        model_extend(m, units);
    } else if (!grow && units < m->count) {
        while (m->units[m->count - 1 - tail] == '.' && tail < units)
            tail++;
        CHECK((sta_range_shrink_capacity(&range, units) == STA_OK) ==
              (tail == units));
        CHECK((sta_range64_shrink_capacity(&wide, units) == STA_OK) ==
              (tail == units));
        if (tail == units)
            m->count -= units;
    }
    CHECK(sta_range_capacity(&range) == m->count);
}

static void random_against_model(uint64_t seed, uint32_t capacity,
                                 uint32_t size_max, uint32_t steps)
{
    struct rng rng = {seed};
    struct model m;

    init(capacity, NODES);
    model_init(&m, 2 * capacity);
    model_extend(&m, capacity);
    for (uint32_t step = 0; step < steps; step++) {
        uint32_t size = rng_log(&rng, size_max);
        uint32_t kind = rng_below(&rng, 20);

        check_context("seed %llu step %u", (unsigned long long)seed, step);
        if (live_count == LIVE_MAX || (kind >= 11 && kind < 18 && live_count))
            step_free(&m, rng_below(&rng, live_count));
        else if (kind < 5)
            step_alloc(&m, size);
        else if (kind < 6)
            step_back(&m, size);
        else if (kind < 8)
            step_aligned(&m, size, 1 + rng_below(&rng, 70));
        else if (kind < 9)
            step_at(&m, rng_below(&rng, m.count), 1 + size / 4);
        else if (kind < 11 && live_count)
            step_resize(&m, rng_below(&rng, live_count), size);
        else if (kind >= 18)
            step_capacity(&m, 1 + rng_below(&rng, capacity / 8), kind == 18);
        audit();
        CHECK(sta_range_available(&range) == model_free_count(&m));
        CHECK(sta_range_largest(&range) == model_largest(&m));
        CHECK(sta_range_is_empty(&range) == (live_count == 0));
    }
    while (live_count)
        step_free(&m, 0);
    CHECK(sta_range_largest(&range) == sta_range_capacity(&range));
    audit();
    model_destroy(&m);
    check_context("%s", "");
}

/* --- large spaces, against a walk over the nodes -------------------------- */

static uint64_t walked_best(uint64_t size)
{
    uint64_t best = UINT64_MAX;

    for (uint32_t n = wide_nodes[0].after; n; n = wide_nodes[n].after) {
        bool is_used = false;

        for (uint32_t i = 0; i < live_count; i++)
            is_used |= live[i].wide.node == n;
        if (!is_used && wide_nodes[n].size >= size && wide_nodes[n].size < best)
            best = wide_nodes[n].size;
    }
    return best;
}

static void random_large(uint64_t seed, uint64_t capacity)
{
    struct rng rng = {seed};

    CHECK(sta_range64_init(&wide, capacity, wide_nodes, NODES) == STA_OK);
    live_count = 0;
    for (uint32_t step = 0; step < 4000; step++) {
        uint64_t size = 1 + rng_next(&rng) % (capacity / 64);

        check_context("large, seed %llu step %u", (unsigned long long)seed,
                      step);
        if (rng_below(&rng, 4)) /* many of nearly one size: deep tries */
            size = capacity / 128 + rng_next(&rng) % (capacity / 8192);
        if (live_count < LIVE_MAX && rng_below(&rng, 2)) {
            uint64_t best = walked_best(size);
            struct sta_range64_block b = sta_range64_alloc(&wide, size);

            CHECK(sta_range64_is_none(b) == (best == UINT64_MAX));
            if (!sta_range64_is_none(b))
                live[live_count++].wide = b;
        } else if (live_count) {
            uint32_t i = rng_below(&rng, live_count);

            CHECK(sta_range64_free(&wide, live[i].wide) == STA_OK);
            live[i] = live[--live_count];
        }
        CHECK(sta_range64_audit(&wide) == STA_OK);
    }
    check_context("%s", "");
}

/* --- many free runs of nearly one size ------------------------------------ */

/* The smallest free run of the narrow range with `size` units. */
static uint32_t best_hole(uint32_t size)
{
    uint32_t best = UINT32_MAX;

    for (uint32_t n = nodes[0].after; n; n = nodes[n].after) {
        struct sta_range_block b = {nodes[n].offset, n};

        if (!sta_range_size(&range, b) && nodes[n].size >= size &&
            nodes[n].size < best)
            best = nodes[n].size;
    }
    return best;
}

/*
 * Holes in one bin: what a trie holds. Each request must take the smallest that
 * fits, and leave it in the trie when the rest belongs there.
 */
static void fits_best_among_holes_of_one_bin(uint64_t seed, uint32_t least,
                                             uint32_t spread)
{
    enum { HOLES = 150 };
    struct rng rng = {seed};

    init(1u << 31, NODES);
    for (uint32_t i = 0; i < HOLES; i++) {
        live[i].narrow =
            sta_range_alloc(&range, least + rng_below(&rng, spread));
        REQUIRE(!sta_range_is_none(sta_range_alloc(&range, 1)));
    }
    for (uint32_t i = HOLES; i > 0; i--) {
        uint32_t j = rng_below(&rng, i);

        CHECK(sta_range_free(&range, live[j].narrow) == STA_OK);
        live[j] = live[i - 1];
    }
    for (uint32_t i = 0; i < HOLES; i++) {
        uint32_t size = least + rng_below(&rng, spread), rest = 0;
        uint32_t best = best_hole(size);
        struct sta_range_block b;

        check_context("seed %llu, holes of %u + %u, request %u",
                      (unsigned long long)seed, least, spread, size);
        b = sta_range_alloc(&range, size);
        REQUIRE(!sta_range_is_none(b));
        CHECK(sta_range_resize(&range, b, size, &rest) == STA_OK);
        CHECK(size + rest == best);
        CHECK(sta_range_audit(&range) == STA_OK);
        if (i % 3 == 0)
            CHECK(sta_range_free(&range, b) == STA_OK);
    }
    check_context("%s", "");
}

int main(void)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        random_against_model(seed, 500, 40, 3000);
        random_against_model(seed, 20000, 4000, 1200);
        random_large(seed, UINT64_C(1) << (20 + 8 * (seed % 6)));
        fits_best_among_holes_of_one_bin(seed, 1024, 32);
        fits_best_among_holes_of_one_bin(seed, 1 << 20, 1 << 15);
        fits_best_among_holes_of_one_bin(seed, 900, 3000);
    }
    return check_status();
}
