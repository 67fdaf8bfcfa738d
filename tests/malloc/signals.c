/* SPDX-License-Identifier: MIT */
/*
 * Signals may interrupt malloc anywhere, and handlers may jump out of the rest.
 *
 * Timers interrupt threads in the middle of every call, in waits for a lock
 * and in system calls of the library; the handler does not allocate, and
 * returns.  The heap must not notice, and errno must stay.  A handler that
 * interrupts the program's own code may leave by siglongjmp instead, as
 * programs do for a time limit; what was allocated before is freed behind it.
 * One that interrupted malloc may fork, to start another program, as those do
 * that have a debugger look at a crash: the locks that fork waits for may be
 * held by the very call that it interrupted.
 * (A jump out of malloc itself is not allowed by C or POSIX: it may hold a
 * lock.)
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { KIB = 1024, OBJECTS = 64 };

static atomic_uint ticks;
static _Thread_local sigjmp_buf out;
static _Thread_local volatile sig_atomic_t may_jump;

static void tick(int number)
{
    (void)number;
    atomic_fetch_add(&ticks, 1u);
    if (may_jump) {
        may_jump = 0;
        siglongjmp(out, 1);
    }
}

static void start_ticking(void)
{
    struct itimerval often = {{0, 200}, {0, 200}};
    struct sigaction action = {.sa_handler = tick};

    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
}

static void stop_ticking(void)
{
    struct itimerval never = {{0, 0}, {0, 0}};

    REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
}

/* Allocates, checks and frees until so many signals have come. */
static void *use_the_heap(void *argument)
{
    unsigned char *object[OBJECTS] = {NULL};
    size_t size[OBJECTS] = {0};
    uint64_t random = 0x9e3779b97f4a7c15u + (uintptr_t)argument;
    unsigned most = (unsigned)check_times(check_is_long() ? 100000 : 1500);

    errno = 77;
    while (atomic_load(&ticks) < most) {
        uint64_t r = random_next(&random);
        size_t i = r % OBJECTS;
        if (object[i] != NULL)
            REQUIRE(pattern_holds(object[i], size[i], i));
        free(object[i]);
        size[i] = 1 + (size_t)(r >> 20) % ((size_t)64 << (r >> 40) % 14);
        object[i] = malloc(size[i]);
        REQUIRE(object[i] != NULL);
        pattern_fill(object[i], size[i], i);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        free(object[i]);
    CHECK(errno == 77);
    return NULL;
}

static void handlers_may_interrupt_malloc(void)
{
    const char *variant = getenv("STALLOC_VARIANT");
    pthread_t thread[2];
    size_t count = COUNT_OF(thread);

    if (variant != NULL && strcmp(variant, "single") == 0)
        count = 0;
    atomic_store(&ticks, 0);
    start_ticking();
    for (size_t i = 0; i < count; i++)
        REQUIRE(pthread_create(&thread[i], NULL, use_the_heap,
                               (void *)(i + 1)) == 0);
    use_the_heap(NULL);
    for (size_t i = 0; i < count; i++)
        REQUIRE(pthread_join(thread[i], NULL) == 0);
    stop_ticking();
}

static void handlers_may_jump_out_of_the_program(void)
{
    volatile long after_first = 0;

    start_ticking();
    for (volatile int i = 0; i < 300; i++) {
        void *volatile p = malloc((size_t)(1 + i) * 100);
        REQUIRE(p != NULL);
        if (sigsetjmp(out, 1) == 0) {
            may_jump = 1;
            for (volatile unsigned long n = 0;; n++) {
            }
        }
        free(p);
        free(malloc(300 * KIB));
        if (i == 50)
            after_first = status_kib("VmRSS");
    }
    stop_ticking();
    CHECK(status_kib("VmRSS") <= after_first + 2 * KIB);
}

static volatile sig_atomic_t forks, bad_children;

/* Has one signal come: the next one once this has been dealt with. */
static void tick_once(void)
{
    struct itimerval soon = {{0, 0}, {0, 300}};

    REQUIRE(setitimer(ITIMER_REAL, &soon, NULL) == 0);
}

static void fork_and_run(int number)
{
    int saved = errno;
    int status = -1;
    pid_t child = fork();
    (void)number;
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        bad_children = 1;
    forks = forks + 1;
    tick_once();
    errno = saved;
}

/* The C library too promises this only while there is one thread. */
static void handlers_may_fork_in_the_middle_of_malloc(void)
{
    struct sigaction action = {.sa_handler = fork_and_run,
                               .sa_flags = SA_RESTART};
    int count = check_times(100);

    check_needs_glibc();
    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    tick_once();
    for (size_t i = 0; forks < count; i++) {
        void *small = malloc(i % 3000), *large = malloc(i % 7 * 50 * KIB);
        free(small);
        free(large);
    }
    stop_ticking();
    CHECK(!bad_children);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(handlers_may_fork_in_the_middle_of_malloc), /* no thread so far */
    CASE(handlers_may_interrupt_malloc),
    CASE(handlers_may_jump_out_of_the_program),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
