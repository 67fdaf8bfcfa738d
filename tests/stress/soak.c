/* SPDX-License-Identifier: MIT */
/*
 * A long life: threads, forks, phases and limits, with an audit at intervals.
 *
 *     soak [SECONDS]                all rows of the table below, in turn
 *     soak ROW SECONDS [SEED]       one of them
 *
 * What only shows after long: a slot, a page or a descriptor that is lost now
 * and then, memory that is given back a little less often than it is taken, a
 * structure that is wrong but not yet followed.  So a row lives in cycles.  In
 * each, up to eight threads allocate, resize and free each other's objects for
 * some rounds; between two rounds all stand still, and the audit compares every
 * structure with the objects that are live.  A round may grow or shrink what
 * lives, fork children that allocate, or run under a limit on memory that makes
 * the system refuse.  Threads end each cycle in destructors that allocate; at
 * times all is freed: no page is used then, nor more resident than at first.
 */
#include "../malloc/check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "heap/heap.h"
#include "heap/trim.h"
#include "tests/lib/heap_audit.h"
#include "tests/lib/rng.h"
#include "tests/stress/soak_system.h"

enum {
    THREADS = 8,
    TABLE = 1500,      /* objects of a thread at most */
    SHARED = 64,       /* places that all threads swap with */
    OPERATIONS = 4000, /* of a thread in a round */
    LOOKED_AT = 256    /* bytes at both ends that are filled and checked */
};

/* The rows: a share of the time, and the environment of its process. */
static struct row {
    char name[16];
    double share;
    const char *environment[2][2];
} rows[] = {
    {"local", 0.2, {{"STALLOC_VARIANT", "local"}}},
    {"regions", 0.1, {{"STALLOC_VARIANT", "local"}}}, /* few addresses */
    {"mutex", 0.1, {{"STALLOC_VARIANT", "mutex"}}},
    {"single", 0.1, {{"STALLOC_VARIANT", "single"}}},
    {"fixed", 0.2, {{"STALLOC_ARENA_SIZE", "24M"}}},
    {"fixed-mutex",
     0.1,
     {{"STALLOC_ARENA_SIZE", "4M"}, {"STALLOC_VARIANT", "mutex"}}},
    {"purge-now", 0.1, {{"STALLOC_PURGE", "now"}, {"STALLOC_SLAB_MAX", "1K"}}},
    {"objects", 0.05, {{"STALLOC_CHECK", "2"}}},
    {"hardened", 0.05, {{"STALLOC_CHECK", "3"}}},
};

struct object {
    unsigned char *p;
    size_t size, seed;
};

struct worker {
    struct object table[TABLE];
    size_t fill; /* objects to hold about so many of */
    struct rng rng;
    pthread_t thread;
};

static struct worker workers[THREADS];
static struct object shared[SHARED];
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t keys[2];
static size_t rounds;    /* of this cycle */
static bool may_be_null; /* the memory is bounded */
static _Atomic size_t operations, refused, forks;
static size_t audits, cycles, rests;

/* --- Objects ------------------------------------------------------------- */

static size_t looked_at(size_t size)
{
    return size < LOOKED_AT ? size : LOOKED_AT;
}

static void fill(struct object *o)
{
    size_t n = looked_at(o->size);

    pattern_fill(o->p, n, o->seed);
    pattern_fill(o->p + o->size - n, n, o->seed);
}

/* Checks what is left of an object that had `size` bytes of `kept` now. */
static void check_object(const struct object *o, const unsigned char *p,
                         size_t kept)
{
    size_t n = looked_at(o->size);
    bool overlap = o->size < 2 * n; /* the end lies over the start */

    if (!overlap)
        REQUIRE(pattern_holds(p, n < kept ? n : kept, o->seed));
    if (kept == o->size)
        REQUIRE(pattern_holds(p + kept - n, n, o->seed));
}

static void free_object(struct object *o)
{
    if (o->p == NULL)
        return;
    check_object(o, o->p, o->size);
    sta_heap_free(o->p);
    o->p = NULL;
}

static size_t random_size(struct rng *r)
{
    uint32_t kind = rng_below(r, 1000);

    return rng_log(r, kind < 900   ? 2 * KIB
                      : kind < 990 ? 64 * KIB
                      : kind < 998 ? MIB
                                   : 4 * MIB);
}

