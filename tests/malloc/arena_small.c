/* SPDX-License-Identifier: MIT */
/*
 * In a small arena, too, what a thread frees of another's objects serves that
 * one again, though the thread that freed it sleeps.
 *
 * Could fail: what waits there for company on its way, or for the thread's own
 * next request, is little beside a large arena and much of a small one.
 */
#include "check.h"

#include <pthread.h>

enum { ARENA = 512 * 1024, SIZE = 64, SHARED = 160, ROUNDS = 300 };

static pthread_barrier_t turn;
static void **taken; /* objects, linked */
static void *shared[SHARED];

/* Takes all that there is; returns how many objects. */
static size_t take_all(void)
{
    size_t count = 0;

    for (void **p; (p = malloc(SIZE)) != NULL; taken = p, count++)
        *p = taken;
    return count;
}

static void give_all(void)
{
    while (taken != NULL) {
        void **next = *taken;
        free(taken);
        taken = next;
    }
}

static void *free_and_sleep(void *argument)
{
    pthread_barrier_wait(&turn);
    give_all();
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    return argument;
}

static void what_waits_to_be_sent(void)
{
    pthread_t thread;

    pthread_barrier_init(&turn, NULL, 2);
    REQUIRE(pthread_create(&thread, NULL, free_and_sleep, NULL) == 0);
    size_t count = take_all();
    pthread_barrier_wait(&turn);
    pthread_barrier_wait(&turn);
    CHECK(take_all() > count / 10 * 9);
    give_all();
    pthread_barrier_wait(&turn);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&turn);
}

static void give_shared(void)
{
    for (size_t i = 0; i < SHARED; i++)
        free(shared[i]);
}

/* Half of the sizes of slots up to 2 KiB. */
static void take_shared(unsigned *seed)
{
    for (size_t i = 0; i < SHARED; i++) {
        *seed = *seed * 1103515245 + 12345;
        unsigned n = *seed >> 16;
        REQUIRE((shared[i] = malloc((16u + n / 8 % 2 * 8) << n % 8)) != NULL);
    }
}

static void *change_and_sleep(void *argument)
{
    unsigned seed = 7;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&turn);
        give_shared();
        take_shared(&seed);
        pthread_barrier_wait(&turn);
    }
    pthread_barrier_wait(&turn);
    return argument;
}

/* Two threads free each other's objects, and allocate as many. */
static void what_waits_for_the_thread_itself(void)
{
    pthread_t thread;
    unsigned seed = 3;

    pthread_barrier_init(&turn, NULL, 2);
    REQUIRE(pthread_create(&thread, NULL, change_and_sleep, NULL) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        take_shared(&seed);
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        give_shared();
    }
    pthread_barrier_wait(&turn);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&turn);
}

static const struct check_case cases[] = {
    {"what_waits_to_be_sent", what_waits_to_be_sent},
    {"what_waits_for_the_thread_itself", what_waits_for_the_thread_itself},
};

int main(int argc, char **argv)
{
    if (!check_is_stalloc())
        return CHECK_SKIP;
    check_needs_threads();
    check_needs_env(argv, "STALLOC_ARENA_SIZE", "512K");
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
