/* SPDX-License-Identifier: MIT */
/*
 * sta_arena beside malloc: stalloc's headlines, "over 3x as fast as the default
 * OS allocator" and "heaps smaller than 12 bytes".
 *
 *     local_string  200 bytes, two words appended, freed
 *     fast_vectors  two vectors grown from 16 to 64 bytes by 10 numbers each,
 *                   then freed: the arena at once, by clear
 *     local_alloc   the same with a fresh arena of 200 blocks on the stack
 *     chained       6 bytes allocated and freed; each 1000th time 100,000 more,
 *                   for which a chain goes on from the arena to malloc
 *     locked        4 bytes allocated and freed under an uncontended mutex; in
 *                   one batch a mutex for all
 *     holes         2 blocks allocated and freed with 32,500 holes of one block
 *                   in front, and with none (indexed)
 *
 * malloc is whatever the process has. The contenders take turns; of many short
 * rounds the fastest counts.
 *
 * Pass: malloc takes at least 3 times as long on local_string and fast_vectors;
 * 32,500 holes cost at most 20 times what none do (stalloc: 13,000 times); a
 * heap of two blocks of 4 bytes has 12 bytes. Exit status 1 otherwise.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stalloc/arena.h>
#include <stalloc/chain.h>
#include <stalloc/sync.h>

enum { ROUNDS = 60, STEPS = 20000, HOLES = 32500 };

_Static_assert(sizeof(STA_ARENA_FIXED(2, 4)) == 12, "a heap of 12 bytes");

static STA_ARENA_FIXED(200, 4) small_heap;
static STA_ARENA_FIXED(80, 8) string_heap;
static struct sta_arena holes_arena;

/* Keeps p from being known, so that nothing is optimised away. */
static inline void *opaque(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static inline void append_words(char *text)
{
    memcpy(text, "Hello, ", 7);
    memcpy(text + 7, "world!", 7);
    opaque(text);
}

static void string_malloc(void)
{
    for (int i = 0; i < STEPS; i++) {
        char *text = opaque(malloc(200));
        append_words(text);
        free(text);
    }
}

static void string_arena(void)
{
    struct sta_arena a = STA_ARENA(&string_heap);
    for (int i = 0; i < STEPS; i++) {
        char *text = opaque(sta_arena_alloc(&a, 200, 1));
        append_words(text);
        sta_arena_free(&a, text, 200);
    }
}

/* A growing array, by malloc when `a` is NULL: a constant at each call. */
struct vector {
    int *items;
    size_t count, room;
};

static inline __attribute__((always_inline)) void
push(struct sta_arena *a, struct vector *v, int item)
{
    if (v->count == v->room) {
        size_t room = v->room ? 2 * v->room : 4;
        v->items = a ? sta_arena_realloc(a, v->items, v->room * sizeof(int),
                                         room * sizeof(int), sizeof(int))
                     : realloc(v->items, room * sizeof(int));
        v->room = room;
        opaque(v->items);
    }
    v->items[v->count++] = item;
}

static inline __attribute__((always_inline)) void fill_two(struct sta_arena *a,
                                                           struct vector v[2])
{
    for (int k = 0; k < 2; k++) {
        v[k] = (struct vector){NULL, 0, 0};
        for (int item = 0; item < 10; item++)
            push(a, &v[k], item);
    }
}

static void vectors_malloc(void)
{
    struct vector v[2];
    for (int i = 0; i < STEPS; i++) {
        fill_two(NULL, v);
        free(v[0].items);
        free(v[1].items);
    }
}

static void vectors_arena(void)
{
    struct sta_arena a = STA_ARENA(&small_heap);
    struct vector v[2];
    for (int i = 0; i < STEPS; i++) {
        fill_two(&a, v);
        sta_arena_clear(&a);
    }
}

static void vectors_local(void)
{
    for (int i = 0; i < STEPS; i++) {
        STA_ARENA_FIXED(200, 4) heap;
        struct sta_arena a = STA_ARENA(&heap);
        struct vector v[2];
        sta_arena_clear(&a);
        fill_two(&a, v);
    }
}

/* malloc by the family's interface. */
static void *libc_alloc(void *ctx, size_t size, size_t align)
{
    (void)ctx, (void)align;
    return malloc(size);
}

static void libc_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)ctx, (void)size, (void)align;
    free(p);
}

static void chained_malloc(void)
{
    for (int i = 0; i < STEPS; i++) {
        void *large = i % 1000 == 0 ? opaque(malloc(100000)) : NULL;
        free(opaque(malloc(6)));
        free(large);
    }
}

static void chained_arena(void)
{
    static const struct sta_allocator_ops libc = {.alloc = libc_alloc,
                                                  .free = libc_free};
    struct sta_arena a = STA_ARENA(&string_heap);
    struct sta_chain chain;
    struct sta_allocator both;
    sta_chain_init(&chain, sta_arena_allocator(&a),
                   (struct sta_allocator){&libc, NULL});
    both = sta_chain_allocator(&chain);
    for (int i = 0; i < STEPS; i++) {
        void *large = i % 1000 == 0
                          ? opaque(sta_allocator_alloc(&both, 100000, 8))
                          : NULL;
        void *p = opaque(sta_allocator_alloc(&both, 6, 1));
        sta_allocator_free(&both, p, 6, 1);
        sta_allocator_free(&both, large, 100000, 8);
    }
}

