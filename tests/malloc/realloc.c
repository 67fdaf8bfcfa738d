/* SPDX-License-Identifier: MIT */
/*
 * Growing, shrinking and reusing objects never loses a byte of theirs.
 *
 * A library that resizes in place, moves pages instead of copying, or knows
 * which pages are still zero, has four ways to be wrong here: it copies too
 * little, it grows over a neighbour, it gives away a tail that is still in use,
 * and it takes for zero what was written.  So each object carries a pattern of
 * its own, has neighbours that carry theirs, and all are looked at each time.
 */
#include "check.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

struct object {
    unsigned char *p;
    size_t size;
    size_t seed;
};

static void object_new(struct object *o, size_t size, size_t seed)
{
    o->p = malloc(size);
    REQUIRE(o->p != NULL);
    o->size = size;
    o->seed = seed;
    pattern_fill(o->p, size, seed);
}

static int object_holds(const struct object *o)
{
    return pattern_holds(o->p, o->size, o->seed);
}

/* Resizes, and looks at what both sizes have in common before filling up. */
static void object_resize(struct object *o, size_t size)
{
    size_t common = size < o->size ? size : o->size;

    o->p = realloc(o->p, size);
    REQUIRE(o->p != NULL);
    CHECK(is_aligned(o->p, 16));
    CHECK(malloc_usable_size(o->p) >= size);
    CHECK(pattern_holds(o->p, common, o->seed));
    o->size = size;
    pattern_fill(o->p, size, o->seed);
}

static void object_free(struct object *o)
{
    CHECK(object_holds(o));
    free(o->p);
    o->p = NULL;
}

/* Every size grows by `step` and comes back, between two neighbours. */
static void walk(size_t from, size_t to, size_t step)
{
    struct object left, it, right;

    object_new(&left, from, 1);
    object_new(&it, from, 2);
    object_new(&right, from, 3);
    for (size_t size = from; size <= to; size += step) {
        object_resize(&it, size);
        CHECK(object_holds(&left) && object_holds(&right));
    }
    for (size_t size = to; size >= from + step; size -= step) {
        object_resize(&it, size);
        CHECK(object_holds(&left) && object_holds(&right));
    }
    object_free(&left);
    object_free(&it);
    object_free(&right);
}

static void small_sizes_grow_and_shrink_by_one(void)
{
    walk(1, 1100, 1);
}

static void medium_sizes_grow_and_shrink(void)
{
    walk(1 * KIB, 70 * KIB, 1021);
    walk(60 * KIB, 200 * KIB, 4 * KIB);
    walk(60 * KIB + 1, 140 * KIB, 4 * KIB - 1);
}

static void large_sizes_grow_and_shrink(void)
{
    walk(256 * KIB, 2 * MIB, 128 * KIB + 8);
}

static void doubling_to_256_mib_and_back_keeps_the_start(void)
{
    size_t span = 64 * KIB; /* of a large object only both ends are filled */
    unsigned char *p = malloc(1);

    REQUIRE(p != NULL);
    p[0] = 77;
    for (size_t size = 2; size <= (size_t)256 * MIB; size *= 2) {
        p = realloc(p, size);
        REQUIRE(p != NULL);
        if (size / 2 <= span) {
            CHECK(pattern_holds(p, size / 2, 9) || size / 2 == 1);
            pattern_fill(p, size, 9);
            continue;
        }
        CHECK(pattern_holds(p, span / 2, 9));
        if (size / 4 > span)
            CHECK(pattern_holds(p + size / 2 - span, span, size / 2));
        pattern_fill(p + size - span, span, size);
    }
    for (size_t size = (size_t)128 * MIB; size >= MIB; size /= 2) {
        p = realloc(p, size);
        REQUIRE(p != NULL);
        CHECK(pattern_holds(p, span / 2, 9));
        CHECK(pattern_holds(p + size - span, span, size));
    }
    free(p);
}

