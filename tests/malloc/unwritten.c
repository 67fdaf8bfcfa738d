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

enum part { START, END, SCATTERED };

/* Writes to a part of a buffer; returns how many pages that may be. */
static size_t write_part(char *p, size_t size, enum part part, size_t nth)
{
    size_t count = 0;

    if (part == START)
        memset(p, 1, 100);
    if (part == END)
        memset(p + size - 2000, 1, 2000);
    for (size_t at = 0; part == SCATTERED && at < size; at += PAGE)
        if ((nth + at / PAGE) * 2654435761u % 4096 < 4096 / 3) {
            p[at] = 1;
            count++;
        }
    return count < 2 ? 2 : count;
}

static void fill(size_t size, enum part part)
{
    size_t count = BYTES / size;
    size_t pages = 0;
    long before = status_kib("VmRSS");

    for (size_t i = 0; i < count; i++) {
        char *p = malloc(size);
        REQUIRE(p != NULL);
        pages += write_part(p, size, part, i * 1000);
    }
    CHECK(status_kib("VmRSS") < before + (long)(pages * PAGE / KIB) + 20 * KIB);
}

static void fill_apart(size_t size, enum part part)
{
    pid_t child = fork();
    int status;

    REQUIRE(child >= 0);
    if (child == 0) {
        check_failures = 0;
        fill(size, part);
        _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    if (status != 0)
        dprintf(2, "buffers of %zu bytes, part %d\n", size, (int)part);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void pages_that_are_not_written_stay_away(void)
{
    size_t slots = check_level() < 2 ? 0 : 1; /* which are filled there */

    for (size_t i = slots; i < COUNT_OF(sizes); i++)
        fill_apart(sizes[i], START);
}

/* As of a coroutine's stack. */
static void pages_in_front_stay_away(void)
{
    fill_apart(64 * KIB, END);
    fill_apart(200 * KIB, END);
}

static void pages_between_stay_away(void)
{
    fill_apart(64 * KIB, SCATTERED);
    fill_apart(200 * KIB, SCATTERED);
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

/* Objects grow side by side, and one byte of each step is written.  Each lies
 * in several mappings then, which the system does not move. */
static void what_grows_unwritten_stays_away(void)
{
    enum { COUNT = 200, STEP = 300000, STEPS = 4 };
    static char *object[COUNT];
    long before = status_kib("VmRSS");

    for (size_t n = 0; n < STEPS; n++)
        for (size_t i = 0; i < COUNT; i++) {
            char *p = realloc(object[i], (n + 1) * STEP);
            REQUIRE(p != NULL);
            object[i] = p;
            p[n * STEP] = (char)(i + n);
            for (size_t k = 0; k <= n; k++)
                CHECK(p[k * STEP] == (char)(i + k));
        }
    CHECK(status_kib("VmRSS") < before + 32 * KIB);
    for (size_t i = 0; i < COUNT; i++)
        free(object[i]);
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"pages_that_are_not_written_stay_away",
         pages_that_are_not_written_stay_away},
        {"pages_in_front_stay_away", pages_in_front_stay_away},
        {"pages_between_stay_away", pages_between_stay_away},
        {"what_grows_unwritten_stays_away", what_grows_unwritten_stays_away},
        {"pages_may_be_closed_meanwhile", pages_may_be_closed_meanwhile},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
