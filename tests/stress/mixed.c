/* SPDX-License-Identifier: MIT */
/*
 * Random operations by 1 to 8 threads, every object's contents checked.
 *
 *     mixed [SECONDS [THREADS [SEED]]]
 *
 * Each thread keeps a table of objects; now and then it swaps one with a table
 * that all share, so that objects are freed and resized by threads that did not
 * allocate them.  A thread ends after some thousand operations and hands its
 * table to a new one, so that heaps die under live objects.  Every object is
 * filled with a pattern of its own, and looked at before it is resized or
 * freed: memory given out twice, lost in a resize, or touched after it was
 * freed shows as a wrong byte, whose object the message names with the seed.
 *
 * After a pass without bounds comes one with an arena that is too small: then
 * NULL is a right answer, and at the end nearly all of it must be free again.
 *
 * STRESS_DOOR names the header that leads to the heap, see tests.am.
 */
#include "../malloc/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include STRESS_DOOR

enum {
    KIB = 1024,
    MIB = 1024 * 1024,
    TABLE = 200,         /* objects a thread holds */
    SHARED = 64,         /* places of the table that all share */
    LIFE = 5000,         /* operations in a thread's life */
    LOOKED_AT = 2 * KIB, /* bytes at each end that are filled and checked */
    ARENA = 24 * MIB     /* of the bounded pass */
};

/* At the start of every object: what it should be. */
struct head {
    size_t size;
    size_t seed;
};

static uint64_t first_seed;
static atomic_int stop;
static atomic_size_t operations;
static atomic_size_t refused;
static _Atomic(struct head *) shared[SHARED];
static int is_bounded;

static void fill(struct head *p, size_t size, size_t seed)
{
    char *body = (char *)(p + 1);
    size_t length = size - sizeof *p;
    size_t end = length < LOOKED_AT ? length : LOOKED_AT;

    p->size = size;
    p->seed = seed;
    pattern_fill(body, end, seed);
    if (length >= 2 * LOOKED_AT)
        pattern_fill(body + length - end, end, seed + 1);
}

/* Checks the head and the first `kept` bytes behind it. */
static void check_object(const struct head *p, size_t kept)
{
    const char *body = (const char *)(p + 1);
    size_t length = p->size - sizeof *p;
    size_t end = length < LOOKED_AT ? length : LOOKED_AT;
    int right = 1;

    if (kept < end)
        end = kept;
    right &= pattern_holds(body, end, p->seed);
    if (kept >= length && length >= 2 * LOOKED_AT)
        right &= pattern_holds(body + length - end, end, p->seed + 1);
    if (!right)
        dprintf(2, "object %p of %zu bytes, pattern %zu, seed %llu\n",
                (const void *)p, p->size, p->seed,
                (unsigned long long)first_seed);
    REQUIRE(right);
}

static size_t random_size(uint64_t r)
{
    unsigned kind = (unsigned)(r >> 56);
    size_t most = kind < 200   ? 512
                  : kind < 240 ? 8 * KIB
                  : kind < 253 ? 100 * KIB
                               : 2 * MIB;

    return sizeof(struct head) + (size_t)(r >> 8) % most;
}

/* NULL is right only in the bounded arena. */
static int is_refused(const void *p)
{
    if (p != NULL)
        return 0;
    REQUIRE(is_bounded);
    atomic_fetch_add_explicit(&refused, 1, memory_order_relaxed);
    return 1;
}

static struct head *new_object(uint64_t r)
{
    size_t size = random_size(r);
    struct head *p;

    switch ((r >> 4) % 8) {
    case 0:
        p = door_zero(size);
        if (p != NULL)
            REQUIRE(is_zero(p, size));
        break;
    case 1: {
        size_t align = (size_t)1 << (4 + (r >> 40) % 10);
        p = door_aligned(align, size);
        REQUIRE(is_aligned(p, align));
        break;
    }
    default:
        p = door_alloc(size);
    }
    if (is_refused(p))
        return NULL;
    REQUIRE(is_aligned(p, 16));
    REQUIRE(door_usable(p) >= size);
    fill(p, size, (size_t)r);
    return p;
}

static struct head *resized(struct head *p, uint64_t r)
{
    size_t size = random_size(r);
    size_t old = p->size;

