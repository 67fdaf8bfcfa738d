/* SPDX-License-Identifier: MIT */
/*
 * sta_range beside its two seeds: fill and free, random, and fragmented.
 *
 *     seed_range [PEER.so ...]
 *
 * fill_free   100,000 blocks of 1 unit in a space of 200,000, freed in order
 * random      10,000 rounds of 1 to 9 allocations of 1 to 999 units in a space
 *             of 1,000,000 and 1 to 9 frees of random blocks; the rest freed
 * fragmented  N blocks of 1 to 999 units that lie between N holes; then again
 *             and again: free a random block, allocate one of another size
 *
 * The first two are those of Noxime's gist that orderly-allocator's own branch
 * runs. A peer is a shared library made of bench/peers/ (see its README); each
 * contender, ours too, is called through a pointer, and all see the same
 * numbers. The contenders take turns in slices of some milliseconds, so that
 * what else the machine does falls on all; the lower tenth of the slices
 * counts.
 *
 * Pass: at least 3 times as fast as a peer named orderly, and no slower than
 * one named offset (10 % are noise); no call of malloc by ours, counted by a
 * malloc of this program. Without peers the figures are printed, and the
 * hard-real-time part is still judged. Exit status 1 when one fails.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <stalloc/range.h>

enum { FRAGMENTED_OPS = 10000, RANDOM_ROUNDS = 10000, LIVE_MAX = 200000 };

struct handle {
    uint32_t word[2];
};

struct contender {
    const char *name;
    void *(*create)(uint32_t capacity, uint32_t max_live);
    void (*destroy)(void *);
    bool (*alloc)(void *, uint32_t size, struct handle *);
    void (*free)(void *, struct handle);
};

/* --- malloc calls, counted ------------------------------------------------ */

static size_t malloc_calls;

void *__libc_malloc(size_t);
void *malloc(size_t size);
void *malloc(size_t size)
{
    malloc_calls++;
    return __libc_malloc(size);
}

/* --- ours ----------------------------------------------------------------- */

struct ours {
    struct sta_range range;
    struct sta_range_node nodes[];
};

static void *ours_create(uint32_t capacity, uint32_t max_live)
{
    uint32_t count = STA_RANGE_NODES(max_live);
    size_t size = sizeof(struct ours) + count * sizeof(struct sta_range_node);
    struct ours *o = aligned_alloc(64, (size + 63) / 64 * 64);

    if (!o || sta_range_init(&o->range, capacity, o->nodes, count) != STA_OK)
        abort();
    return o;
}

static bool ours_alloc(void *ctx, uint32_t size, struct handle *h)
{
    struct ours *o = ctx;
    struct sta_range_block b = sta_range_alloc(&o->range, size);

    h->word[0] = b.offset;
    h->word[1] = b.node;
    return !sta_range_is_none(b);
}

static void ours_free(void *ctx, struct handle h)
{
    struct ours *o = ctx;

    if (sta_range_free(&o->range, (struct sta_range_block){
                                      h.word[0], h.word[1]}) != STA_OK)
        abort();
}

/* --- workloads ------------------------------------------------------------ */

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One contender in one workload: what it allocated, and its random numbers. */
struct run {
    const struct contender *c;
    void *a;
    struct handle *live;
    uint32_t live_count;
    uint64_t random_state;
};

static size_t failures;

static uint32_t random_below(struct run *r, uint32_t limit)
{
    uint64_t x = r->random_state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    r->random_state = x;
    return (uint32_t)(((x >> 32) * limit) >> 32);
}

static void take(struct run *r, uint32_t i, uint32_t size)
{
    if (!r->c->alloc(r->a, size, &r->live[i])) {
        failures++;
        r->live[i].word[0] = UINT32_MAX;
    }
}

static void give(struct run *r, uint32_t i)
{
    if (r->live[i].word[0] != UINT32_MAX)
        r->c->free(r->a, r->live[i]);
}

/* Each workload has a set-up and a slice that is timed; a slice returns the
 * number of its operations. */
static void nothing(struct run *r, uint32_t argument)
{
    (void)r, (void)argument;
}

