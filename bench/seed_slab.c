/* SPDX-License-Identifier: MIT */
/*
 * sta_slab and sta_zone beside malloc: slabmalloc's headline, one object
 * allocated and freed again and again, with one other kept live.
 *
 *     seed_slab            under LD_PRELOAD=libjemalloc.so.2 for the rule
 *
 * malloc is whatever the process has: the C library's, or what is preloaded. As
 * in the seed, sizes are 8 and 512 bytes. The contenders take turns; of many
 * short rounds the fastest counts.
 *
 * Pass: sta_slab takes at most half of malloc's time, sta_zone less than all of
 * it, for both sizes. Exit status 1 when it is not so.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <stalloc/slab.h>
#include <stalloc/zone.h>

enum { PAIRS = 100000, ROUNDS = 60, PAGE = 65536 };

static struct sta_slab slab;
static struct sta_zone zone;

/* Keeps p from being known, so that no pair is optimised away. */
static inline void *opaque(void *p)
{
    __asm__ volatile("" : "+r"(p));
    return p;
}

static inline size_t opaque_size(size_t n)
{
    __asm__ volatile("" : "+r"(n));
    return n;
}

static void slab_pairs(size_t size)
{
    (void)size;
    for (int i = 0; i < PAIRS; i++)
        sta_slab_free(&slab, opaque(sta_slab_alloc(&slab)));
}

static void zone_pairs(size_t size)
{
    for (int i = 0; i < PAIRS; i++) {
        void *p = opaque(sta_zone_alloc(&zone, opaque_size(size), 8));

        sta_zone_free(&zone, p, opaque_size(size), 8);
    }
}

static void malloc_pairs(size_t size)
{
    for (int i = 0; i < PAIRS; i++)
        free(opaque(malloc(opaque_size(size))));
}

static double ns_a_pair(void (*pairs)(size_t), size_t size)
{
    struct timespec a, b;

    clock_gettime(CLOCK_MONOTONIC, &a);
    pairs(size);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
            (double)(b.tv_nsec - a.tv_nsec)) /
           PAIRS;
}

static void keep_least(double *least, double ns)
{
    if (*least == 0 || ns < *least)
        *least = ns;
}

static int measure(size_t size)
{
    struct sta_zone_config config = {.large_page_bytes = PAGE,
                                     .pager = sta_source_mmap()};
    double by_slab = 0, by_zone = 0, by_malloc = 0;
    bool ok;

    if (sta_slab_init(&slab, size, 8, PAGE) != STA_OK ||
        sta_slab_refill(&slab, aligned_alloc(PAGE, PAGE)) != STA_OK ||
        sta_zone_init(&zone, &config) != STA_OK || !sta_slab_alloc(&slab) ||
        !sta_zone_alloc(&zone, size, 8) || !opaque(malloc(size)))
        abort();
    for (int round = 0; round < ROUNDS; round++) {
        keep_least(&by_slab, ns_a_pair(slab_pairs, size));
        keep_least(&by_zone, ns_a_pair(zone_pairs, size));
        keep_least(&by_malloc, ns_a_pair(malloc_pairs, size));
    }
    ok = by_slab <= by_malloc / 2 && by_zone < by_malloc;
    printf("%4zu bytes, ns a pair: sta_slab %.2f, sta_zone %.2f, malloc %.2f"
           "; ratios %.2f, %.2f: %s\n",
           size, by_slab, by_zone, by_malloc, by_malloc / by_slab,
           by_malloc / by_zone, ok ? "pass" : "FAIL");
    return ok ? 0 : 1;
}

int main(void)
{
    return measure(8) + measure(512) ? 1 : 0;
}
