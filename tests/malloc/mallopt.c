/* SPDX-License-Identifier: MIT */
/*
 * What the first call of a program sets by mallopt() is set for all that come.
 *
 * Could fail: the library reads its options with the first object, and forgets
 * what it was told before.
 */
#include "check.h"

enum { KIB = 1024, BYTES = 64 * KIB, COUNT = 1000 };

static void free_memory_is_kept_from_the_start(void)
{
    static void *object[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        object[i] = malloc(BYTES);
        REQUIRE(object[i] != NULL);
        memset(object[i], 1, BYTES);
    }
    long full = status_kib("VmRSS");
    for (size_t i = 0; i < COUNT; i++)
        free(object[i]);
    if (check_level() < 2) /* else free pages are closed, and go */
        CHECK(status_kib("VmRSS") > full - COUNT * BYTES / KIB / 4);
}

static const struct check_case cases[] = {
    {"free_memory_is_kept_from_the_start", free_memory_is_kept_from_the_start},
};

int main(int argc, char **argv)
{
    CHECK(mallopt(M_TRIM_THRESHOLD, -1) == 1);
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