static void take_mutex(void *ctx)
{
    pthread_mutex_lock(ctx);
}

static void give_mutex(void *ctx)
{
    pthread_mutex_unlock(ctx);
}

/* The same loop, call by call or between begin and end. */
static inline __attribute__((always_inline)) void locked(bool batch)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    struct sta_arena a = STA_ARENA(&string_heap);
    struct sta_sync sync;
    struct sta_allocator shared;
    sta_sync_init(&sync, sta_arena_allocator(&a),
                  (struct sta_lock_ops){take_mutex, give_mutex, &mutex});
    shared = sta_sync_allocator(&sync);
    const struct sta_allocator *mine = batch ? sta_sync_begin(&sync) : &shared;
    for (int i = 0; i < STEPS; i++) {
        void *p = opaque(sta_allocator_alloc(mine, 4, 1));
        sta_allocator_free(mine, p, 4, 1);
    }
    if (batch)
        sta_sync_end(&sync);
}

static void locked_each(void)
{
    locked(false);
}

static void locked_batch(void)
{
    locked(true);
}

static void locked_malloc(void)
{
    for (int i = 0; i < STEPS; i++)
        free(opaque(malloc(4)));
}

static void holes_pairs(void)
{
    for (int i = 0; i < STEPS; i++) {
        void *p = opaque(sta_arena_alloc(&holes_arena, 32, 1));
        sta_arena_free(&holes_arena, p, 32);
    }
}

static double ns_a_step(void (*loop)(void))
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    loop();
    clock_gettime(CLOCK_MONOTONIC, &b);
    return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
            (double)(b.tv_nsec - a.tv_nsec)) /
           STEPS;
}

enum loop {
    STRING_M,
    STRING_A,
    VECTORS_M,
    VECTORS_A,
    VECTORS_L,
    CHAINED_M,
    CHAINED_A,
    LOCKED_M,
    LOCKED_EACH,
    LOCKED_BATCH,
    LOOPS
};

static void keep_least(double *least, double ns)
{
    if (*least == 0 || ns < *least)
        *least = ns;
}

/* Makes the arena of the hole loops, with every other block free or none. */
static double measure_holes(int holes, void (*loop)(void))
{
    enum { BLOCKS = 2 * HOLES + 1000 };
    static _Alignas(16) unsigned char memory[BLOCKS * 16];
    size_t index_size = sta_arena_index_bytes(BLOCKS);
    void *index = malloc(index_size);
    double least = 0;
    if (!index || sta_arena_init_indexed(&holes_arena, memory, sizeof memory,
                                         16, index, index_size) != STA_OK)
        abort();
    for (int i = 0; i < 2 * holes + 1; i++)
        sta_arena_alloc(&holes_arena, 16, 1);
    for (size_t i = 0; i < 2 * (size_t)holes; i += 2)
        sta_arena_free(&holes_arena, memory + 16 * i, 16);
    for (int round = 0; round < ROUNDS; round++)
        keep_least(&least, ns_a_step(loop));
    free(index);
    return least;
}

static int rule(const char *name, double value, double bound, int at_least)
{
    int passed = at_least ? value >= bound : value <= bound;
    printf("%-34s %7.2f  %s %g: %s\n", name, value,
           at_least ? "at least" : "at most", bound, passed ? "pass" : "FAIL");
    return !passed;
}

int main(void)
{
    static void (*const loops[LOOPS])(void) = {
        string_malloc, string_arena,   vectors_malloc, vectors_arena,
        vectors_local, chained_malloc, chained_arena,  locked_malloc,
        locked_each,   locked_batch};
    double ns[LOOPS] = {0};
    int failed = 0;
    /* The headlines by themselves: what comes later frees large blocks, after
     * which glibc's realloc may find room in place. */
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CHAINED_M; i++)
            keep_least(&ns[i], ns_a_step(loops[i]));
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = CHAINED_M; i < LOOPS; i++)
            keep_least(&ns[i], ns_a_step(loops[i]));
    }
    printf("ns a step     malloc  sta_arena\n");
    printf("local_string %7.2f %10.2f\n", ns[STRING_M], ns[STRING_A]);
    printf("fast_vectors %7.2f %10.2f\n", ns[VECTORS_M], ns[VECTORS_A]);
    printf("local_alloc  %7.2f %10.2f\n", ns[VECTORS_M], ns[VECTORS_L]);
    printf("chained      %7.2f %10.2f\n", ns[CHAINED_M], ns[CHAINED_A]);
    printf("locked       %7.2f %10.2f, in a batch %.2f\n", ns[LOCKED_M],
           ns[LOCKED_EACH], ns[LOCKED_BATCH]);
    double none = measure_holes(0, holes_pairs);
    double many = measure_holes(HOLES, holes_pairs);
    printf("holes        none %.2f, 32,500 %.2f\n", none, many);
    failed |= rule("local_string, malloc / sta_arena",
                   ns[STRING_M] / ns[STRING_A], 3, 1);
    failed |= rule("fast_vectors, malloc / sta_arena",
                   ns[VECTORS_M] / ns[VECTORS_A], 3, 1);
    failed |= rule("holes, 32,500 / none", many / none, 20, 0);
    return failed;
}
