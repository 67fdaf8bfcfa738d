/* SPDX-License-Identifier: MIT */
/*
 * What a program does not write to of its objects is not resident, whether or
 * not the system has huge pages for the heap.
 *
 * Each case is a process of its own, whose heap grows as never before: that is
 * when the library looks at objects.
 */
#include "check.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { KIB = 1024, MIB = 1024 * 1024, PAGE = 4096, BYTES = 200 * MIB };

static const size_t sizes[] = {10000,    12 * KIB,  16 * KIB, 20000,
                               64 * KIB, 200 * KIB, MIB};

/* Buffers, of which the start is written. */
static void fill(size_t size)
{
    size_t count = BYTES / size;
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < count; i++) {
        char *p = malloc(size);
        REQUIRE(p != NULL);
        memset(p, 1, 100);
    }
    CHECK(status_kib("VmRSS") <
          before + (long)(count * 2 * PAGE / KIB) + 20 * KIB);
}

static void pages_that_are_not_written_stay_away(void)
{
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        pid_t child = fork();
        int status;

        REQUIRE(child >= 0);
        if (child == 0) {
            fill(sizes[i]);
            _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* As a guard under a coroutine's stack is. */
static void pages_may_be_closed_meanwhile(void)
{
    for (size_t i = 0; i < BYTES / (64 * KIB); i++) {
        char *p = aligned_alloc(PAGE, 64 * KIB);
        REQUIRE(p != NULL);
        p[0] = 1;
        REQUIRE(mprotect(p, 64 * KIB, PROT_NONE) == 0 || errno == ENOMEM);
    }
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"pages_that_are_not_written_stay_away",
         pages_that_are_not_written_stay_away},
        {"pages_may_be_closed_meanwhile", pages_may_be_closed_meanwhile},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
