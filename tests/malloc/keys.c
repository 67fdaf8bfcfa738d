/* SPDX-License-Identifier: MIT */
/*
 * malloc without a key for thread-specific data: the program took them all
 * before its first allocation, and nobody tells when a thread ends.
 */
#include "check.h"

#include <pthread.h>

enum { THREADS = 8, COUNT = 1000 };

static size_t key_count;

__attribute__((constructor(101))) static void take_all_keys(void)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0)
        key_count++;
}

static void *work(void *seed)
{
    for (size_t i = 1; i < COUNT; i++) {
        unsigned char *p = malloc(i);
        REQUIRE(p != NULL);
        pattern_fill(p, i, (size_t)seed + i);
        CHECK(pattern_holds(p, i, (size_t)seed + i));
        free(p);
    }
    return seed;
}

static void threads_come_and_go_without_a_key(void)
{
    pthread_t thread[THREADS];
    REQUIRE(key_count > 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, work, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(thread[i], NULL) == 0);
}

static const struct check_case cases[] = {
    {"threads_come_and_go_without_a_key", threads_come_and_go_without_a_key},
};

int main(int argc, char **argv)
{
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
