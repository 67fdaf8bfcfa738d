/* SPDX-License-Identifier: MIT */
/*
 * A thread is never cancelled inside malloc, and may be cancelled around it.
 *
 * None of the allocator's names is a cancellation point.  A call of the C
 * library that is one (open, read, write) would end the thread in the middle of
 * a request, with a lock of the heap held for ever.  It takes a request that
 * finds no memory to get there: under a limit of address space the library asks
 * the system how much is left.  A cancelled thread must also leave no memory
 * behind, whether it is cancelled in a system call or, asynchronously, in a
 * stretch that only computes.
 * So all of this runs under a limit of 200 MiB.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static atomic_int ends;

/* Starts a thread, one at a time.  Its stack is not from the system, which has
 * no address space left once the heap has taken all; glibc would have kept the
 * last thread's, other C libraries would not. */
static pthread_t start(void *(*run)(void *))
{
    static _Alignas(64 * KIB) char stack[256 * KIB];
    pthread_attr_t attributes;
    pthread_t thread;

    REQUIRE(pthread_attr_init(&attributes) == 0);
    REQUIRE(pthread_attr_setstack(&attributes, stack, sizeof stack) == 0);
    REQUIRE(pthread_create(&thread, &attributes, run, NULL) == 0);
    pthread_attr_destroy(&attributes);
    return thread;
}

/* Takes all memory there is, in pieces of `size`, and frees it. */
static void exhaust(size_t size)
{
    void **list = NULL;
    void **p;

    while ((p = malloc(size)) != NULL) {
        *p = list;
        list = p;
    }
    while (list != NULL) {
        void **next = *list;
        free(list);
        list = next;
    }
}

static void *allocate_with_a_cancel_pending(void *argument)
{
    void *p = NULL;

    REQUIRE(pthread_cancel(pthread_self()) == 0);
    for (size_t size = 16; size < 60 * KIB; size = size * 3 / 2) {
        REQUIRE((p = realloc(malloc(size), size * 2)) != NULL);
        free(p);
        REQUIRE((p = calloc(3, size)) != NULL);
        free(p);
        REQUIRE(posix_memalign(&p, 4096, size) == 0);
        CHECK(malloc_usable_size(p) >= size);
        free(p);
    }
    exhaust(100 * KIB);
    exhaust(5 * MIB);
    CHECK(malloc((size_t)1 << 30) == NULL);
    malloc_trim(0);
    CHECK(mallinfo2().arena != 0);
    atomic_fetch_add(&ends, 1);
    pthread_testcancel();
    return argument;
}

/* Runs a thread that is expected to end by a cancellation. */
static void run_cancelled(void *(*run)(void *))
{
    void *result;

    REQUIRE(pthread_join(start(run), &result) == 0);
    CHECK(result == PTHREAD_CANCELED);
}

static void no_call_is_a_cancellation_point(void)
{
    for (int i = 0; i < 5; i++) {
        run_cancelled(allocate_with_a_cancel_pending);
        CHECK(atomic_load(&ends) == i + 1);
        exhaust(100 * KIB); /* the locks are free */
    }
}

static atomic_int computing;

static void *compute(void *argument)
{
    int old;
    void *p = malloc(50 * KIB);

    REQUIRE(p != NULL);
    pthread_cleanup_push(free, p);
    REQUIRE(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old) == 0);
    atomic_store(&computing, 1);
    for (volatile unsigned long n = 0;; n++) {
    }
    pthread_cleanup_pop(1);
    return argument;
}

static void asynchronous_cancellation_leaves_nothing(void)
{
    long after_first = 0;

    for (int i = 0; i < 400; i++) {
        atomic_store(&computing, 0);
        pthread_t thread = start(compute);
        while (!atomic_load(&computing))
            sched_yield();
        REQUIRE(pthread_cancel(thread) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
        if (i == 50)
            after_first = status_kib("VmRSS");
    }
    CHECK(status_kib("VmRSS") <= after_first + 2 * KIB);
}

static void *allocate_until_cancelled(void *argument)
{
    for (size_t i = 0;; i++) {
        void *p = malloc(1 + i * 7919 % (200 * KIB));
        REQUIRE(p != NULL);
        pthread_cleanup_push(free, p);
        pthread_testcancel();
        pthread_cleanup_pop(1);
    }
    return argument;
}

static void deferred_cancellation_leaves_nothing(void)
{
    long after_first = 0;

    for (int i = 0; i < 1000; i++) {
        pthread_t thread = start(allocate_until_cancelled);
        if (i % 2 != 0)
            usleep(200);
        REQUIRE(pthread_cancel(thread) == 0);
        REQUIRE(pthread_join(thread, NULL) == 0);
        if (i == 100)
            after_first = status_kib("VmRSS");
    }
    CHECK(status_kib("VmRSS") <= after_first + 2 * KIB);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(no_call_is_a_cancellation_point),
    CASE(asynchronous_cancellation_leaves_nothing),
    CASE(deferred_cancellation_leaves_nothing),
};

int main(int argc, char **argv)
{
    check_needs_threads();
    check_needs_address_limit(argv, 200 * MIB);
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
