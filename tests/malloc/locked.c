/* SPDX-License-Identifier: MIT */
/*
 * A program that locks its memory: the system then refuses to take contents
 * back, so that what was freed is still there.
 *
 * Could fail: calloc counts on zeros that the system did not make; or memory
 * that nobody could purge is taken for free later, under a live object.
 */
#include "check.h"

#include <sys/mman.h>

enum { MIB = 1024 * 1024, COUNT = 64 };

static char *object[COUNT];

static void locked_memory_that_was_freed_is_zero_again(void)
{
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            object[i] = malloc(MIB / 2);
            REQUIRE(object[i] != NULL);
            memset(object[i], 0xee, MIB / 2);
        }
        for (size_t i = 0; i < COUNT; i++)
            free(object[i]);
        malloc_trim(0);
        for (size_t i = 0; i < COUNT; i++) {
            object[i] = calloc(1, MIB / 2);
            REQUIRE(object[i] != NULL);
            CHECK(is_zero(object[i], MIB / 2));
            pattern_fill(object[i], MIB / 2, i);
        }
        if (round == 1)
            REQUIRE(munlockall() == 0);
        malloc_trim(0);
        for (size_t i = 0; i < COUNT; i++) {
            CHECK(pattern_holds(object[i], MIB / 2, i));
            free(object[i]);
        }
    }
}

static const struct check_case cases[] = {
    {"locked_memory_that_was_freed_is_zero_again",
     locked_memory_that_was_freed_is_zero_again},
};

int main(int argc, char **argv)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return CHECK_SKIP; /* RLIMIT_MEMLOCK */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