static void a_moved_large_object_is_whole(void)
{
    for (size_t size = 2 * MIB; size <= 64 * MIB; size *= 2) {
        struct object it, wall;
        object_new(&it, size, size);
        object_new(&wall, size / 2, 5); /* so that it cannot grow in place */
        object_resize(&it, size + size / 2 + 12345);
        CHECK(object_holds(&wall));
        object_resize(&it, size / 4);
        object_free(&it);
        object_free(&wall);
    }
}

static void objects_that_grow_side_by_side_seldom_move(void)
{
    char *object[20] = {NULL};
    size_t size[20] = {0};
    uint64_t random = 0x9e3779b97f4a7c15ull;
    size_t moves = 0;

    for (size_t n = 0; n < 20000; n++) {
        size_t i = (size_t)(random_next(&random) >> 33) % COUNT_OF(object);
        char *before = object[i];
        size[i] += KIB;
        object[i] = realloc(before, size[i]);
        REQUIRE(object[i] != NULL);
        object[i][size[i] - 1] = 1;
        moves += object[i] != before;
    }
    for (size_t i = 0; i < COUNT_OF(object); i++)
        free(object[i]);
    if (check_level() < 2) /* where each object ends at its page's end */
        CHECK(moves < 50 * COUNT_OF(object));
}

/* What an object had ahead is not its successor's. */
static void what_is_made_shorter_gives_back_its_end(void)
{
    char *grown = malloc(100 * KIB);
    char *wall = malloc(100 * KIB);
    REQUIRE(grown != NULL && wall != NULL);
    REQUIRE((grown = realloc(grown, 101 * KIB)) != NULL);
    size_t size = malloc_usable_size(grown);
    free(grown);
    char *next = malloc(size);
    size -= size / 11;
    REQUIRE(next != NULL && (next = realloc(next, size)) != NULL);
    CHECK(malloc_usable_size(next) < size + 8 * KIB);
    free(next);
    free(wall);
}

static void sizes_jump_between_small_and_large(void)
{
    static const size_t sizes[] = {
        24,       5000,     300 * KIB, 24,       3 * MIB, 100,     17 * KIB,
        16 * KIB, 40 * KIB, 16,        64 * KIB, 9 * MIB, 1,       2 * MIB,
        32 * KIB, 33 * KIB, 8 * KIB,   20 * MIB, 1 * MIB, 15 * KIB};
    struct object o[8];

    for (size_t i = 0; i < COUNT_OF(o); i++)
        object_new(&o[i], 24, i + 1);
    for (size_t round = 0; round < 3; round++)
        for (size_t s = 0; s < COUNT_OF(sizes); s++)
            for (size_t i = 0; i < COUNT_OF(o); i++)
                object_resize(&o[i], sizes[(s + i * 3) % COUNT_OF(sizes)]);
    for (size_t i = 0; i < COUNT_OF(o); i++)
        object_free(&o[i]);
}

static void aligned_objects_can_be_resized(void)
{
    for (size_t align = 32; align <= 2 * MIB; align *= 2)
        for (size_t size = 1; size <= 4 * MIB; size *= 16) {
            struct object o = {memalign(align, size), size, align};
            REQUIRE(o.p != NULL);
            CHECK(is_aligned(o.p, align));
            pattern_fill(o.p, size, align);
            object_resize(&o, size * 2 + 1);
            object_resize(&o, size * 40);
            object_resize(&o, size / 2 + 1);
            object_free(&o);
        }
}

static void random_resizes_of_many_objects(void)
{
    struct object o[200];
    uint64_t random = 88172645463325252u;

    for (size_t i = 0; i < COUNT_OF(o); i++)
        object_new(&o[i], 1 + i, i);
    for (int round = check_times(10000); round > 0; round--) {
        uint64_t r = random_next(&random);
        struct object *it = &o[r % COUNT_OF(o)];
        unsigned bits = 1 + (unsigned)(r >> 32) % 18;
        CHECK(object_holds(it));
        object_resize(it, 1 + (size_t)(r >> 40) % ((size_t)1 << bits));
    }
    for (size_t i = 0; i < COUNT_OF(o); i++)
        object_free(&o[i]);
}

