/* SPDX-License-Identifier: MIT */
/*
 * Two threads, each with objects of its own, take turns in allocating.
 *
 * A processor fetches the lines beside those it reads.  So what one thread
 * writes to at each call, the descriptors of its slabs, may not lie between
 * those of the other: the 64 of a word are one heap's (heap/descriptors.c).
 */
#include <pthread.h>
#include <stdbool.h>

#include "heap/descriptors.h"
#include "heap/heap.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"

enum { OBJECTS = 400, BYTES = 3000, THREADS = 2, WORDS = 64 };

static pthread_barrier_t turn;
static void *objects[THREADS][OBJECTS];

static void *allocate(void *thread)
{
    void **mine = thread;
    for (int i = 0; i < THREADS * OBJECTS; i++) {
        if ((i % THREADS == 0) == (mine == objects[0]))
            mine[i / THREADS] = sta_heap_alloc(BYTES);
        pthread_barrier_wait(&turn);
    }
    return NULL;
}

/* Heaps that lie 256 MiB from 0 once shared words with the next. */
static void test_round_address(void)
{
    struct sta_region *r = &sta_regions[0];
    sta_lock_acquire(&sta_pages_lock);
    for (uintptr_t at = 0; at < (uintptr_t)1 << 30; at += (uintptr_t)1 << 28) {
        uint32_t one = sta_descriptors_take(r, (struct sta_heap *)at);
        uint32_t other =
            sta_descriptors_take(r, (struct sta_heap *)(at + STA_UNIT_BYTES));
        CHECK(one / 64 != other / 64);
        sta_descriptors_give(r, one);
        sta_descriptors_give(r, other);
    }
    sta_lock_release(&sta_pages_lock);
}

int main(void)
{
    pthread_t thread[THREADS];
    bool is_of[WORDS][THREADS] = {{false}};

    pthread_barrier_init(&turn, NULL, THREADS);
    for (int t = 0; t < THREADS; t++)
        REQUIRE(pthread_create(&thread[t], NULL, allocate, objects[t]) == 0);
    for (int t = 0; t < THREADS; t++)
        REQUIRE(pthread_join(thread[t], NULL) == 0);

    int words = 0;
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < OBJECTS; i++) {
            REQUIRE(objects[t][i] != NULL);
            struct sta_slab *s = sta_slab_of(objects[t][i]);
            size_t word = (size_t)(s - sta_regions[s->region].slabs) / 64;
            REQUIRE(word < WORDS);
            words += !is_of[word][t];
            is_of[word][t] = true;
        }
    }
    for (size_t word = 0; word < WORDS; word++)
        CHECK(!(is_of[word][0] && is_of[word][1]));
    CHECK(words >= THREADS);
    CHECK(heap_audit(NULL, 0));
    for (int t = 0; t < THREADS; t++)
        for (int i = 0; i < OBJECTS; i++)
            sta_heap_free(objects[t][i]);
    CHECK(heap_audit(NULL, 0));
    test_round_address();
    CHECK(heap_audit(NULL, 0));
    return check_status();
}
