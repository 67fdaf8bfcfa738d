/* SPDX-License-Identifier: MIT */
/*
 * A thread ends while the program shrinks.
 *
 * What it has on its bins' own lists goes to the slabs then, and each such free
 * may be one for which the heap takes a step of giving back.  Such a step puts
 * slots on a list that the end of the thread has emptied already.
 */
#include <pthread.h>
#include <semaphore.h>

#include "heap/heap.h"
#include "heap/trim.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"

enum { SMALL = 200, SMALL_BYTES = 16, FEW = 40, FEW_BYTES = 5000 };
enum { LARGE = 200, LARGE_BYTES = 1 << 20 };

static sem_t step; /* a semaphore for both: they take turns */
static sem_t done;

static void *allocate(size_t size)
{
    volatile size_t bytes = size; /* gcc would warn of where it is not used */
    void *p = sta_heap_alloc(bytes);
    REQUIRE(p != NULL);
    return p;
}

/* Has a current slab with many free slots of a small class, and on the own list
 * of a larger class some of full slabs. */
static void *live(void *unused)
{
    void *small[SMALL], *few[FEW];
    for (int round = 0; round < 2; round++) { /* the second needs no memory */
        for (int i = 0; i < SMALL; i++)
            small[i] = allocate(SMALL_BYTES);
        for (int i = 0; i < SMALL; i++)
            sta_heap_free(small[i]);
        for (int i = 0; i < FEW && round == 0; i++)
            few[i] = allocate(FEW_BYTES);
    }
    for (int i = 0; i < FEW; i += 2)
        sta_heap_free(few[i]);
    sem_post(&done);
    sem_wait(&step);
    sta_heap_shrink(sta_self);
    sem_post(&done);
    sem_wait(&step);
    return unused;
}

int main(void)
{
    static void *objects[LARGE];
    pthread_t thread;
    int count = 0;

    sem_init(&step, 0, 0);
    sem_init(&done, 0, 0);
    while (count < LARGE)
        objects[count++] = allocate(LARGE_BYTES);
    REQUIRE(pthread_create(&thread, NULL, live, NULL) == 0);
    sem_wait(&done);
    for (uint32_t before = sta_pages_shrinks();
         sta_pages_shrinks() == before;) {
        REQUIRE(count > 0);
        sta_heap_free(objects[--count]);
    }
    sem_post(&step);
    sem_wait(&done);
    while (count > 0)
        sta_heap_free(objects[--count]);
    CHECK(sta_pages_shrunk());
    sem_post(&step);
    REQUIRE(pthread_join(thread, NULL) == 0);
    CHECK(heap_audit(NULL, 0));
    return check_status();
}
