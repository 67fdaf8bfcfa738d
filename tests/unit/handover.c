/* SPDX-License-Identifier: MIT */
/*
 * Frees that cross to the owner of a slab, ordered by the heap alone.
 *
 * A program that passes objects between threads orders so much by itself that
 * an order which the heap forgets does not show: to TSan and Helgrind whatever
 * one thread did before is then known to the other.  Here the two take turns by
 * a relaxed flag, which orders nothing.  So when the owner of the slabs takes
 * in what the other thread freed, and when that one frees more into the same
 * slabs, only the orders of heap/remote.c are there.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "heap/gather.h"
#include "heap/heap.h"
#include "heap/remote.h"
#include "tests/lib/check.h"

enum { ROUNDS = 8, OBJECTS = 400 * ROUNDS, SIZE = 200 };

static void *objects[OBJECTS];
static _Atomic int turn; /* even: the thread that frees; odd: the owner */

static void wait_for(int now)
{
    while (atomic_load_explicit(&turn, memory_order_relaxed) != now)
        sched_yield();
}

static void end_turn(int now)
{
    atomic_store_explicit(&turn, now + 1, memory_order_relaxed);
}

/* Frees and sends objects of every slab: all from `first` on by `step`. */
static void send_some(int first, int step)
{
    for (int i = first; i < OBJECTS; i += step)
        sta_heap_free(objects[i]);
    sta_heap_flush_outbox(sta_self);
}

/* In each round a slab is sent twice: it goes to the inbox only once. */
static void *free_all(void *unused)
{
    for (int round = 0; round < ROUNDS; round++) {
        wait_for(2 * round);
        send_some(round, 2 * ROUNDS);
        send_some(round + ROUNDS, 2 * ROUNDS);
        end_turn(2 * round);
    }
    wait_for(2 * ROUNDS); /* the end of a thread has locks, which order */
    return unused;
}

int main(void)
{
    pthread_t thread;

    for (int i = 0; i < OBJECTS; i++) {
        objects[i] = sta_heap_alloc(SIZE);
        REQUIRE(objects[i] != NULL);
    }
    REQUIRE(pthread_create(&thread, NULL, free_all, NULL) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        wait_for(2 * round + 1);
        CHECK(atomic_load_explicit(&sta_self->inbox, memory_order_relaxed) !=
              NULL);
        sta_heap_drain(sta_self);
        for (int i = 0; i < OBJECTS / ROUNDS; i++) {
            void *p = sta_heap_alloc(SIZE);
            REQUIRE(p != NULL);
            memset(p, round, SIZE);
        }
        end_turn(2 * round + 1);
    }
    REQUIRE(pthread_join(thread, NULL) == 0);
    return check_status();
}
