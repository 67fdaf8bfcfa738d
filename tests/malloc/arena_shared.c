/* SPDX-License-Identifier: MIT */
/*
 * What threads had of a fixed arena and have freed serves the others, while
 * they still run.
 *
 * Could fail: each keeps a part for its next request, and all together keep the
 * arena.
 */
#include "check.h"

#include <pthread.h>

enum { KIB = 1024, MIB = 1024 * 1024, SLEEPERS = 64 };

static pthread_barrier_t sleepers;

static void *use_and_sleep(void *argument)
{
    enum { SIZE = 16 * KIB, COUNT = 40 };
    char *object[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        REQUIRE((object[i] = malloc(SIZE)) != NULL);
    for (size_t i = 0; i < COUNT; i++)
        free(object[i]);
    pthread_barrier_wait(&sleepers);
    pthread_barrier_wait(&sleepers);
    return argument;
}

/* 40 MiB that threads had and freed, which still run. */
static void threads_that_wait_leave_the_arena_to_others(void)
{
    pthread_t thread[SLEEPERS];

    pthread_barrier_init(&sleepers, NULL, SLEEPERS + 1);
    for (size_t i = 0; i < SLEEPERS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, use_and_sleep, NULL) == 0);
    pthread_barrier_wait(&sleepers);
    void *p = malloc(48 * MIB);
    CHECK(p != NULL);
    free(p);
    pthread_barrier_wait(&sleepers);
    for (size_t i = 0; i < SLEEPERS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&sleepers);
}

static const struct check_case cases[] = {
    {"threads_that_wait_leave_the_arena_to_others",
     threads_that_wait_leave_the_arena_to_others},
};

int main(int argc, char **argv)
{
    if (!check_is_stalloc())
        return CHECK_SKIP;
    check_needs_threads();
    check_needs_env(argv, "STALLOC_ARENA_SIZE", "64M");
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