/* Dirties `count` objects of `size`, frees them, wants zero from calloc. */
static void calloc_after_dirt(size_t count, size_t size)
{
    unsigned char **p = malloc(count * sizeof *p);

    REQUIRE(p != NULL);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < count; i++) {
            p[i] = malloc(size);
            REQUIRE(p[i] != NULL);
            memset(p[i], 0xee, malloc_usable_size(p[i]));
        }
        for (size_t i = 0; i < count; i += 1 + (size_t)round % 2) {
            free(p[i]);
            p[i] = NULL;
        }
        for (size_t i = 0; i < count; i++) {
            if (p[i] != NULL)
                continue;
            p[i] = calloc(size, 1);
            REQUIRE(p[i] != NULL);
            CHECK(is_zero(p[i], size));
            memset(p[i], 0xdd, malloc_usable_size(p[i]));
        }
        for (size_t i = 0; i < count; i++)
            free(p[i]);
    }
    free(p);
}

static void calloc_of_small_sizes_is_zero_after_dirt(void)
{
    for (size_t size = 1; size <= 1100; size += 13)
        calloc_after_dirt(300, size);
}

static void calloc_of_medium_sizes_is_zero_after_dirt(void)
{
    for (size_t size = 4000; size <= 300 * KIB; size = size * 5 / 3 + 7)
        calloc_after_dirt(20, size);
}

static void calloc_of_large_sizes_is_zero_after_dirt(void)
{
    calloc_after_dirt(8, 1 * MIB + 3);
    calloc_after_dirt(4, 7 * MIB);
    calloc_after_dirt(2, 40 * MIB);
}

/* Of which little is written, at both ends, wherever a page begins. */
static void calloc_of_sparse_tables_is_zero(void)
{
    enum { BEFORE = 5, END = 8 * KIB };
    size_t size = 8 * MIB;
    void *before[BEFORE];

    for (size_t i = 0; i < BEFORE; i++) {
        before[i] = malloc(200 * KIB + i * 4 * KIB);
        for (int round = 0; round < 3; round++) {
            unsigned char *p = calloc(size, 1);
            REQUIRE(p != NULL);
            CHECK(is_zero(p, size));
            memset(p, 0xaa, END);
            memset(p + size - END, 0xbb, END);
            free(p);
        }
    }
    for (size_t i = 0; i < BEFORE; i++)
        free(before[i]);
}

static void calloc_is_zero_where_other_sizes_were(void)
{
    uint64_t random = 2463534242u;
    enum { LIVE = 64 };
    unsigned char *p[LIVE] = {NULL};

    for (int round = check_times(4000); round > 0; round--) {
        uint64_t r = random_next(&random);
        size_t i = r % LIVE;
        size_t size = 1 + (size_t)(r >> 20) % ((size_t)1 << ((r >> 8) % 20));
        free(p[i]);
        p[i] = calloc(1, size);
        REQUIRE(p[i] != NULL);
        CHECK(is_zero(p[i], size));
        memset(p[i], 0xcc, malloc_usable_size(p[i]));
    }
    for (size_t i = 0; i < LIVE; i++)
        free(p[i]);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(small_sizes_grow_and_shrink_by_one),
    CASE(medium_sizes_grow_and_shrink),
    CASE(large_sizes_grow_and_shrink),
    CASE(doubling_to_256_mib_and_back_keeps_the_start),
    CASE(a_moved_large_object_is_whole),
    CASE(objects_that_grow_side_by_side_seldom_move),
    CASE(what_is_made_shorter_gives_back_its_end),
    CASE(sizes_jump_between_small_and_large),
    CASE(aligned_objects_can_be_resized),
    CASE(random_resizes_of_many_objects),
    CASE(calloc_of_small_sizes_is_zero_after_dirt),
    CASE(calloc_of_medium_sizes_is_zero_after_dirt),
    CASE(calloc_of_large_sizes_is_zero_after_dirt),
    CASE(calloc_of_sparse_tables_is_zero),
    CASE(calloc_is_zero_where_other_sizes_were),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