static uint32_t fill_free(struct run *r, uint32_t count)
{
    r->a = r->c->create(count * 2, count);
    for (uint32_t i = 0; i < count; i++)
        take(r, i, 1);
    for (uint32_t i = 0; i < count; i++)
        give(r, i);
    r->c->destroy(r->a);
    return 2 * count;
}

static uint32_t random_rounds(struct run *r, uint32_t capacity)
{
    uint32_t live_count = 0, ops = 0;

    r->random_state = 0x9e3779b97f4a7c15u;
    r->a = r->c->create(capacity, LIVE_MAX / 2);
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        for (uint32_t n = 1 + random_below(r, 9); n > 0; n--, ops++)
            take(r, live_count++, 1 + random_below(r, 999));
        for (uint32_t n = 1 + random_below(r, 9); n > 0 && live_count; n--) {
            uint32_t i = random_below(r, live_count);

            give(r, i);
            r->live[i] = r->live[--live_count];
            ops++;
        }
    }
    for (; live_count; ops++)
        give(r, --live_count);
    r->c->destroy(r->a);
    return ops;
}

/* The holes are all there is, but for a twentieth at the end. */
static void make_holes(struct run *r, uint32_t holes)
{
    r->a = r->c->create(holes * 1050, 2 * holes + 2);
    for (uint32_t i = 0; i < 2 * holes; i++)
        take(r, i, 1 + random_below(r, 999));
    for (uint32_t i = 0; i < holes; i++) {
        give(r, 2 * i);
        r->live[i] = r->live[2 * i + 1];
    }
}

static uint32_t fragmented(struct run *r, uint32_t holes)
{
    for (int op = 0; op < FRAGMENTED_OPS; op++) {
        uint32_t i = random_below(r, holes);

        give(r, i);
        take(r, i, 1 + random_below(r, 999));
    }
    return 2 * FRAGMENTED_OPS;
}

static const struct workload {
    const char *name;
    void (*set_up)(struct run *, uint32_t);
    uint32_t (*slice)(struct run *, uint32_t);
    uint32_t argument;
    int slices;
} workloads[] = {
    {"fill_free", nothing, fill_free, 100000, 30},
    {"random", nothing, random_rounds, 1000000, 30},
    {"fragmented 500", make_holes, fragmented, 500, 60},
    {"fragmented 5000", make_holes, fragmented, 5000, 60},
    {"fragmented 50000", make_holes, fragmented, 50000, 60},
    {"fragmented 100000", make_holes, fragmented, 100000, 60},
};

enum { WORKLOADS = sizeof workloads / sizeof *workloads, CONTENDERS_MAX = 8 };

static struct contender contenders[CONTENDERS_MAX] = {
    {"sta_range", ours_create, free, ours_alloc, ours_free},
};
static int contender_count = 1;
static struct handle lives[CONTENDERS_MAX][LIVE_MAX];

static void load_peer(const char *path)
{
    void *lib = dlopen(path, RTLD_NOW);
    struct contender *c = &contenders[contender_count];
    const char **name;

    if (!lib || contender_count == CONTENDERS_MAX) {
        fprintf(stderr, "seed_range: %s: %s\n", path, dlerror());
        exit(2);
    }
    name = (const char **)dlsym(lib, "peer_name");
    c->name = name ? *name : path;
    *(void **)&c->create = dlsym(lib, "peer_create");
    *(void **)&c->destroy = dlsym(lib, "peer_destroy");
    *(void **)&c->alloc = dlsym(lib, "peer_alloc");
    *(void **)&c->free = dlsym(lib, "peer_free");
    if (!c->create || !c->destroy || !c->alloc || !c->free)
        exit(2);
    contender_count++;
}

/* --- the longest single operation, in cycles ------------------------------ */

static uint64_t ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    return now_ns();
#endif
}

static int compare_ticks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/*
 * The same sequence again and again: an interrupt lengthens one operation of
 * one pass, a slow path the same operation of every pass. So the minimum over
 * the passes is taken for each operation, then the maximum over operations.
 */
