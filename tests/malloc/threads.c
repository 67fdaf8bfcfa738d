/* SPDX-License-Identifier: MIT */
/*
 * Threads come and go, and what they allocated outlives them.
 *
 * What can fail: a thread that exits takes memory with it, so that a program
 * that starts many grows; an object whose owner has gone is freed into a heap
 * that is no more, or given to two; a free in the very moment in which the
 * owner exits is lost; or memory that flows from producers to consumers is
 * never seen again by the producers.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "stalloc/malloc.h"

enum { KIB = 1024, OBJECTS = 64 };

struct parcel {
    unsigned char *object[OBJECTS];
    size_t size[OBJECTS];
};

static size_t size_of_number(size_t i)
{
    /* Mostly small, some a page run, now and then a large one. */
    return i % 64 == 63   ? 300 * KIB
           : i % 32 == 31 ? 20 * KIB
                          : 8 + i * 37 % 700;
}

static void parcel_pack(struct parcel *parcel, size_t seed)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        parcel->size[i] = size_of_number(i + seed);
        parcel->object[i] = malloc(parcel->size[i]);
        REQUIRE(parcel->object[i] != NULL);
        pattern_fill(parcel->object[i], parcel->size[i], seed + i);
    }
}

static void parcel_unpack(struct parcel *parcel, size_t seed)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        CHECK(pattern_holds(parcel->object[i], parcel->size[i], seed + i));
        free(parcel->object[i]);
    }
}

static pthread_t start(void *(*run)(void *), void *argument)
{
    pthread_t thread;

    REQUIRE(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

static void *pack_and_unpack(void *argument)
{
    struct parcel parcel;

    parcel_pack(&parcel, (size_t)(uintptr_t)argument);
    parcel_unpack(&parcel, (size_t)(uintptr_t)argument);
    return NULL;
}

static void *take_a_few(void *argument)
{
    void *p[8];

    for (size_t i = 0; i < COUNT_OF(p); i++) {
        p[i] = malloc(size_of_number((size_t)(uintptr_t)argument + i));
        REQUIRE(p[i] != NULL);
        memset(p[i], 1, 8);
    }
    for (size_t i = 0; i < COUNT_OF(p); i++)
        free(p[i]);
    return NULL;
}

static void twenty_thousand_threads_leave_nothing(void)
{
    size_t count = (size_t)check_times(20000);
    long after_first = 0;

    for (size_t i = 0; i < count; i++) {
        pthread_join(start(take_a_few, (void *)i), NULL);
        if (i == count / 40)
            after_first = status_kib("VmRSS");
    }
    CHECK(check_resident(after_first + 2 * KIB));
}

static void twenty_threads_at_a_time_leave_nothing(void)
{
    size_t rounds = (size_t)check_times(200);
    pthread_t thread[20];
    long after_first = 0;

    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            thread[i] = start(pack_and_unpack, (void *)(round + i));
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            pthread_join(thread[i], NULL);
        if (round == rounds / 4)
            after_first = status_kib("VmRSS");
    }
    CHECK(check_resident(after_first + 8 * KIB));
}

static struct parcel shared[8];

static void *pack_shared(void *argument)
{
    size_t i = (size_t)(uintptr_t)argument;

    parcel_pack(&shared[i % COUNT_OF(shared)], i);
    return NULL;
}

static void objects_outlive_their_thread(void)
{
    size_t rounds = (size_t)check_times(200);
    long after_first = 0;

    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT_OF(shared); i++)
            pthread_join(start(pack_shared, (void *)(round * 8 + i)), NULL);
        for (size_t i = 0; i < COUNT_OF(shared); i++)
            parcel_unpack(&shared[i], round * 8 + i);
        if (round == rounds / 2)
            after_first = status_kib("VmRSS");
    }
    CHECK(check_resident(after_first + 4 * KIB));
}

static void objects_of_a_gone_thread_can_be_resized(void)
{
    pthread_join(start(pack_shared, (void *)0), NULL);
    for (size_t i = 0; i < OBJECTS; i++) {
        unsigned char *p = realloc(shared[0].object[i], 3000);
        size_t kept = shared[0].size[i] < 3000 ? shared[0].size[i] : 3000;
        REQUIRE(p != NULL);
        CHECK(pattern_holds(p, kept, i));
        pattern_fill(p, 3000, i);
        shared[0].object[i] = p;
        shared[0].size[i] = 3000;
    }
    parcel_unpack(&shared[0], 0);
}

