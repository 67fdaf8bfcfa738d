/* SPDX-License-Identifier: MIT */
/*
 * Threads free each other's objects while the heaps of both shrink.
 *
 * Could fail: a heap that looks for free pages in a slab takes an object for
 * its own that another thread frees just then; so two lists have it, and then
 * two owners.  An object holds its own address as long as it has one.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROUNDS = 30, ROUNDS_LONG = 2000, THREADS = 2, COUNT = 60000 };
enum { TABLE = 1000 };

static _Atomic(uintptr_t *) table[TABLE];
static uintptr_t *own[THREADS][COUNT];

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static uintptr_t *make(size_t size)
{
    uintptr_t *object = malloc(size);
    REQUIRE(object != NULL);
    *object = (uintptr_t)object;
    return object;
}

static void drop(uintptr_t *object)
{
    CHECK(object == NULL || *object == (uintptr_t)object);
    free(object);
}

struct job {
    uintptr_t **object;
    uint32_t state;
};

/* Makes many, gives some away for others, and frees them, nearly all at first.
 */
static void *work(void *data)
{
    struct job *job = data;
    uintptr_t **object = job->object;
    uint32_t state = job->state;

    for (size_t i = 0; i < COUNT; i++)
        object[i] = make(16 + next(&state) % 500);
    for (size_t i = 0; i < COUNT; i++) {
        /* acq_rel pairs with itself: who frees sees what was written. */
        if (next(&state) % 4 == 0)
            object[i] = atomic_exchange_explicit(
                &table[next(&state) % TABLE], object[i], memory_order_acq_rel);
        if (next(&state) % 50 != 0) {
            drop(object[i]);
            object[i] = NULL;
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        drop(object[i]);
    return NULL;
}

static void objects_have_one_owner(void)
{
    uint32_t rounds = check_is_long() ? ROUNDS_LONG : ROUNDS;

    for (uint32_t round = 0; round < rounds; round++) {
        pthread_t thread[THREADS];
        struct job job[THREADS];
        for (uint32_t t = 0; t < THREADS; t++) {
            job[t] = (struct job){own[t], round + t + 1};
            REQUIRE(pthread_create(&thread[t], NULL, work, &job[t]) == 0);
        }
        for (uint32_t t = 0; t < THREADS; t++)
            pthread_join(thread[t], NULL);
        for (size_t i = 0; i < TABLE; i += 2)
            drop(atomic_exchange(&table[i], NULL));
    }
}

static const struct check_case cases[] = {
    {"objects_have_one_owner", objects_have_one_owner},
};

int main(int argc, char **argv)
{
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
