/* SPDX-License-Identifier: MIT */
/*
 * The first calls of a process, by several threads at once.
 *
 * One of them reads the options and makes the arena while the others wait.  A
 * thread that takes a half made heap for a whole one decides by options that
 * are not read yet.  TSan and Helgrind see that in any order of events; by
 * itself the test shows that each thread gets an object that it can use.
 */
#include <pthread.h>
#include <string.h>

#include "heap/heap.h"
#include "heap/threads.h"
#include "tests/lib/check.h"

enum { THREADS = 4, SIZE = 5000 };

static pthread_barrier_t barrier;

/* Each begins with another way into the heap. */
static void *call_first(void *number)
{
    unsigned char *p;

    pthread_barrier_wait(&barrier);
    switch ((size_t)number) {
    case 0:
        p = sta_heap_alloc(SIZE);
        break;
    case 1:
        p = sta_heap_alloc_zero(SIZE);
        break;
    case 2:
        p = sta_heap_alloc_aligned(SIZE, 4096);
        break;
    default:
        p = sta_heap_realloc(sta_heap_alloc(SIZE / 2), SIZE);
    }
    REQUIRE(p != NULL && sta_heap_usable(p) >= SIZE);
    memset(p, 1, SIZE);
    sta_heap_free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];

    REQUIRE(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_create(&thread[i], NULL, call_first, (void *)i) == 0);
    for (size_t i = 0; i < THREADS; i++)
        REQUIRE(pthread_join(thread[i], NULL) == 0);
    CHECK(sta_heap_started());
    return check_status();
}
