/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a process whose other threads run on.
 *
 * They first look at all slabs and then at each heap, and may wait for one.  A
 * thread that made a slab meanwhile and ended leaves free slots that were never
 * counted.  And a slab's countdown counts one thing while it is current, and
 * another before and after.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>

#include "heap/bins.h"
#include "heap/guard.h"
#include "heap/stats.h"
#include "heap/threads.h"
#include "tests/lib/check.h"

enum { BYTES = 1000, RUN_BYTES = 100000, FEW = 1000 };

static struct runner {
    pthread_t thread;
    sem_t step; /* a semaphore for both: they take turns */
    sem_t done;
    struct sta_heap *heap;
} first, second;

static struct sta_stats seen;

static void *live(void *runner)
{
    struct runner *r = runner;
    sta_heap_free(sta_heap_alloc(1));
    r->heap = sta_self;
    sem_post(&r->done);
    sem_wait(&r->step);
    void *volatile run = sta_heap_alloc(RUN_BYTES);
    sta_heap_free(run);
    void *volatile object = sta_heap_alloc(BYTES);
    sem_post(&r->done);
    sem_wait(&r->step);
    sta_heap_free(object);
    return NULL;
}

static void *collect(void *unused)
{
    sta_stats_collect(&seen);
    return unused;
}

static void start(struct runner *r)
{
    sem_init(&r->step, 0, 0);
    sem_init(&r->done, 0, 0);
    REQUIRE(pthread_create(&r->thread, NULL, live, r) == 0);
    sem_wait(&r->done);
}

static void go_on(struct runner *r)
{
    sem_post(&r->step);
    sem_wait(&r->done);
}

static void end(struct runner *r)
{
    sem_post(&r->step);
    REQUIRE(pthread_join(r->thread, NULL) == 0);
}

static void check_seen(void)
{
    CHECK(seen.live_count < FEW && seen.total_count < FEW);
    CHECK(seen.freed_count < FEW);
    CHECK(seen.live_bytes < FEW * RUN_BYTES);
    CHECK(seen.runs.live < FEW && seen.runs.total < FEW);
    for (int c = 0; c < STA_STATS_CLASSES; c++)
        CHECK(seen.classes[c].live < FEW && seen.classes[c].total < FEW);
}

static void a_thread_that_ends_meanwhile(void)
{
    pthread_t collector;
    struct sta_lock *lock = &second.heap->lock; /* looked at before the first */
    sta_lock_acquire(lock);
    REQUIRE(pthread_create(&collector, NULL, collect, NULL) == 0);
    while (atomic_load(&lock->state) != 2)
        sched_yield();
    go_on(&first);
    end(&first);
    sta_lock_release(lock);
    REQUIRE(pthread_join(collector, NULL) == 0);
    check_seen();
}

static void a_slab_that_is_just_set_aside(void)
{
    go_on(&second);
    struct sta_slab *s = sta_bin_current(second.heap, sta_class_of(BYTES));
    REQUIRE(s != NULL);
    uint32_t countdown = s->countdown;
    s->countdown = sta_slab_carved(s);
    sta_stats_collect(&seen);
    s->countdown = countdown;
    check_seen();
}

static void a_slab_that_is_just_made_current(void)
{
    struct sta_slab *s = sta_bin_current(second.heap, sta_class_of(BYTES));
    sta_slab_set_state(s, STA_SLAB_PARTIAL);
    sta_stats_collect(&seen);
    sta_slab_set_state(s, STA_SLAB_CURRENT);
    check_seen();
}

int main(void)
{
    setenv("STALLOC_VARIANT", "local", 1); /* each thread has a heap */
    sta_heap_free(sta_heap_alloc(1));
    if (sta_guard_active())
        return CHECK_SKIP; /* all threads share a heap there */
    start(&first);
    start(&second);
    a_thread_that_ends_meanwhile();
    a_slab_that_is_just_set_aside();
    a_slab_that_is_just_made_current();
    end(&second);
    sta_stats_collect(&seen);
    check_seen();
    return check_status();
}