/* Replaces or makes the object at a place; on NULL all is as it was. */
static void change_object(struct object *o, struct rng *r)
{
    struct object now = {NULL, random_size(r), (size_t)rng_next(r)};
    size_t align = (size_t)16 << rng_below(r, 10);

    if (o->p != NULL) {
        now.p = sta_heap_realloc(o->p, now.size);
        if (now.p != NULL)
            check_object(o, now.p, now.size < o->size ? now.size : o->size);
    } else if (rng_below(r, 8) == 0) {
        now.p = sta_heap_alloc_aligned(now.size, align);
        REQUIRE((uintptr_t)now.p % align == 0);
    } else if (rng_below(r, 4) == 0) {
        now.p = sta_heap_alloc_zero(now.size);
        REQUIRE(now.p == NULL || is_zero(now.p, now.size));
    } else {
        now.p = sta_heap_alloc(now.size);
    }
    if (now.p == NULL) {
        REQUIRE(may_be_null);
        atomic_fetch_add(&refused, 1);
        return;
    }
    REQUIRE(sta_heap_usable(now.p) >= now.size);
    fill(&now);
    *o = now;
}

static void swap_with_shared(struct object *o, struct rng *r)
{
    struct object *place = &shared[rng_below(r, SHARED)];
    struct object mine = *o;

    pthread_mutex_lock(&shared_lock);
    *o = *place;
    *place = mine;
    pthread_mutex_unlock(&shared_lock);
}

/* --- Threads ------------------------------------------------------------- */

/* A child has this thread only, while the others may have been in a call. */
static void fork_child(struct worker *w)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        may_be_null = true;
        for (size_t i = 0; i < 300; i++)
            if (rng_below(&w->rng, 2))
                change_object(&w->table[i], &w->rng);
            else
                free_object(&w->table[i]);
        _exit(check_failures ? CHECK_FAIL : CHECK_PASS);
    }
    if (child < 0) {
        REQUIRE(errno == ENOMEM || errno == EAGAIN);
        return;
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    atomic_fetch_add(&forks, 1);
}

static void one_round(struct worker *w)
{
    w->fill = rng_below(&w->rng, 2) ? TABLE : rng_log(&w->rng, TABLE);
    for (size_t i = 0; i < OPERATIONS; i++) {
        struct object *o = &w->table[rng_below(&w->rng, TABLE)];
        uint32_t kind = rng_below(&w->rng, 1000);

        if (kind < 100)
            swap_with_shared(o, &w->rng);
        else if (kind < 150 && o->p != NULL)
            change_object(o, &w->rng);
        else if (o - w->table >= (ptrdiff_t)w->fill)
            free_object(o);
        else if (o->p == NULL || kind < 600) {
            free_object(o);
            change_object(o, &w->rng);
        } else
            free_object(o);
        if (kind == 999 && rng_below(&w->rng, 200) == 0)
            fork_child(w);
    }
    if (rng_below(&w->rng, 16) == 0)
        sta_heap_trim(rng_log(&w->rng, MIB));
    atomic_fetch_add(&operations, OPERATIONS);
}

