/* SPDX-License-Identifier: MIT */
/*
 * What the workloads share: arguments, random numbers, a clock, resident size,
 * threads, and the lines in which a workload says what it saw.
 *
 * A workload is a whole program: an allocator is preloaded in front of it, does
 * a fixed amount of work, and is judged from outside by time, peak resident
 * size and page faults (scripts/bench).  What only the inside can know it
 * prints, one `name value` a line.  Nothing here allocates, so every call of
 * malloc is the workload's own; results are printed at the end, since stdio
 * allocates its buffer.
 *
 * Programs write to what they allocate, so workloads do too, by touch(): an
 * allocator that hands out cold memory pays for it here as it would there.
 */
#ifndef STA_BENCH_H
#define STA_BENCH_H

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BENCH_PAGE = 4096, BENCH_THREADS_MAX = 64 };

/* The argument at that place, or a default that runs for about half a second.
 */
static inline size_t argument(int argc, char **argv, int place,
                              size_t otherwise)
{
    return place < argc ? strtoul(argv[place], NULL, 10) : otherwise;
}

/* Marsaglia's xorshift64*; the state must not be 0. */
static inline uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

/* A state that differs well between neighbouring indices. */
static inline uint64_t random_start(size_t index)
{
    return (index + 1) * 0x9e3779b97f4a7c15u;
}

/* Evenly from 0 to below - 1; below is less than 2^32. */
static inline size_t random_below(uint64_t *state, size_t below)
{
    return (size_t)((random_next(state) >> 32) * below >> 32);
}

/* Evenly from low to high, both included. */
static inline size_t random_between(uint64_t *state, size_t low, size_t high)
{
    return low + random_below(state, high - low + 1);
}

/*
 * A size from 16 to size_max, a power of two: every doubling is equally likely,
 * as in programs, where small objects are many and large ones are few.
 */
static inline size_t random_size(uint64_t *state, size_t size_max)
{
    unsigned doublings = (unsigned)__builtin_ctzl(size_max) - 4;
    size_t low = (size_t)16 << random_below(state, doublings);
    return random_between(state, low, 2 * low);
}

static inline uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void sleep_ms(long milliseconds)
{
    struct timespec t = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Writes to the first and last byte, and to one byte in each page between. */
static inline void touch(void *object, size_t size_bytes)
{
    volatile char *p = object;
    for (size_t i = 0; i < size_bytes; i += BENCH_PAGE)
        p[i] = 1;
    p[size_bytes - 1] = 1;
}

/* A workload measures success only: it ends at the first refusal. */
static inline void *demand(void *object)
{
    if (object == NULL) {
        static const char line[] = "bench: the allocator refused\n";
        (void)!write(2, line, sizeof line - 1);
        _exit(1);
    }
    return object;
}

static inline void *make(size_t size_bytes)
{
    void *object = demand(malloc(size_bytes));
    touch(object, size_bytes);
    return object;
}

/* Resident size in KiB, from the second field of /proc/self/statm. */
static inline size_t resident_kib(void)
{
    char text[128] = "";
    char *end;
    int fd = open("/proc/self/statm", O_RDONLY);
    (void)!read(fd, text, sizeof text - 1);
    close(fd);
    (void)strtoul(text, &end, 10);
    return strtoul(end, NULL, 10) * ((size_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* Runs body(index) in that many threads at once and waits for them all. */
static inline void run_threads(size_t count, void *(*body)(void *))
{
    pthread_t thread[BENCH_THREADS_MAX];
    for (uintptr_t i = 0; i < count; i++)
        if (pthread_create(&thread[i], NULL, body, (void *)i) != 0)
            abort();
    for (size_t i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

static inline void print_result(const char *name, size_t value)
{
    printf("%s %zu\n", name, value);
}

/* The last call of most workloads, once everything is freed. */
static inline void print_resident_after_free(void)
{
    size_t kib = resident_kib();
    print_result("rss_after_free_kib", kib);
}

#endif
