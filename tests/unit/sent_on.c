/* SPDX-License-Identifier: MIT */
/*
 * A parcel for a slab whose owner has gone, and so has who adopted the slab.
 *
 * The sender puts the slab in its first owner's inbox only after another thread
 * adopted it and ended.  Whoever empties that inbox sends the slab on, to a
 * heap that no thread empties by itself.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/threads.h"
#include "tests/lib/check.h"

enum { BYTES = 1000, OBJECTS = 40, MOST = 1000 };

static void *object[OBJECTS];
static struct sta_slab *slab; /* of the first */
static struct sta_heap *owner, *adopter;
static sem_t started, go_send, go_adopt, is_late, go_on;

static void be_late(int unused)
{
    (void)unused;
    sem_post(&is_late);
    while (sem_wait(&go_on) != 0)
        continue;
}

/* Leaves a slab that has free slots, and too much for the heap to be kept. */
static void *own(void *unused)
{
    for (int i = 0; i < OBJECTS; i++)
        object[i] = sta_heap_alloc(BYTES);
    owner = sta_self;
    for (int i = 0; i < OBJECTS - 10; i++)
        REQUIRE(sta_heap_alloc(100000) != NULL);
    for (int i = 1; i < OBJECTS / 2; i += 2)
        sta_heap_free(object[i]);
    return unused;
}

static void *send(void *unused)
{
    sta_heap_free(sta_heap_alloc(1));
    sem_post(&started);
    sem_wait(&go_send);
    sta_heap_free(object[0]);
    sta_heap_flush_outbox(sta_self);
    return unused;
}

static void *adopt(void *unused)
{
    sta_heap_free(sta_heap_alloc(1));
    adopter = sta_self;
    sem_post(&started);
    sem_wait(&go_adopt);
    for (int i = 0; i < MOST && sta_slab_owner(slab) != adopter; i++)
        REQUIRE(sta_heap_alloc(BYTES) != NULL);
    return unused;
}

static void start(pthread_t *thread, void *(*run)(void *))
{
    REQUIRE(pthread_create(thread, NULL, run, NULL) == 0);
}

int main(void)
{
    pthread_t thread, sender;
    setenv("STALLOC_VARIANT", "local", 1); /* each thread has a heap */
    sta_heap_free(sta_heap_alloc(1));
    if (sta_guard_active())
        return CHECK_SKIP; /* all threads share a heap there */
    sem_init(&started, 0, 0);
    sem_init(&go_send, 0, 0);
    sem_init(&go_adopt, 0, 0);
    sem_init(&is_late, 0, 0);
    sem_init(&go_on, 0, 0);
    signal(SIGUSR1, be_late);

    start(&sender, send);
    sem_wait(&started);
    pthread_t second;
    start(&second, adopt);
    sem_wait(&started);
    start(&thread, own);
    REQUIRE(pthread_join(thread, NULL) == 0);
    slab = sta_slab_of(object[0]);
    REQUIRE(sta_slab_owner(slab) == owner);

    /* It has put the slab in the inbox, and waits to empty it. */
    sta_lock_acquire(&owner->lock);
    sem_post(&go_send);
    while (atomic_load(&owner->lock.state) != 2)
        sched_yield();
    pthread_kill(sender, SIGUSR1);
    sem_wait(&is_late);
    sta_lock_release(&owner->lock);
    sem_post(&go_adopt);
    REQUIRE(pthread_join(second, NULL) == 0);
    REQUIRE(sta_slab_owner(slab) == adopter);
    sem_post(&go_on);
    REQUIRE(pthread_join(sender, NULL) == 0);
    CHECK(atomic_load(&adopter->inbox) == NULL);
    CHECK(atomic_load(&slab->remote.list) == 0);
    return check_status();
}