/* A ring that one thread fills and another empties. */
struct ring {
    _Atomic(void *) slot[256];
    size_t total;
};

static void *produce(void *argument)
{
    struct ring *ring = argument;

    for (size_t i = 0; i < ring->total; i++) {
        size_t size = size_of_number(i);
        size_t *p = malloc(size < 16 ? 16 : size);
        REQUIRE(p != NULL);
        p[0] = size < 16 ? 16 : size;
        pattern_fill(p + 1, p[0] - sizeof *p, i);
        while (atomic_load(&ring->slot[i % COUNT_OF(ring->slot)]) != NULL)
            sched_yield();
        atomic_store(&ring->slot[i % COUNT_OF(ring->slot)], p);
    }
    return NULL;
}

static void *consume(void *argument)
{
    struct ring *ring = argument;

    for (size_t i = 0; i < ring->total; i++) {
        size_t *p;
        while ((p = atomic_load(&ring->slot[i % COUNT_OF(ring->slot)])) == NULL)
            sched_yield();
        atomic_store(&ring->slot[i % COUNT_OF(ring->slot)], NULL);
        CHECK(pattern_holds(p + 1, p[0] - sizeof *p, i));
        free(p);
    }
    return NULL;
}

static void memory_flows_from_producers_to_consumers(void)
{
    static struct ring ring[2];
    pthread_t thread[4];
    long before = status_kib("VmRSS");

    ring[0].total = ring[1].total = (size_t)check_times(60000);
    for (size_t i = 0; i < 2; i++) {
        thread[2 * i] = start(produce, &ring[i]);
        thread[2 * i + 1] = start(consume, &ring[i]);
    }
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        pthread_join(thread[i], NULL);
    /* About 200 MB flowed; what is in flight at a time is about 1 MB. */
    CHECK(check_resident(before + 20 * KIB));
}

/* Owners exit while others free the objects that they made. */
struct relay {
    struct parcel parcel;
    _Atomic int ready;
};

static void *pack_and_exit_at_once(void *argument)
{
    struct relay *relay = argument;

    parcel_pack(&relay->parcel, 7);
    atomic_store(&relay->ready, 1);
    return NULL;
}

static void *unpack_when_ready(void *argument)
{
    struct relay *relay = argument;

    while (!atomic_load(&relay->ready))
        sched_yield();
    parcel_unpack(&relay->parcel, 7);
    atomic_store(&relay->ready, 0);
    return NULL;
}

static void owners_exit_while_others_free(void)
{
    static struct relay relay[4];
    int rounds = check_times(400);
    long after_first = 0;

    for (int round = 0; round < rounds; round++) {
        pthread_t thread[2 * COUNT_OF(relay)];
        for (size_t i = 0; i < COUNT_OF(relay); i++) {
            thread[2 * i] = start(unpack_when_ready, &relay[i]);
            thread[2 * i + 1] = start(pack_and_exit_at_once, &relay[i]);
        }
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            pthread_join(thread[i], NULL);
        if (round == rounds * 3 / 4)
            after_first = status_kib("VmRSS");
    }
    CHECK(check_resident(after_first + 8 * KIB));
}

/* Threads hand one object around: each frees what another allocated. */
static _Atomic(void *) cell[64];

static void *exchange(void *argument)
{
    uint64_t random = 0x9e3779b97f4a7c15u + (uintptr_t)argument;
    int rounds = check_times(100000);

    for (int round = 0; round < rounds; round++) {
        uint64_t r = random_next(&random);
        size_t size = 16 + (size_t)(r >> 20) % 500;
        size_t *p = malloc(size);
        REQUIRE(p != NULL);
        p[0] = size;
        pattern_fill(p + 1, size - sizeof *p, size);
        p = atomic_exchange(&cell[r % COUNT_OF(cell)], p);
        if (p != NULL)
            CHECK(pattern_holds(p + 1, p[0] - sizeof *p, p[0]));
        free(p);
    }
    return NULL;
}

static void every_thread_frees_what_others_allocated(void)
{
    pthread_t thread[4];

    for (size_t i = 0; i < COUNT_OF(thread); i++)
        thread[i] = start(exchange, (void *)i);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        pthread_join(thread[i], NULL);
    for (size_t i = 0; i < COUNT_OF(cell); i++)
        free(atomic_exchange(&cell[i], NULL));
}

