/* SPDX-License-Identifier: MIT */
/*
 * STALLOC_ARENA_SIZE=64M is a promise: no more than that is ever handed out,
 * most of that is, the end of it is NULL with ENOMEM, nothing that was handed
 * out suffers from it, and what is freed serves again, each time as much.
 *
 * Each fill links the objects into a list through their own first bytes, so
 * that the test needs no memory beside them, and fills them with a pattern.
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>

#include "stalloc/malloc.h"

enum { KIB = 1024, MIB = 1024 * 1024, ARENA = 64 * MIB };

struct link {
    struct link *next;
    size_t number;
};

/* Objects carry their pattern at both ends: enough to see an overlap. */
static size_t end_bytes(size_t size)
{
    size_t length = size - sizeof(struct link);

    return length < 128 ? length : 128;
}

static void mark(struct link *p, size_t size)
{
    size_t end = end_bytes(size);

    pattern_fill(p + 1, end, p->number);
    pattern_fill((char *)p + size - end, end, p->number);
}

static int is_marked(const struct link *p, size_t size)
{
    size_t end = end_bytes(size);

    return pattern_holds((const char *)p + size - end, end, p->number) &&
           (size < 400 || pattern_holds(p + 1, end, p->number));
}

/* Takes objects of `size` until there are none, and returns how many. */
static size_t fill(struct link **list, size_t size)
{
    size_t count = 0;

    *list = NULL;
    for (;;) {
        errno = 0;
        struct link *p = malloc(size);
        if (p == NULL)
            break;
        p->next = *list;
        p->number = count++;
        mark(p, size);
        *list = p;
        if (count * size > (size_t)ARENA)
            break;
    }
    CHECK(errno == ENOMEM);
    return count;
}

/* Looks at all objects of a list and frees them; returns how many. */
static size_t drain(struct link *list, size_t size)
{
    size_t count = 0;

    while (list != NULL) {
        struct link *next = list->next;
        CHECK(is_marked(list, size));
        free(list);
        list = next;
        count++;
    }
    return count;
}

/* Reversing between two drains frees once from the top, once from the bottom.*/
static struct link *reversed(struct link *list)
{
    struct link *result = NULL;

