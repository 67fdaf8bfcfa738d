/* SPDX-License-Identifier: MIT */
/*
 * A fork's child may free what threads allocated that it does not have, and has
 * the memory back.
 *
 * Could fail: what the child frees waits for ever for its owner, who is not
 * there; or the child believes lists that a thread was changing when it forked.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

/* Each child has 0.4 s of work, with 100 MB to copy. */
enum { THREADS = 8, OBJECTS = 20000, FORKS = 20, FORKS_LONG = 200 };

struct object {
    unsigned char *p;
    size_t size;
};

static struct object table[THREADS][OBJECTS];
static pthread_barrier_t ready;
static _Atomic int stop;
static int churning;

static size_t size_of(size_t i)
{
    return i % 100 == 0 ? 5000 : 16 + i * 37 % 1000;
}

static void fill(struct object *o, size_t i)
{
    o->size = size_of(i);
    o->p = malloc(o->size);
    REQUIRE(o->p != NULL);
    pattern_fill(o->p, o->size, i);
}

/* Makes a table of objects with holes between them, then waits or works on. */
static void *own(void *objects)
{
    static _Atomic size_t seeds;
    size_t seed = atomic_fetch_add(&seeds, 1);
    struct object *o = objects;
    void *other[300] = {NULL};

    for (size_t i = 0; i < OBJECTS; i++) {
        void *hole = i % 3 == 0 ? malloc(size_of(i)) : NULL;
        fill(&o[i], i);
        free(hole);
    }
    pthread_barrier_wait(&ready);
    for (size_t i = seed; !atomic_load(&stop); i = i * 1103515245 + 12345) {
        if (!churning) {
            usleep(1000);
            continue;
        }
        free(other[i / 65536 % COUNT_OF(other)]);
        other[i / 65536 % COUNT_OF(other)] = malloc(size_of(i / 65536));
    }
    for (size_t i = 0; i < COUNT_OF(other); i++)
        free(other[i]);
    for (size_t i = 0; i < OBJECTS; i++)
        free(o[i].p);
    return NULL;
}

static void start(pthread_t *thread, int churn)
{
    churning = churn;
    atomic_store(&stop, 0);
    REQUIRE(pthread_barrier_init(&ready, NULL, THREADS + 1) == 0);
    for (size_t t = 0; t < THREADS; t++)
        REQUIRE(pthread_create(&thread[t], NULL, own, table[t]) == 0);
    pthread_barrier_wait(&ready);
}

static void end(pthread_t *thread)
{
    atomic_store(&stop, 1);
    for (size_t t = 0; t < THREADS; t++)
        REQUIRE(pthread_join(thread[t], NULL) == 0);
    pthread_barrier_destroy(&ready);
}

/* Frees every n-th object, and looks at each. */
static void free_every(size_t n, size_t from)
{
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = from; i < OBJECTS; i += n) {
            struct object *o = &table[t][i];
            CHECK(pattern_holds(o->p, o->size, i));
            free(o->p);
            o->p = NULL;
        }
}

static void refill(size_t n, size_t from)
{
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = from; i < OBJECTS; i += n)
            if (table[t][i].p == NULL)
                fill(&table[t][i], i);
}

/* A child that answers for its own failures only. */
static pid_t fork_anew(void)
{
    pid_t child = fork();

    if (child == 0)
        check_failures = 0;
    return child;
}