static void *sleep_in_cancel(void *argument)
{
    void *p = malloc(1000);

    pthread_cleanup_push(free, p);
    for (;;)
        pause();
    pthread_cleanup_pop(1);
    return argument;
}

static void cancelled_threads_leave_nothing(void)
{
    int count = check_times(2000);
    long after_first = 0;

    for (int i = 0; i < count; i++) {
        pthread_t thread = start(sleep_in_cancel, NULL);
        pthread_cancel(thread);
        pthread_join(thread, NULL);
        if (i == count / 10)
            after_first = status_kib("VmRSS");
    }
    CHECK(check_resident(after_first + 2 * KIB));
}

static atomic_bool forking;

/* The lock of every heap is held while a fork is under way. */
static void *fork_on_and_on(void *argument)
{
    (void)argument;
    while (atomic_load(&forking)) {
        pid_t child = fork();

        if (child == 0)
            _exit(0);
        REQUIRE(child > 0 && waitpid(child, NULL, 0) == child);
    }
    return NULL;
}

static void *allocate_once(void *argument)
{
    free(malloc(100));
    return argument;
}

/* A thread that finds no idle heap makes one, which is never given back. */
static void threads_that_start_during_a_fork_find_idle_heaps(void)
{
    int (*stats_get)(struct sta_stats *, size_t) = NULL;
    static char ballast[8 * KIB * KIB]; /* lets fork take its time */
    struct sta_stats stats;
    pthread_t forker;

    *(void **)&stats_get = check_symbol("sta_stats_get");
    if (stats_get == NULL)
        return;
    pattern_fill(ballast, sizeof ballast, 1);
    REQUIRE(stats_get(&stats, sizeof stats) == 0);
    uint64_t before = stats.heaps;
    atomic_store(&forking, true);
    forker = start(fork_on_and_on, NULL);
    for (int i = check_times(1000); i > 0; i--)
        pthread_join(start(allocate_once, NULL), NULL);
    atomic_store(&forking, false);
    pthread_join(forker, NULL);
    REQUIRE(stats_get(&stats, sizeof stats) == 0);
    CHECK(stats.heaps <= before + 3);
}

enum { SLEEPERS = 24, BUFFERS = 100, BUFFER = 100 * KIB };

static pthread_barrier_t sleepers;

static void *use_buffers_and_sleep(void *argument)
{
    char *buffer[BUFFERS];

    for (size_t i = 0; i < BUFFERS; i++)
        REQUIRE((buffer[i] = malloc(BUFFER)) != NULL);
    pthread_barrier_wait(&sleepers);
    for (size_t i = 0; i < BUFFERS; i++)
        free(buffer[i]);
    pthread_barrier_wait(&sleepers);
    pthread_barrier_wait(&sleepers);
    return argument;
}

/* What running threads keep for themselves counts as live: 240 MB of buffers
 * that all were freed.  None of them is touched. */
static void threads_that_wait_keep_little(void)
{
    int (*stats_get)(struct sta_stats *, size_t) = NULL;
    struct sta_stats stats;
    pthread_t thread[SLEEPERS];

    *(void **)&stats_get = check_symbol("sta_stats_get");
    if (stats_get == NULL)
        return;
    pthread_barrier_init(&sleepers, NULL, SLEEPERS + 1);
    for (size_t i = 0; i < SLEEPERS; i++)
        thread[i] = start(use_buffers_and_sleep, NULL);
    pthread_barrier_wait(&sleepers);
    pthread_barrier_wait(&sleepers);
    REQUIRE(stats_get(&stats, sizeof stats) == 0);
    CHECK(stats.live_bytes <= (uint64_t)SLEEPERS * BUFFERS * BUFFER / 8);
    pthread_barrier_wait(&sleepers);
    for (size_t i = 0; i < SLEEPERS; i++)
        pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&sleepers);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(twenty_thousand_threads_leave_nothing),
    CASE(twenty_threads_at_a_time_leave_nothing),
    CASE(objects_outlive_their_thread),
    CASE(objects_of_a_gone_thread_can_be_resized),
    CASE(memory_flows_from_producers_to_consumers),
    CASE(owners_exit_while_others_free),
    CASE(every_thread_frees_what_others_allocated),
    CASE(cancelled_threads_leave_nothing),
    CASE(threads_that_start_during_a_fork_find_idle_heaps),
    CASE(threads_that_wait_keep_little),
};

int main(int argc, char **argv)
{
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
