/* SPDX-License-Identifier: MIT */
/*
 * latency THREADS COUNT SIZE_MAX SLOTS: how long single calls take.
 *
 * A mean hides the one call in a million that waits for the kernel, and that
 * call is what a game, a sound server or a trading system asks about.  Every
 * malloc and every free is timed by itself with the processor's cycle counter,
 * sizes mixed to SIZE_MAX, and counted in a histogram whose buckets are 1/32 of
 * a doubling wide; so a figure is true to 3 %.  Reading the counter costs some
 * 20 to 40 cycles, the same for every allocator, and is not taken off.
 *
 * Interrupts and a busy machine add to the tail whatever the allocator does.
 * How much is measured beside: as often as malloc is called, some 100 cycles of
 * arithmetic are timed, which need no memory (`idle`).  A tail of malloc that
 * is no longer than theirs is the machine's.  Compare runs that alternate, and
 * take the lowest worst case of several.
 *
 * The objects are written outside the timed part, so that the kernel's time
 * for a first touch counts only where the allocator itself touches first.  The
 * page faults of the timed loop are printed too: none, when all memory was
 * there from the start (STALLOC_PREFAULT).
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

enum { STEPS = 32, DOUBLINGS = 40, BUCKETS = STEPS * DOUBLINGS };

enum call { CALL_MALLOC, CALL_FREE, CALL_IDLE, CALLS };

struct histogram {
    uint32_t count[CALLS][BUCKETS];
    uint64_t worst[CALLS];
};

static struct histogram histogram[BENCH_THREADS_MAX];
static size_t operations, size_max, slots;
static _Atomic size_t faults;

static inline uint64_t cycles(void)
{
#if defined(__x86_64__)
    uint32_t low, high;
    /* The fences keep earlier and later work out of the interval. */
    __asm__ volatile("lfence\n\trdtsc\n\tlfence"
                     : "=a"(low), "=d"(high)
                     :
                     : "memory");
    return (uint64_t)high << 32 | low;
#else
    return now_ns();
#endif
}

/* Exact below STEPS; above, the top bit and the five after it. */
static size_t bucket_of(uint64_t value)
{
    if (value < STEPS)
        return (size_t)value;
    unsigned shift = 58 - (unsigned)__builtin_clzl(value);
    size_t bucket = (size_t)(shift * STEPS) + (size_t)(value >> shift);
    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(size_t bucket)
{
    if (bucket < 2 * STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / STEPS - 1);
    return ((uint64_t)(bucket % STEPS + STEPS + 1) << shift) - 1;
}

static void record(struct histogram *h, enum call call, uint64_t value)
{
    h->count[call][bucket_of(value)]++;
    if (value > h->worst[call])
        h->worst[call] = value;
}

/* Page faults of this thread so far. */
static size_t thread_faults(void)
{
    struct rusage used;
    getrusage(RUSAGE_THREAD, &used);
    return (size_t)used.ru_minflt + (size_t)used.ru_majflt;
}

/* Keeps the processor busy for about as long as malloc does. */
static inline void idle(void)
{
    for (unsigned i = 0; i < 32; i++)
        __asm__ volatile("" : "+r"(i)); /* is not to be unrolled */
}

static void *work(void *index)
{
    struct histogram *h = &histogram[(uintptr_t)index];
    uint64_t state = random_start((uintptr_t)index);
    void **slot = demand(malloc(slots * sizeof *slot));
    memset(slot, 0, slots * sizeof *slot); /* calloc may not touch it */

    size_t faults_before = thread_faults();
    for (size_t i = 0; i < operations; i++) {
        size_t at = random_below(&state, slots);
        size_t size_bytes = random_size(&state, size_max);
        if (slot[at] != NULL) {
            uint64_t before = cycles();
            free(slot[at]);
            record(h, CALL_FREE, cycles() - before);
        }
        uint64_t before = cycles();
        slot[at] = malloc(size_bytes);
        record(h, CALL_MALLOC, cycles() - before);
        touch(demand(slot[at]), size_bytes);
        before = cycles();
        idle();
        record(h, CALL_IDLE, cycles() - before);
    }
    faults += thread_faults() - faults_before;
    for (size_t i = 0; i < slots; i++)
        free(slot[i]);
    free(slot);
    return NULL;
}

static void add_up(size_t threads)
{
    for (size_t t = 1; t < threads; t++) {
        for (int call = 0; call < CALLS; call++) {
            for (size_t b = 0; b < BUCKETS; b++)
                histogram[0].count[call][b] += histogram[t].count[call][b];
            if (histogram[t].worst[call] > histogram[0].worst[call])
                histogram[0].worst[call] = histogram[t].worst[call];
        }
    }
}

static void print_quantiles(enum call call, const char *name)
{
    static const struct {
        const char *name;
        double rank;
    } quantile[] = {{"p50", .5},     {"p90", .9},       {"p99", .99},
                    {"p99.9", .999}, {"p99.99", .9999}, {"p99.999", .99999}};
    const uint32_t *count = histogram[0].count[call];
    uint64_t total = 0, below = 0;
    size_t bucket = 0;

    for (size_t b = 0; b < BUCKETS; b++)
        total += count[b];
    for (size_t q = 0; q < sizeof quantile / sizeof *quantile; q++) {
        while ((double)(below + count[bucket]) <
               (double)total * quantile[q].rank)
            below += count[bucket++];
        printf("%s_%s_cycles %zu\n", name, quantile[q].name,
               (size_t)bucket_end(bucket));
    }
    printf("%s_worst_cycles %zu\n", name, (size_t)histogram[0].worst[call]);
}

/* `curve` lines: the call, cycles, and how many calls took that or less. */
static void print_curve(enum call call, const char *name)
{
    uint64_t below = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        if (histogram[0].count[call][b] == 0)
            continue;
        below += histogram[0].count[call][b];
        printf("curve %s %zu %zu\n", name, (size_t)bucket_end(b),
               (size_t)below);
    }
}

int main(int argc, char **argv)
{
    size_t threads = argument(argc, argv, 1, 1);
    size_t total = argument(argc, argv, 2, 2000000);
    size_max = argument(argc, argv, 3, 131072);
    slots = argument(argc, argv, 4, 1000);
    if (threads < 1 || threads > BENCH_THREADS_MAX)
        return 2;
    operations = total / threads;

    /* Fault the histogram in, or its pages would be part of the tail. */
    for (size_t t = 0; t < threads; t++)
        touch(&histogram[t], sizeof histogram[t]);
    memset(histogram, 0, sizeof histogram);

    run_threads(threads, work);
    add_up(threads);
    print_quantiles(CALL_MALLOC, "malloc");
    print_quantiles(CALL_FREE, "free");
    print_quantiles(CALL_IDLE, "idle");
    print_result("faults", faults);
    print_curve(CALL_MALLOC, "malloc");
    print_curve(CALL_FREE, "free");
    return 0;
}
