/* SPDX-License-Identifier: MIT */
/*
 * sta_bump, sta_seg and sta_freelist beside malloc, on lite-alloc's three
 * loops.
 *
 *     simple      8 bytes allocated and freed; ns a pair
 *     fragmented  500 of 8 to 256 bytes, every other freed, 200 of 8 to 128,
 *                 all freed; us a round
 *     sequential  1000 of 8 bytes, freed in reverse; us a round
 *
 * malloc is whatever the process has, which for the rule is to be glibc's.
 * Contenders take turns; of many rounds the fastest counts. No failure is
 * passed over: the original's loop measured a heap that was exhausted. The
 * allocators are compiled into the program, as their users do and as the
 * original is.
 *
 * Pass: none takes longer than the original of its kind, as a multiple of
 * malloc's time beside it. The limits are lite-alloc 0.1.0's multiples in its
 * own profile (opt-level "z", one unit with the loop), measured beside glibc
 * 2.36 with these loops in Rust; the first of fragmented is that of a heap that
 * lives on, where it does 26 ms. A tenth is allowed for noise. Exit status 1
 * when one takes longer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <stalloc/bump.h>
#include <stalloc/freelist.h>
#include <stalloc/seg.h>

enum { ROUNDS = 40, PAIRS = 20000, OBJECTS = 1000 };
enum { BUMP, SEG, FREELIST, MALLOC, CONTENDERS };

static _Alignas(4096) unsigned char memory[1 << 22];
static struct sta_source_span span;
static struct sta_bump bump;
static struct sta_seg seg;
static struct sta_freelist freelist;

static inline __attribute__((always_inline)) void *get(int who, size_t size)
{
    void *p = who == BUMP       ? sta_bump_alloc(&bump, size, 8)
              : who == SEG      ? sta_seg_alloc(&seg, size, 8)
              : who == FREELIST ? sta_freelist_alloc(&freelist, size, 8)
                                : malloc(size);
    if (!p)
        abort();
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static inline __attribute__((always_inline)) void put(int who, void *p,
                                                      size_t size)
{
    if (who == BUMP)
        sta_bump_free(&bump, p, size);
    else if (who == SEG)
        sta_seg_free(&seg, p, size, 8);
    else if (who == FREELIST)
        sta_freelist_free(&freelist, p, size);
    else
        free(p);
}

static inline __attribute__((always_inline)) void simple(int who)
{
    for (int i = 0; i < PAIRS; i++)
        put(who, get(who, 8), 8);
}

static inline __attribute__((always_inline)) void fragmented(int who)
{
    void *p[700];
    size_t size[700];
    uint32_t random = 0xDEADBEEF;
    for (int i = 0; i < 700; i++) {
        random = random * 1664525 + 1013904223;
        size[i] = 8 + (random >> 16) % (i < 500 ? 249 : 121);
        p[i] = get(who, size[i]);
        for (int k = 0; i == 499 && k < 500; k += 2)
            put(who, p[k], size[k]);
    }
    for (int i = 0; i < 700; i++) {
        if (i >= 500 || i % 2)
            put(who, p[i], size[i]);
    }
}

static inline __attribute__((always_inline)) void sequential(int who)
{
    void *p[OBJECTS];
    for (int i = 0; i < OBJECTS; i++)
        p[i] = get(who, 8);
    for (int i = OBJECTS; i-- > 0;)
        put(who, p[i], 8);
}

/* One loop of each contender; `who` is constant in each branch, and all that it
 * calls is part of it whatever the level of optimisation. */
__attribute__((flatten)) static void run(int loop, int who)
{
    switch (4 * loop + who) {
    case 0:
        simple(BUMP);
        break;
    case 1:
        simple(SEG);
        break;
    case 2:
        simple(FREELIST);
        break;
    case 3:
        simple(MALLOC);
        break;
    case 4:
        fragmented(BUMP);
        break;
    case 5:
        fragmented(SEG);
        break;
    case 6:
        fragmented(FREELIST);
        break;
    case 7:
        fragmented(MALLOC);
        break;
    case 8:
        sequential(BUMP);
        break;
    case 9:
        sequential(SEG);
        break;
    case 10:
        sequential(FREELIST);
        break;
    case 11:
        sequential(MALLOC);
        break;
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    static const char *const names[] = {"simple", "fragmented", "sequential"};
    static const char *const units[] = {"ns", "us", "us"};
    static const double scale[] = {1.0 / PAIRS, 1e-3, 1e-3};
    static const double limit[3][3] = {
        {0.375, 0.30, 0.51}, {1173, 0.55, 4.4}, {0.48, 0.50, 0.45}};
    double least[3][CONTENDERS] = {{0}};
    int failed = 0;
    struct sta_source source = sta_source_buffer(&span, memory, sizeof memory);
    sta_bump_init(&bump, source, 65536);
    sta_seg_init(&seg, source, 65536);
    sta_freelist_init(&freelist, source, 65536);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 3 * CONTENDERS; i++) {
            double start = now_ns();
            run(i / CONTENDERS, i % CONTENDERS);
            double ns = (now_ns() - start) * scale[i / CONTENDERS];
            double *best = &least[i / CONTENDERS][i % CONTENDERS];
            *best = *best == 0 || ns < *best ? ns : *best;
        }
    }
    printf("%-14s %9s %9s %9s %9s\n", "", "bump", "seg", "freelist", "malloc");
    for (int loop = 0; loop < 3; loop++) {
        printf("%-10s %s ", names[loop], units[loop]);
        for (int who = 0; who < CONTENDERS; who++)
            printf(" %9.2f", least[loop][who]);
        printf("\n");
        for (int who = 0; who < MALLOC; who++) {
            double ratio = least[loop][who] / least[loop][MALLOC];
            if (ratio <= 1.1 * limit[loop][who])
                continue;
            printf("  FAIL: %.2f times malloc, at most %g\n", ratio,
                   limit[loop][who]);
            failed = 1;
        }
    }
    return failed;
}
