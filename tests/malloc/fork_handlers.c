/* SPDX-License-Identifier: MIT */
/*
 * Handlers that a program gave pthread_atfork may allocate, however early.
 *
 * The library's own handler takes every lock of the heap.  A prepare handler
 * that was registered before it runs after it: it would wait for a lock that
 * its own thread holds as soon as it allocates.  And one that takes a lock of
 * the program's would wait for a thread that holds that lock and waits for one
 * of ours.  Those here are registered by a constructor, before this program's
 * first allocation, and once more in main.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { KIB = 1024 };

static pthread_mutex_t programs_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int stop;
static atomic_uint calls;
static unsigned calls_a_fork = 2;
static void *kept[2];

/* Takes every way to memory: slots, runs, pages that must be committed. */
static void use_the_heap(void)
{
    static const size_t sizes[] = {16, 900, 20 * KIB, 300 * KIB, 3000 * KIB};

    atomic_fetch_add(&calls, 1u);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        void *p = calloc(1, sizes[i]);
        REQUIRE(p != NULL);
        p = realloc(p, sizes[i] * 2);
        REQUIRE(p != NULL);
        free(p);
    }
}

static void prepare(void)
{
    pthread_mutex_lock(&programs_lock);
    use_the_heap();
    kept[0] = malloc(100);
    kept[1] = malloc(500 * KIB);
    REQUIRE(kept[0] != NULL && kept[1] != NULL);
}

static void finish(void)
{
    free(kept[0]);
    free(kept[1]);
    use_the_heap();
    pthread_mutex_unlock(&programs_lock);
}

static void late(void)
{
    use_the_heap();
}

__attribute__((constructor(101))) static void register_first(void)
{
    REQUIRE(pthread_atfork(prepare, finish, finish) == 0);
}

static void fork_often(void)
{
    for (int i = check_times(check_is_long() ? 1000 : 60); i > 0; i--) {
        int status;
        unsigned before = atomic_load(&calls);
        pid_t child = fork();
        REQUIRE(child >= 0);
        CHECK(atomic_load(&calls) == before + calls_a_fork);
        if (child == 0) {
            use_the_heap();
            _exit(check_failures != 0);
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void handlers_of_a_constructor_may_allocate(void)
{
    fork_often();
}

static void handlers_of_main_may_allocate_too(void)
{
    REQUIRE(pthread_atfork(late, late, late) == 0);
    calls_a_fork += 2;
    fork_often();
}

/* Holds the program's lock while it waits for one of the heap's. */
static void *allocate_under_the_programs_lock(void *argument)
{
    while (!atomic_load(&stop)) {
        pthread_mutex_lock(&programs_lock);
        void *p = malloc(300 * KIB);
        REQUIRE(p != NULL);
        free(p);
        pthread_mutex_unlock(&programs_lock);
        usleep(100); /* that lock is not a fair one */
    }
    return argument;
}

static void handlers_may_take_locks_that_threads_allocate_under(void)
{
    pthread_t thread[3];
    const char *variant = getenv("STALLOC_VARIANT");
    size_t count = COUNT_OF(thread);

    if (variant != NULL && strcmp(variant, "single") == 0)
        count = 0;
    for (size_t i = 0; i < count; i++)
        REQUIRE(pthread_create(&thread[i], NULL,
                               allocate_under_the_programs_lock, NULL) == 0);
    fork_often();
    atomic_store(&stop, 1);
    for (size_t i = 0; i < count; i++)
        pthread_join(thread[i], NULL);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(handlers_of_a_constructor_may_allocate),
    CASE(handlers_of_main_may_allocate_too),
    CASE(handlers_may_take_locks_that_threads_allocate_under),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