static void worst_operation(uint32_t holes)
{
    enum { OPS = 100000, PASSES = 5 };
    static uint64_t least[OPS];

    memset(least, 0xff, sizeof least);
    for (int pass = 0; pass < PASSES; pass++) {
        struct run r = {&contenders[0], NULL, lives[0], 0, 42};

        make_holes(&r, holes);
        for (int op = 0; op < OPS; op += 2) {
            uint32_t i = random_below(&r, holes);
            uint32_t size = 1 + random_below(&r, 999);
            uint64_t t0 = ticks(), t1, t2;

            ours_free(r.a, r.live[i]);
            t1 = ticks();
            ours_alloc(r.a, size, &r.live[i]);
            t2 = ticks();
            if (t1 - t0 < least[op])
                least[op] = t1 - t0;
            if (t2 - t1 < least[op + 1])
                least[op + 1] = t2 - t1;
        }
        free(r.a);
    }
    qsort(least, OPS, sizeof *least, compare_ticks);
    printf("cycles, %u holes: median %llu, p99.9 %llu, worst %llu\n", holes,
           (unsigned long long)least[OPS / 2],
           (unsigned long long)least[OPS - OPS / 1000],
           (unsigned long long)least[OPS - 1]);
}

static int compare_ns(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* ns an operation: the lower tenth of a contender's slices. */
static double figure[WORKLOADS][CONTENDERS_MAX];

static void measure(int w)
{
    enum { SLICES_MAX = 60 };
    static double ns[CONTENDERS_MAX][SLICES_MAX];
    const struct workload *work = &workloads[w];
    struct run runs[CONTENDERS_MAX];

    for (int c = 0; c < contender_count; c++) {
        runs[c] = (struct run){&contenders[c], NULL, lives[c], 0,
                               0x9e3779b97f4a7c15u};
        work->set_up(&runs[c], work->argument);
    }
    for (int slice = 0; slice < work->slices; slice++) {
        for (int c = 0; c < contender_count; c++) {
            uint64_t start = now_ns();
            uint32_t ops = work->slice(&runs[c], work->argument);

            ns[c][slice] = (double)(now_ns() - start) / ops;
        }
    }
    for (int c = 0; c < contender_count; c++) {
        qsort(ns[c], (size_t)work->slices, sizeof **ns, compare_ns);
        figure[w][c] = ns[c][work->slices / 10];
        if (work->set_up != nothing)
            contenders[c].destroy(runs[c].a);
    }
}

/* Prints the table; returns the number of rules that are broken. */
static int judge(void)
{
    int broken = 0;

    printf("%-20s", "ns an operation");
    for (int c = 0; c < contender_count; c++)
        printf("%12s", contenders[c].name);
    printf("\n");
    for (int w = 0; w < WORKLOADS; w++) {
        printf("%-20s", workloads[w].name);
        for (int c = 0; c < contender_count; c++) {
            double ratio = figure[w][c] / figure[w][0];
            bool slow = (!strcmp(contenders[c].name, "orderly") && ratio < 3) ||
                        (!strcmp(contenders[c].name, "offset") && ratio < 0.9);

            printf("%11.1f%c", figure[w][c], slow ? '!' : ' ');
            broken += slow;
        }
        printf("\n");
    }
    return broken;
}

/* The malloc calls of ours in a life after its set-up. */
static size_t hidden_mallocs(void)
{
    struct run r = {&contenders[0], NULL, lives[0], 0, 1};
    size_t before;

    make_holes(&r, 1000);
    before = malloc_calls;
    fragmented(&r, 1000);
    before = malloc_calls - before;
    free(r.a);
    return before;
}

int main(int argc, char **argv)
{
    int broken;
    size_t hidden;

    for (int i = 1; i < argc; i++)
        load_peer(argv[i]);
    for (int w = 0; w < WORKLOADS; w++)
        measure(w);
    broken = judge();
    worst_operation(500);
    worst_operation(100000);
    hidden = hidden_mallocs();
    printf("malloc calls of sta_range: %zu; failed allocations, all: %zu\n",
           hidden, failures);
    if (hidden)
        broken++;
    printf("%s\n", broken ? "FAIL" : "PASS");
    return broken != 0;
}
