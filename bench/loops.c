/* SPDX-License-Identifier: MIT */
/*
 * Loops of malloc and free whose instructions can be counted exactly.
 *
 * Time is noisy on a shared machine, instructions are not.  `bench/count`
 * runs this program under callgrind at two lengths and divides the difference,
 * so start-up, and whatever an allocator does once, drops out:
 *
 *     (instructions at length n2 - instructions at length n1) / (n2 - n1)
 *
 * is what one malloc with its free costs, the loop and the two jumps through
 * the PLT included.  Each loop shows another part of an allocator:
 *
 * pair N      frees each object at once: the fast path and nothing else.
 * batch N     allocates 1000, frees them in the order of allocation: lists
 *             run empty and fill again, so part of the slow path counts.
 * random N    replaces a random one of 4096 slots by one of 16 to N bytes:
 *             the free lists lose their order, size classes mix, and pages
 *             empty one by one as in a program that has run for a while.
 *
 * Nothing is written to the objects; that cost is the program's own.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_COUNT = 1000, RANDOM_SLOTS = 4096 };

/* The compiler may drop a malloc whose result is only freed; this stops it. */
static inline void keep(void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

/* Marsaglia's xorshift64: three shifts, so the loop adds little of its own. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

static void run_pair(size_t size_bytes, long count)
{
    for (long i = 0; i < count; i++) {
        void *p = malloc(size_bytes);
        keep(p);
        free(p);
    }
}

static void run_batch(size_t size_bytes, long count)
{
    static void *object[BATCH_COUNT];

    for (long done = 0; done < count; done += BATCH_COUNT) {
        for (int i = 0; i < BATCH_COUNT; i++)
            object[i] = malloc(size_bytes);
        for (int i = 0; i < BATCH_COUNT; i++)
            free(object[i]);
    }
}

static void run_random(size_t size_max, long count)
{
    static void *object[RANDOM_SLOTS];
    uint64_t state = 0x9e3779b97f4a7c15u;
    size_t span = size_max - 15;

    for (long i = 0; i < count; i++) {
        void **slot = &object[next_random(&state) % RANDOM_SLOTS];
        size_t size_bytes = 16 + next_random(&state) % span;

        free(*slot);
        *slot = malloc(size_bytes);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(size_t, long);
    } loops[] = {
        {"pair", run_pair}, {"batch", run_batch}, {"random", run_random}};

    size_t size_bytes = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    long count = argc == 4 ? strtol(argv[3], NULL, 10) : 0;

    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        if (size_bytes >= 16 && strcmp(argv[1], loops[i].name) == 0) {
            loops[i].run(size_bytes, count);
            return 0;
        }
    }
    fprintf(stderr, "usage: loops pair|batch|random SIZE COUNT\n"
                    "SIZE is at least 16 bytes\n");
    return 2;
}
