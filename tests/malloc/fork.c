/* SPDX-License-Identifier: MIT */
/*
 * A child of a threaded parent can allocate, and so can its own children.
 *
 * fork copies the heap in the middle of what the other threads were doing, and
 * those threads are not there to finish it.  The heap must be whole in the
 * child: its locks free, its lists complete, every object as it was.  And the
 * fork itself must not wait for a lock that a thread holds which waits for the
 * forking thread; fork_stdio.c is about that.
 */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

extern char **environ;

enum { KEPT = 150 };

static atomic_int stop;
static _Atomic(void *) cell[128];

/* Allocates, frees, and exchanges objects with the other threads. */
static void *busy(void *argument)
{
    uint64_t random = 0x1234567 + (uintptr_t)argument * 7919;

    while (!atomic_load(&stop)) {
        uint64_t r = random_next(&random);
        size_t size = 1 + (size_t)(r >> 20) % ((size_t)1 << (r >> 50) % 19);
        char *p = malloc(size);
        REQUIRE(p != NULL);
        p[0] = 1;
        p[size - 1] = 1;
        free(atomic_exchange(&cell[r % COUNT_OF(cell)], p));
    }
    return NULL;
}

struct crew {
    pthread_t thread[4];
    size_t size;
};

static void crew_start(struct crew *crew, size_t size,
                       void *(*run)(void *argument))
{
    const char *variant = getenv("STALLOC_VARIANT");

    atomic_store(&stop, 0);
    crew->size = variant != NULL && strcmp(variant, "single") == 0 ? 0 : size;
    for (size_t i = 0; i < crew->size; i++)
        REQUIRE(pthread_create(&crew->thread[i], NULL, run, (void *)(i + 1)) ==
                0);
}

static void crew_stop(struct crew *crew)
{
    atomic_store(&stop, 1);
    for (size_t i = 0; i < crew->size; i++)
        pthread_join(crew->thread[i], NULL);
}

static void *kept[KEPT];
static size_t kept_size[KEPT];

static void keep_objects(void)
{
    for (size_t i = 0; i < KEPT; i++) {
        kept_size[i] = i % 50 == 49 ? 50000 : 16 + i * 11;
        kept[i] = malloc(kept_size[i]);
        REQUIRE(kept[i] != NULL);
        pattern_fill(kept[i], kept_size[i], i);
    }
}

/* What a child does: the parent's objects are there, and the heap works. */
static void work_in_child(void)
{
    for (size_t i = 0; i < KEPT; i++) {
        REQUIRE(pattern_holds(kept[i], kept_size[i], i));
        free(kept[i]);
    }
    for (size_t i = 0; i < COUNT_OF(cell); i++)
        free(atomic_exchange(&cell[i], NULL)); /* of threads that are no more */
    for (size_t size = 1; size < 300000; size = size * 2 + 1) {
        void *p = calloc(1, size);
        REQUIRE(p != NULL && is_zero(p, size));
        memset(p, 1, size);
        p = realloc(p, size * 2);
        REQUIRE(p != NULL);
        free(p);
    }
}

static void await(pid_t child)
{
    int status;

    REQUIRE(child > 0);
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void children_of_a_busy_parent_can_allocate(void)
{
    struct crew crew;

    keep_objects();
    crew_start(&crew, 3, busy);
    for (int i = check_times(check_is_long() ? 1000 : 350); i > 0; i--) {
        pid_t child = fork();
        if (child == 0) {
            work_in_child();
            _exit(check_failures != 0);
        }
        await(child);
    }
    crew_stop(&crew);
}

static void *busy_in_child(void *argument)
{
    atomic_store(&stop, 0);
    for (int i = 0; i < 2000; i++) {
        void *p = malloc(16 + (size_t)i * 3);
        REQUIRE(p != NULL);
        memset(p, 1, 16);
        free(p);
    }
    return argument;
}

static void children_start_threads_and_children(void)
{
    struct crew crew;

    if (!check_child_may_have_threads())
        return;
    crew_start(&crew, 3, busy);
    for (int i = check_times(40); i > 0; i--) {
        pid_t child = fork();
        if (child == 0) {
            struct crew own;
            crew_start(&own, 3, busy_in_child);
            pid_t grandchild = fork();
            if (grandchild == 0) {
                work_in_child();
                _exit(check_failures != 0);
            }
            await(grandchild);
            crew_stop(&own);
            exit(check_failures != 0); /* by the exit handlers */
        }
        await(child);
    }
    crew_stop(&crew);
}

static void *forks(void *argument)
{
    for (int i = check_times(25); i > 0; i--) {
        pid_t child = fork();
        if (child == 0) {
            work_in_child();
            _exit(check_failures != 0);
        }
        await(child);
    }
    return argument;
}

static void several_threads_fork_at_once(void)
{
    struct crew crew;

    crew_start(&crew, 4, forks);
    forks(NULL);
    crew_stop(&crew);
}

static void spawned_programs_run(void)
{
    struct crew crew;
    static char sh[] = "sh", c[] = "-c", script[] = "test \"$(echo ok)\" = ok";
    char *const arguments[] = {sh, c, script, NULL};

    if (WEXITSTATUS(system("exit 3")) != 3) { /* of another C library */
        dprintf(1, "    no shell can be preloaded here\n");
        return;
    }
    crew_start(&crew, 3, busy);
    for (int i = check_times(20); i > 0; i--) {
        pid_t child;
        char line[32] = "";
        REQUIRE(posix_spawnp(&child, "sh", NULL, NULL, arguments, environ) ==
                0);
        await(child);
        child = vfork();
        if (child == 0) {
            execvp("sh", arguments);
            _exit(127);
        }
        await(child);
        CHECK(system("exit 3") == 3 << 8);
        FILE *pipe = popen("echo through a pipe", "re");
        REQUIRE(pipe != NULL);
        CHECK(fgets(line, sizeof line, pipe) != NULL);
        CHECK(strcmp(line, "through a pipe\n") == 0);
        CHECK(pclose(pipe) == 0);
    }
    crew_stop(&crew);
}

/* It has its parent's memory and thread-local storage, and its parent waits. */
static void a_child_of_vfork_works_in_its_parents_heap(void)
{
    static void *volatile object;
    static volatile size_t size;
    int status;

    for (size = 0; size < 10000; size += 50) {
        pid_t child = vfork();
        if (child == 0) {
            free(object);
            object = malloc(size);
            _exit(object == NULL);
        }
        REQUIRE(waitpid(child, &status, 0) == child && status == 0);
    }
    free(object);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(children_of_a_busy_parent_can_allocate),
    CASE(children_start_threads_and_children),
    CASE(several_threads_fork_at_once),
    CASE(spawned_programs_run),
    CASE(a_child_of_vfork_works_in_its_parents_heap),
};

int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
