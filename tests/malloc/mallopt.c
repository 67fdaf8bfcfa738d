/* SPDX-License-Identifier: MIT */
/*
 * What a program sets by mallopt() is set, whatever was before.
 *
 * Could fail: the library reads its options with the first object, and forgets
 * what it was told before; or the program was just shrinking when it set that
 * all is to be kept, and is taken for shrinking ever after.
 */
#include "check.h"

#include <sys/wait.h>

enum { KIB = 1024, MOST = 400000, SMALL = 500, MEDIUM = 64 * KIB };

static void *object[MOST];

static void allocate(size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        object[i] = malloc(size);
        REQUIRE(object[i] != NULL);
        memset(object[i], 1, size);
    }
}

/* Frees all but one in `kept`. */
static void free_but(size_t count, size_t kept)
{
    for (size_t i = 0; i < count; i++)
        if (kept == 1 || i % kept != 0)
            free(object[i]);
}

/* Free pages are kept at these levels, as at others nobody could touch them. */
static void all_stay(long before)
{
    if (check_level() < 2)
        CHECK(status_kib("VmRSS") > before - before / 4);
}

static void set_before_the_first_object(void)
{
    CHECK(mallopt(M_TRIM_THRESHOLD, -1) == 1);
    allocate(1000, MEDIUM);
    long before = status_kib("VmRSS");
    free_but(1000, 1);
    all_stay(before);
}

static void set_while_the_program_shrinks(void)
{
    allocate(MOST, SMALL);
    free_but(MOST, 1);
    CHECK(mallopt(M_TRIM_THRESHOLD, -1) == 1);
    allocate(MOST / 2, SMALL);
    long before = status_kib("VmRSS");
    free_but(MOST / 2, 50);
    all_stay(before);
}

/* Each in a process of its own, from which mallopt() is called once. */
static pid_t start(void (*set)(void))
{
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0) {
        set();
        _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
    }
    return child;
}

static void wait_for(pid_t child)
{
    int status;

    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == CHECK_PASS);
}

static pid_t first;

static void what_is_set_first_is_kept(void)
{
    wait_for(first);
}

static void what_is_set_while_it_shrinks_is_kept(void)
{
    wait_for(start(set_while_the_program_shrinks));
}

static const struct check_case cases[] = {
    {"what_is_set_first_is_kept", what_is_set_first_is_kept},
    {"what_is_set_while_it_shrinks_is_kept",
     what_is_set_while_it_shrinks_is_kept},
};

int main(int argc, char **argv)
{
    first = start(set_before_the_first_object); /* as dlsym() may allocate */
    if (!check_is_stalloc())
        return CHECK_SKIP;
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
