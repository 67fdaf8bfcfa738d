/* SPDX-License-Identifier: MIT */
/*
 * Allocation works to the last instruction of a thread and of the process.
 *
 * The destructors of thread-specific data run in no promised order, and the
 * library's own is one of them: those that run after it allocate and free when
 * the thread's heap has been handed over already.  There are more of them here
 * than the 32 keys whose values fit in the thread descriptor, so that
 * pthread_setspecific itself allocates.  The same holds for exit handlers,
 * which run after the destructors of other libraries.
 */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { KEYS = 64, ROUNDS = 3 };

static pthread_key_t keys[KEYS];
static _Atomic unsigned destructor_calls;
static _Atomic(void *) left_behind[256];

/* Allocates some of each kind, looks at it, frees it. */
static void use_the_heap(size_t seed)
{
    static const size_t sizes[] = {16, 48, 700, 2500, 20000};
    void *p[COUNT_OF(sizes)];

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        p[i] = malloc(sizes[i]);
        REQUIRE(p[i] != NULL);
        pattern_fill(p[i], sizes[i], seed + i);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        p[i] = realloc(p[i], sizes[i] + 100);
        REQUIRE(p[i] != NULL);
        CHECK(pattern_holds(p[i], sizes[i], seed + i));
        free(p[i]);
    }
}

/* The same for 20,000 threads, each with 192 calls of a destructor. */
static void use_the_heap_briefly(size_t seed)
{
    unsigned char *p = malloc(1 + seed * 40);

    REQUIRE(p != NULL);
    p[seed * 40] = 1;
    free(p);
}

/* Comes back for as many rounds as POSIX grants, and leaves an object behind.*/
static void destructor(void *value)
{
    size_t *count = value;
    size_t key = count[1];

    unsigned call = atomic_fetch_add(&destructor_calls, 1u);
    if (check_is_long())
        use_the_heap_briefly(key);
    else
        use_the_heap(key);
    void **place = (void **)&left_behind[call % COUNT_OF(left_behind)];
    free(__atomic_exchange_n(place, strdup("left behind"), __ATOMIC_ACQ_REL));
    if (++count[0] < ROUNDS)
        REQUIRE(pthread_setspecific(keys[key], count) == 0);
    else
        free(count);
}

static void *set_all_keys(void *argument)
{
    for (size_t i = 0; i < KEYS; i++) {
        size_t *count = calloc(2, sizeof *count);
        REQUIRE(count != NULL);
        count[1] = i;
        REQUIRE(pthread_setspecific(keys[i], count) == 0);
    }
    return argument;
}

/* The thread's first call of the heap is pthread_setspecific's own. */
static void *only_set_the_last_key(void *argument)
{
    REQUIRE(pthread_setspecific(keys[KEYS - 1], argument) == 0);
    return NULL;
}

static void create_keys(void)
{
    for (size_t i = 0; i < KEYS; i++)
        REQUIRE(pthread_key_create(&keys[i], destructor) == 0);
}

static void key_destructors_may_allocate_and_free(void)
{
    pthread_t thread[4];
    long after_first = 0;
    /* Of 4 threads: 20,000 in all when there is time. */
    unsigned rounds = (unsigned)check_times(check_is_long() ? 5000 : 30);

    create_keys();
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            REQUIRE(pthread_create(&thread[i], NULL, set_all_keys, NULL) == 0);
        for (size_t i = 0; i < COUNT_OF(thread); i++)
            pthread_join(thread[i], NULL);
        if (round == rounds / 3)
            after_first = status_kib("VmRSS");
    }
    CHECK(destructor_calls == rounds * COUNT_OF(thread) * KEYS * ROUNDS);
    CHECK(check_resident(after_first + 4096));
}

static void first_call_of_a_thread_may_be_setspecific(void)
{
    pthread_t thread;
    size_t *count = calloc(2, sizeof *count);

    REQUIRE(count != NULL);
    count[1] = KEYS - 1;
    unsigned before = destructor_calls;
    REQUIRE(pthread_create(&thread, NULL, only_set_the_last_key, count) == 0);
    pthread_join(thread, NULL);
    CHECK(destructor_calls == before + ROUNDS);
}

static void *exit_by_pthread_exit(void *argument)
{
    set_all_keys(NULL);
    use_the_heap(3);
    pthread_exit(argument);
}

/* The last thread to end ends the process with 0. */
static _Noreturn void end_main_thread_first(void)
{
    pthread_t thread;

    create_keys();
    set_all_keys(NULL);
    REQUIRE(pthread_create(&thread, NULL, exit_by_pthread_exit, NULL) == 0);
    pthread_exit(NULL);
}

/* In a new process: in a fork's child musl 1.2.3 waits for ever when the main
 * thread is the first to end. */
static void pthread_exit_of_the_main_thread_ends_well(void)
{
    static char self[] = "teardown";
    static char how[] = "main-first";
    /* As many as check_start_again() may look at. */
    char *arguments[6] = {self, how, NULL};

    if (!check_child_may_have_threads())
        return;
    pid_t child = fork();
    int status;

    REQUIRE(child >= 0);
    if (child == 0)
        check_start_again(arguments);
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *kept;

static void at_exit(void)
{
    use_the_heap(9);
    CHECK(pattern_holds(kept, 1000, 77));
    free(kept);
    kept = malloc(1000);
    REQUIRE(kept != NULL);
    pattern_fill(kept, 1000, 77);
    if (check_failures != 0)
        _exit(CHECK_FAIL);
}

static void *allocate_without_end(void *argument)
{
    for (size_t i = 0;; i++)
        use_the_heap(i);
    return argument;
}

static void exit_handlers_may_allocate_while_threads_do(void)
{
    if (!check_child_may_have_threads())
        return;
    for (int round = check_times(20); round > 0; round--) {
        pid_t child = fork();
        int status;
        REQUIRE(child >= 0);
        if (child == 0) {
            pthread_t thread;
            kept = malloc(1000);
            pattern_fill(kept, 1000, 77);
            for (int i = 0; i < 10; i++)
                REQUIRE(atexit(at_exit) == 0);
            for (int i = 0; i < 3; i++)
                REQUIRE(pthread_create(&thread, NULL, allocate_without_end,
                                       NULL) == 0);
            usleep(1000);
            /* Each handler frees what the one before it left. */
            exit(0);
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(key_destructors_may_allocate_and_free),
    CASE(first_call_of_a_thread_may_be_setspecific),
    CASE(pthread_exit_of_the_main_thread_ends_well),
    CASE(exit_handlers_may_allocate_while_threads_do),
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "main-first") == 0)
        end_main_thread_first();
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