static void wait_for(pid_t child)
{
    int status;

    REQUIRE(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static _Noreturn void leave(void)
{
    _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
}

/* Frees all, and sees that the memory is there again. */
static void *have_it_back(void *unused)
{
    size_t live = mallinfo2().uordblks;
    long full = status_kib("RssAnon");
    free_every(2, 0);
    refill(2, 0);
    long again = status_kib("RssAnon");
    free_every(1, 0);
    malloc_trim(0);
    long empty = status_kib("RssAnon");
    size_t left = mallinfo2().uordblks;
    if (check_is_stalloc()) {
        /* At levels 2 and 3 threads share heaps, but not all of them. */
        long most = check_level() > 1 ? 2 * full : full + full / 8;
        int small = again <= most && empty <= full / 8;
        int good = (small || check_is_emulated()) && left <= live / 8;
        if (!good)
            dprintf(2, "%ld KiB, %ld refilled, %ld empty; %zu of %zu live\n",
                    full, again, empty, left, live);
        CHECK(good);
    }
    return unused;
}

static void have_it_back_in_a_child(void)
{
    pid_t child = fork_anew();

    if (child == 0) {
        have_it_back(NULL);
        leave();
    }
    wait_for(child);
}

static void memory_of_absent_threads_comes_back(void)
{
    pthread_t thread[THREADS];

    start(thread, 0);
    have_it_back_in_a_child();
    end(thread);
}

/* The thread that forked frees nothing, before or after. */
static void to_a_thread_of_the_child_too(void)
{
    pthread_t thread[THREADS];
    pthread_t heir;

    if (!check_child_may_have_threads())
        return;
    start(thread, 0);
    pid_t child = fork_anew();
    if (child == 0) {
        REQUIRE(pthread_create(&heir, NULL, have_it_back, NULL) == 0);
        REQUIRE(pthread_join(heir, NULL) == 0);
        leave();
    }
    wait_for(child);
    end(thread);
}

static pthread_key_t key;

static void have_it_back_as_it_ends(void *object)
{
    free(object);
    have_it_back_in_a_child();
}

static void *allocate_and_end(void *unused)
{
    REQUIRE(pthread_setspecific(key, malloc(100)) == 0);
    return unused;
}

/* A destructor of thread-specific data runs when the thread's heap may be gone
 * already. */
static void to_a_child_of_a_thread_that_ends_too(void)
{
    pthread_t thread[THREADS];
    pthread_t ending;

    start(thread, 0);
    REQUIRE(pthread_key_create(&key, have_it_back_as_it_ends) == 0);
    REQUIRE(pthread_create(&ending, NULL, allocate_and_end, NULL) == 0);
    REQUIRE(pthread_join(ending, NULL) == 0);
    REQUIRE(pthread_key_delete(key) == 0);
    end(thread);
}

/* The parent's lists have slots of the threads' slabs when it forks, and so its
 * child's have; these slots have marks, as those that are free in a slab. */
static void what_the_parent_freed_is_not_used_twice(void)
{
    pthread_t thread[THREADS];

    start(thread, 0);
    free_every(10, 1);
    refill(1990, 1); /* a few, so that the lists keep most */
    pid_t child = fork_anew();
    if (child == 0) {
        free_every(10, 2);
        refill(1, 0);
        free_every(1, 0);
        leave();
    }
    wait_for(child);
    refill(1, 0);
    end(thread);
}

static void *free_share(void *from)
{
    free_every(4, *(size_t *)from);
    return NULL;
}

static void threads_of_the_child_may_share_it(void)
{
    pthread_t thread[THREADS];

    if (!check_child_may_have_threads())
        return;
    start(thread, 0);
    pid_t child = fork_anew();
    if (child == 0) {
        pthread_t heir[4];
        size_t from[4] = {0, 1, 2, 3};
        for (size_t i = 0; i < COUNT_OF(heir); i++)
            REQUIRE(pthread_create(&heir[i], NULL, free_share, &from[i]) == 0);
        for (size_t i = 0; i < COUNT_OF(heir); i++)
            REQUIRE(pthread_join(heir[i], NULL) == 0);
        refill(1, 0);
        pid_t grandchild = fork_anew();
        if (grandchild == 0) {
            free_every(1, 0);
            leave();
        }
        wait_for(grandchild);
        free_every(1, 0);
        leave();
    }
    wait_for(child);
    end(thread);
}

static void threads_may_be_at_work_when_it_forks(void)
{
    pthread_t thread[THREADS];

    start(thread, 1);
    size_t forks = (size_t)check_times(check_is_long() ? FORKS_LONG : FORKS);
    for (size_t n = 0; n < forks; n++) {
        pid_t child = fork_anew();
        if (child == 0) {
            free_every(20, n % 20);
            refill(20, n % 20);
            free_every(20, (n + 1) % 20);
            leave();
        }
        wait_for(child);
    }
    end(thread);
}

static const struct check_case cases[] = {
    {"memory_of_absent_threads_comes_back",
     memory_of_absent_threads_comes_back},
    {"to_a_thread_of_the_child_too", to_a_thread_of_the_child_too},
    {"to_a_child_of_a_thread_that_ends_too",
     to_a_child_of_a_thread_that_ends_too},
    {"what_the_parent_freed_is_not_used_twice",
     what_the_parent_freed_is_not_used_twice},
    {"threads_of_the_child_may_share_it", threads_of_the_child_may_share_it},
    {"threads_may_be_at_work_when_it_forks",
     threads_may_be_at_work_when_it_forks},
};

int main(int argc, char **argv)
{
    check_needs_threads();
    check_needs_glibc();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