static void *work(void *argument)
{
    struct worker *w = argument;

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        REQUIRE(pthread_setspecific(keys[i], w) == 0);
    pthread_barrier_wait(&barrier); /* all have started */
    for (size_t i = 0; i < rounds; i++) {
        one_round(w);
        pthread_barrier_wait(&barrier); /* the audit is under way */
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/* A destructor, before or after the heap's own. */
static void at_thread_end(void *argument)
{
    struct worker *w = argument;

    for (size_t i = 0; i < 20; i++) {
        free_object(&w->table[i]);
        change_object(&w->table[i], &w->rng);
    }
}

/* --- The audit ----------------------------------------------------------- */

static void audit(void)
{
    static const void *live[THREADS * TABLE + SHARED];
    size_t count = 0;

    for (size_t i = 0; i < THREADS; i++)
        for (size_t k = 0; k < TABLE; k++)
            if (workers[i].table[k].p)
                live[count++] = workers[i].table[k].p;
    for (size_t k = 0; k < SHARED; k++)
        if (shared[k].p)
            live[count++] = shared[k].p;
    REQUIRE(heap_audit(live, count));
    audits++;
}

/* Sets a limit that lasts until the threads have ended, or the next audit. */
static void limit_at_times(struct rng *r)
{
    if (few_addresses || rng_below(r, 4) == 0) {
        may_be_null = true;
        limit(rng_log(r, few_addresses ? 64 * MIB : MIB));
    }
}

/* --- Cycles -------------------------------------------------------------- */

/* Runs threads for some rounds, with an audit after each. */
static void cycle(struct rng *r, size_t count, bool can_limit)
{
    bool bounded = may_be_null;

    rounds = 1 + rng_below(r, 6);
    REQUIRE(pthread_barrier_init(&barrier, NULL, (unsigned)count + 1) == 0);
    for (size_t i = 0; i < count; i++)
        REQUIRE(pthread_create(&workers[i].thread, NULL, work, &workers[i]) ==
                0);
    for (size_t i = 0; i < rounds; i++) {
        if (can_limit)
            limit_at_times(r);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        limit(SIZE_MAX);
        audit();
    }
    if (can_limit)
        limit_at_times(r);
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < count; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
    limit(SIZE_MAX);
    may_be_null = bounded;
    audit();
    cycles++;
}

/* Frees all: then all is free.  Returns the bytes that stay resident. */
static size_t rest(void)
{
    for (size_t i = 0; i < THREADS; i++)
        for (size_t k = 0; k < TABLE; k++)
            free_object(&workers[i].table[k]);
    for (size_t k = 0; k < SHARED; k++)
        free_object(&shared[k]);
    sta_heap_trim(0);
    audit();
    REQUIRE(heap_audit_zero());
    REQUIRE(sta_regions[0].own_used <= 4 * THREADS); /* heaps are reused */
    for (uint32_t i = 0; i < sta_region_count; i++)
        REQUIRE(sta_runs_free_units(&sta_regions[i].runs) ==
                sta_region_units(&sta_regions[i]));
    rests++;
    sta_heap_trim(0); /* what the audit read may be huge pages now */
    return resident();
}

static double seconds_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) +
           (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

/* One row, in its environment.  One thread alone has no barrier to wait at. */
static int live(const char *name, double seconds, uint64_t seed)
{
    struct timespec began;
    struct rng r = {seed};
    size_t early = 0;
    size_t late = 0;
    bool can_limit = !is_under_a_tool();
    bool single = strcmp(name, "single") == 0;

    clock_gettime(CLOCK_MONOTONIC, &began);
    REQUIRE(pthread_key_create(&keys[0], at_thread_end) == 0);
    few_addresses = strcmp(name, "regions") == 0 && can_limit;
    if (few_addresses) /* the first reservation takes half of it */
        limit(64 * MIB);
    sta_heap_free(sta_heap_alloc(1)); /* the heap's own key is between ours */
    REQUIRE(pthread_key_create(&keys[1], at_thread_end) == 0);
    limit(SIZE_MAX);
    may_be_null = sta_options.arena_bytes != 0;
    for (size_t i = 0; i < THREADS; i++)
        workers[i].rng.state = seed + i + 1;
    do {
        if (single) {
            one_round(&workers[0]);
            audit();
        } else {
            cycle(&r, 1 + rng_below(&r, THREADS), can_limit);
        }
        if (rng_below(&r, 8) == 0) {
            size_t now = rest();
            size_t *most = seconds_since(&began) < seconds / 4 ? &early : &late;
            *most = now > *most ? now : *most;
        }
    } while (seconds_since(&began) < seconds);
    size_t last = rest();
    printf("%s: %.0f s, seed %llu: %zu operations, %zu refused, %zu forks, %zu "
           "cycles, %zu audits, %zu rests; at rest %zu KiB, at most %zu KiB in "
           "the first quarter and %zu KiB later\n",
           name, seconds_since(&began), (unsigned long long)seed, operations,
           refused, forks, cycles, audits, rests, last / KIB, early / KIB,
           late / KIB);
    /* Descriptions of what was in use at the peak stay resident. */
    CHECK(early == 0 || late <= early + early / 4 + 512 * KIB);
    return check_failures ? CHECK_FAIL : CHECK_PASS;
}

/* Starts this program again for a row; returns its exit status. */
static int run(struct row *row, double seconds)
{
    static char self[] = "soak";
    char duration[32];
    /* As many as check_start_again() may look at. */
    char *arguments[6] = {self, row->name, duration, NULL};
    int status = -1;

    snprintf(duration, sizeof duration, "%.1f", seconds * row->share);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (size_t i = 0; i < COUNT_OF(row->environment); i++)
            if (row->environment[i][0])
                setenv(row->environment[i][0], row->environment[i][1], 1);
        check_start_again(arguments);
    }
    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    if (status != 0)
        dprintf(2, "soak: %s: wait status %#x\n", row->name, (unsigned)status);
    return status == 0 ? CHECK_PASS : CHECK_FAIL;
}

int main(int argc, char **argv)
{
    double seconds = argc == 2 ? strtod(argv[1], NULL) : 10;
    int result = CHECK_PASS;

    if (argc > 2) {
        uint64_t seed = (uint64_t)time(NULL) * 1009 + (uint64_t)getpid();
        return live(argv[1], strtod(argv[2], NULL),
                    argc > 3 ? strtoull(argv[3], NULL, 10) : seed);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (run(&rows[i], seconds) != CHECK_PASS)
            result = CHECK_FAIL;
    return result;
}