    check_object(p, old);
    size_t seed = p->seed;
    struct head *moved = door_realloc(p, size);
    if (is_refused(moved)) {
        check_object(p, old);
        return p;
    }
    REQUIRE(moved->size == old && moved->seed == seed);
    /* The far end is where it was only if the size is the same. */
    check_object(moved, (old < size ? old : size) - sizeof *moved);
    fill(moved, size, (size_t)r);
    return moved;
}

static void free_object(struct head *p)
{
    if (p == NULL)
        return;
    check_object(p, p->size);
    door_free(p);
}

struct worker {
    struct head *object[TABLE];
    uint64_t random;
    pthread_t thread;
};

static void *live(void *argument)
{
    struct worker *w = argument;

    for (int i = 0; i < LIFE && !atomic_load(&stop); i++) {
        uint64_t r = random_next(&w->random);
        struct head **place = &w->object[r % TABLE];
        switch ((unsigned)(r >> 30) % 8) {
        case 0:
            *place = atomic_exchange(&shared[(r >> 33) % SHARED], *place);
            break;
        case 1:
        case 2:
            if (*place != NULL) {
                *place = resized(*place, random_next(&w->random));
                break;
            }
            /* fall through */
        default:
            free_object(*place);
            *place = (r >> 60) < 3 ? NULL : new_object(random_next(&w->random));
        }
    }
    atomic_fetch_add(&operations, LIFE);
    return NULL;
}

/* Keeps `count` threads running until the time is over. */
static void run(size_t count, double seconds)
{
    static struct worker worker[8];
    struct timespec began, now;

    clock_gettime(CLOCK_MONOTONIC, &began);
    atomic_store(&stop, 0);
    for (size_t i = 0; i < count; i++)
        worker[i].random = first_seed * 8191 + i * 131071 + 1;
    do {
        for (size_t i = 0; i < count; i++)
            if (count == 1)
                live(&worker[i]);
            else
                REQUIRE(pthread_create(&worker[i].thread, NULL, live,
                                       &worker[i]) == 0);
        for (size_t i = 0; i < count && count > 1; i++)
            pthread_join(worker[i].thread, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - began.tv_sec) +
                 (double)(now.tv_nsec - began.tv_nsec) / 1e9 <
             seconds);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < TABLE; k++) {
            free_object(worker[i].object[k]);
            worker[i].object[k] = NULL;
        }
    for (size_t k = 0; k < SHARED; k++)
        free_object(atomic_exchange(&shared[k], NULL));
}

/* When all is freed, nearly all of the arena can be had again, in pieces: what
 * the C library keeps for its threads is in between. */
static void check_nothing_is_lost(void)
{
    void *pieces[ARENA / (64 * KIB)];
    size_t count = 0;

    if (!is_bounded)
        return;
    while (count < COUNT_OF(pieces) &&
           (pieces[count] = door_alloc(64 * KIB)) != NULL)
        count++;
    CHECK(count >= COUNT_OF(pieces) * 7 / 8);
    if (count < COUNT_OF(pieces) * 7 / 8)
        door_report();
    while (count > 0)
        door_free(pieces[--count]);
}

int main(int argc, char **argv)
{
    const char *variant = getenv("STALLOC_VARIANT");
    size_t most = variant != NULL && strcmp(variant, "single") == 0 ? 1 : 8;
    double seconds = getenv("STA_TEST_LONG") != NULL ? 60 : 1;

    check_library();
    if (argc > 1)
        seconds = strtod(argv[1], NULL);
    size_t only = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    first_seed = argc > 3 ? strtoull(argv[3], NULL, 10)
                          : (uint64_t)time(NULL) * 100003 + (uint64_t)getpid();
    is_bounded = getenv("STALLOC_ARENA_SIZE") != NULL;
    for (size_t count = 1; count <= most; count *= 2)
        if (only == 0 || only == count)
            run(count, seconds / 4);
    check_nothing_is_lost();
    printf("%zu operations, %zu refused, seed %llu%s\n", operations, refused,
           (unsigned long long)first_seed, is_bounded ? ", bounded" : "");
    fflush(stdout);
    if (check_failures != 0)
        return CHECK_FAIL;
    if (door_can_be_bounded())
        check_needs_env(argv, "STALLOC_ARENA_SIZE", "24M");
    return CHECK_PASS;
}