    while (list != NULL) {
        struct link *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

/* The share of the arena that must be of use: canaries and guard pages take up
 * to half of what small objects need. */
static size_t at_least(size_t percent)
{
    return (size_t)ARENA / 100 * (check_level() < 2 ? percent : percent / 2);
}

/* Fills and drains three times; `percent` of the arena must be of use. */
static void size_fills_the_arena_again_and_again(size_t size, size_t percent)
{
    size_t first = 0;

    for (int round = 0; round < 3; round++) {
        struct link *list;
        size_t count = fill(&list, size);
        int enough = count * size >= at_least(percent);
        int bounded = count * size <= (size_t)ARENA;
        /* How slabs pack at the arena's end depends on what was before. */
        int kept = count * 1000 >= first * 999;
        if (!enough || !bounded || !kept)
            dprintf(2, "size %zu, round %d: %zu objects, first %zu\n", size,
                    round, count, first);
        CHECK(enough);
        CHECK(bounded);
        CHECK(kept);
        first = round == 0 ? count : first;
        CHECK(malloc(size) == NULL); /* and it stays full */
        CHECK(drain(round % 2 == 0 ? list : reversed(list), size) == count);
    }
}

static void small_sizes_fill_the_arena_again_and_again(void)
{
    for (size_t size = 16; size <= 1 * KIB; size = size * 2 + 16)
        size_fills_the_arena_again_and_again(size, 85);
}

static void medium_sizes_fill_the_arena_again_and_again(void)
{
    for (size_t size = 1 * KIB; size <= 256 * KIB; size *= 2) {
        size_fills_the_arena_again_and_again(size, 75);
        size_fills_the_arena_again_and_again(size + size / 4, 75);
    }
}

static void large_sizes_fill_the_arena_again_and_again(void)
{
    for (size_t size = 512 * KIB; size <= 16 * MIB; size *= 2)
        size_fills_the_arena_again_and_again(size, 70);
    size_fills_the_arena_again_and_again(32 * MIB, 50);
    size_fills_the_arena_again_and_again(48 * MIB, 70);
}

static void more_than_the_arena_is_refused_at_once(void)
{
    for (size_t size = ARENA + 1; size <= (size_t)ARENA * 1024; size *= 2) {
        errno = 0;
        CHECK(malloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(calloc(size, 1) == NULL && errno == ENOMEM);
        errno = 0;
        CHECK(memalign(4 * KIB, size) == NULL && errno == ENOMEM);
        void *p = malloc(100);
        REQUIRE(p != NULL);
        pattern_fill(p, 100, size);
        errno = 0;
        CHECK(realloc(p, size) == NULL && errno == ENOMEM);
        CHECK(pattern_holds(p, 100, size));
        free(hide_pointer(p));
    }
}

/* Freeing half of the objects leaves room for half as many: first fit. */
static void every_second_object_can_be_had_again(void)
{
    for (size_t size = 64; size <= 1 * MIB; size *= 8) {
        struct link *all, *kept = NULL, *again = NULL;
        size_t count = fill(&all, size);
        size_t freed = 0;
        while (all != NULL) {
            struct link *next = all->next;
            if (all->number % 2 == 0) {
                CHECK(is_marked(all, size));
                free(all);
                freed++;
            } else {
                all->next = kept;
                kept = all;
            }
            all = next;
        }
        CHECK(fill(&again, size) >= freed);
        CHECK(drain(again, size) >= freed);
        CHECK(drain(kept, size) == count - freed);
    }
}

/* So can a few, of which each slab has one or two. */
static void one_object_in_a_hundred_can_be_had_again(void)
{
    for (size_t size = 16; size <= 16 * KIB; size *= 4) {
        struct link *all, *kept = NULL;
        size_t count = fill(&all, size);
        size_t freed = 0;
        for (struct link *next; all != NULL; all = next) {
            next = all->next;
            if (all->number % 97 == 0) {
                free(hide_pointer(all));
                struct link *again = malloc(size);
                CHECK(again != NULL);
                free(hide_pointer(again));
                freed++;
            } else {
                all->next = kept;
                kept = all;
            }
        }
        CHECK(fill(&all, size) >= freed);
        CHECK(drain(all, size) >= freed);
        CHECK(drain(kept, size) == count - freed);
    }
}

static void *fill_only(void *list)
{
    CHECK(fill(list, 100) != 0);
    return NULL;
}

/* The same of a thread that has ended.  Its heap at levels 2 and 3 is one that
 * only every fourth thread allocates from. */
static void one_object_of_an_ended_thread_can_be_had_again(void)
{
    pthread_t thread;
    struct link *list, *rest;
    const char *variant = getenv("STALLOC_VARIANT");

    if (check_level() >= 2 ||
        (variant != NULL && strcmp(variant, "single") == 0))
        return;
    free(hide_pointer(malloc(100))); /* so that this thread has a heap */
    REQUIRE(pthread_create(&thread, NULL, fill_only, &list) == 0);
    pthread_join(thread, NULL);
    size_t waited = fill(&rest, 100); /* in this thread's heap */
    struct link *before = list;
    for (int i = 0; i < 100000; i++)
        before = before->next;
    struct link *next = before->next->next;
    free(before->next);
    before->next = malloc(100);
    REQUIRE(before->next != NULL);
    before->next->next = next;
    before->next->number = 0;
    mark(before->next, 100);
    CHECK(drain(list, 100) != 0);
    CHECK(drain(rest, 100) == waited);
}

/* What small objects held must serve for large ones, and the other way. */
static void memory_changes_between_small_and_large(void)
{
    for (int round = 0; round < 2; round++) {
        struct link *list;
        CHECK(fill(&list, 48) * 48 >= at_least(80));
        drain(list, 48);
        CHECK(fill(&list, 24 * MIB) == 2);
        drain(list, 24 * MIB);
        CHECK(fill(&list, 3000) * 3000 >= at_least(75));
        drain(list, 3000);
        CHECK(fill(&list, 40 * MIB) == 1);
        drain(list, 40 * MIB);
    }
}

/* A failed realloc of a large object neither moves nor shortens it. */
static void realloc_that_does_not_fit_leaves_the_object(void)
{
    size_t size = 20 * MIB;
    unsigned char *p = malloc(size);
    unsigned char *q = malloc(size);

    REQUIRE(p != NULL && q != NULL);
    pattern_fill(p, size, 1);
    pattern_fill(q, size, 2);
    errno = 0;
    CHECK(realloc(p, 3 * size) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(realloc(q, 4 * size) == NULL && errno == ENOMEM);
    CHECK(pattern_holds(p, size, 1));
    CHECK(pattern_holds(q, size, 2));
    free(hide_pointer(p));
    free(hide_pointer(q));
}

/* Returns how many requests were refused so far. */
static uint64_t refused(void)
{
    struct sta_stats stats;
    int (*stats_get)(struct sta_stats *, size_t) = NULL;

    *(void **)&stats_get = check_symbol("sta_stats_get");
    REQUIRE(stats_get != NULL && stats_get(&stats, sizeof stats) == 0);
    return stats.refused_count;
}

/* As shorter objects need less, there is always room for one. */
static void realloc_shortens_in_a_full_arena(void)
{
    static const size_t from[] = {2 * MIB, 100 * KIB, 16000, 700};
    static const size_t to[] = {900, 300, 20};
    struct link *rest[16] = {NULL};
    void (*free_sized_of)(void *, size_t) = NULL;

    *(void **)&free_sized_of = check_symbol("free_sized");
    REQUIRE(free_sized_of != NULL);
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        for (size_t j = 0; j < COUNT_OF(to); j++) {
            unsigned char *p = malloc(from[i]);
            size_t fills = 0;
            REQUIRE(p != NULL);
            pattern_fill(p, from[i], i);
            for (size_t size = MIB; size >= 16; size /= 4)
                fill(&rest[fills++], size);
            size_t length = to[j] < from[i] ? to[j] : from[i];
            uint64_t before = refused();
            p = realloc(p, length);
            REQUIRE(p != NULL);
            CHECK(refused() == before);
            CHECK(pattern_holds(p, length, i));
            CHECK(malloc_usable_size(p) >= length);
            for (size_t size = 16; size <= MIB; size *= 4)
                drain(rest[--fills], size);
            free_sized_of(p, length);
        }
    }
}

/* The only place may begin far above what is free. */
static void aligned_place_is_found_where_there_is_one(void)
{
    for (size_t align = 4 * MIB; align <= 32 * MIB; align *= 2) {
        char *all = malloc(60 * MIB);
        REQUIRE(all != NULL);
        size_t skip = -(uintptr_t)all % align;
        free(hide_pointer(all));
        void *p = memalign(align, 60 * MIB - skip);
        CHECK(p != NULL && is_aligned(p, align));
        free(p);
    }
}

/* realloc asks for more than it needs, but not at the price of a refusal. */
static void an_object_grows_where_malloc_has_room(void)
{
    for (size_t size = 100; size <= 16 * KIB; size += size / 2) {
        struct link *list;
        unsigned char *p = malloc(size);
        REQUIRE(p != NULL);
        size_t more = malloc_usable_size(p) + 1;
        pattern_fill(p, size, 3);
        size_t count = fill(&list, more);
        struct link *next = list->next;
        free(hide_pointer(list));
        unsigned char *q = realloc(p, more);
        CHECK(q != NULL && pattern_holds(q, size, 3));
        free(q != NULL ? q : p);
        CHECK(drain(next, more) == count - 1);
    }
}

static void resident_size_follows_use_down(void)
{
    struct link *list;
    size_t count = fill(&list, 64 * KIB);
    for (struct link *p = list; p != NULL; p = p->next) {
        memset(p + 1, 1, 64 * KIB - sizeof *p);
        mark(p, 64 * KIB);
    }
    long full = status_kib("VmRSS");

    CHECK(drain(list, 64 * KIB) == count);
    malloc_trim(0);
    CHECK(status_kib("VmRSS") < full - 40 * KIB);
}

static void *fill_and_drain(void *argument)
{
    size_t size = (size_t)(uintptr_t)argument;

    for (int round = 0; round < 5; round++) {
        struct link *list = NULL;
        size_t count = fill(&list, size);
        CHECK(drain(list, size) == count);
    }
    return NULL;
}

/* Threads that run out of memory together get it all back in the end. */
static void threads_share_the_arena(void)
{
    static const size_t sizes[] = {64, 1000, 5000, 100 * KIB};
    pthread_t thread[COUNT_OF(sizes)];
    const char *variant = getenv("STALLOC_VARIANT");

    if (variant != NULL && strcmp(variant, "single") == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        REQUIRE(pthread_create(&thread[i], NULL, fill_and_drain,
                               (void *)(uintptr_t)sizes[i]) == 0);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        pthread_join(thread[i], NULL);
    size_fills_the_arena_again_and_again(32 * MIB, 50);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(more_than_the_arena_is_refused_at_once),
    CASE(large_sizes_fill_the_arena_again_and_again),
    CASE(medium_sizes_fill_the_arena_again_and_again),
    CASE(small_sizes_fill_the_arena_again_and_again),
    CASE(every_second_object_can_be_had_again),
    CASE(one_object_in_a_hundred_can_be_had_again),
    CASE(one_object_of_an_ended_thread_can_be_had_again),
    CASE(memory_changes_between_small_and_large),
    CASE(realloc_that_does_not_fit_leaves_the_object),
    CASE(realloc_shortens_in_a_full_arena),
    CASE(aligned_place_is_found_where_there_is_one),
    CASE(an_object_grows_where_malloc_has_room),
    CASE(resident_size_follows_use_down),
    CASE(threads_share_the_arena),
};

int main(int argc, char **argv)
{
    if (!check_is_stalloc())
        return CHECK_SKIP;
    check_needs_env(argv, "STALLOC_ARENA_SIZE", "64M");
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
