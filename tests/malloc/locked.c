/* SPDX-License-Identifier: MIT */
/*
 * A program that locks its memory: the system then refuses to take contents
 * back, so that what was freed is still there.
 *
 * Could fail: calloc counts on zeros that the system did not make; memory that
 * nobody could purge is taken for free later, under a live object; or the heap
 * is not locked any more once a large object moved.
 */
#include "check.h"

#include <inttypes.h>
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

/* True when the mapping of an address has the flag "lo". */
static int is_locked(const void *p)
{
    static char line[4096]; /* a buffer of stdio's would come from malloc */
    uintptr_t first, end;
    int here = 0, locked = 0;

    FILE *stream = fopen("/proc/self/smaps", "r");
    REQUIRE(stream != NULL);
    setvbuf(stream, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stream) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2)
            here = (uintptr_t)p >= first && (uintptr_t)p < end;
        if (here && strncmp(line, "VmFlags:", 8) == 0)
            locked = strstr(line, " lo") != NULL;
    }
    fclose(stream);
    return locked;
}

static void memory_stays_locked_when_an_object_moves(void)
{
    char *small[16];
    char *p = malloc(MIB / 2);
    char *behind = malloc(MIB / 2); /* or it would grow where it is */
    REQUIRE(p != NULL && behind != NULL);
    uintptr_t was = (uintptr_t)p;

    for (size_t i = 0; i < COUNT_OF(small); i++)
        REQUIRE((small[i] = malloc(1 + i * 1000)) != NULL);
    if (check_is_emulated() || !is_locked(p))
        return; /* nobody can say */
    pattern_fill(p, MIB / 2, 1);
    p = realloc(p, 4 * MIB);
    REQUIRE(p != NULL);
    CHECK(pattern_holds(p, MIB / 2, 1));
    CHECK(is_locked(p));
    CHECK(is_locked(behind));
    CHECK(!check_is_stalloc() || is_locked((void *)was));
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        CHECK(is_locked(small[i]));
        free(small[i]);
    }
    free(behind);
    free(p);
}

static const struct check_case cases[] = {
    {"memory_stays_locked_when_an_object_moves",
     memory_stays_locked_when_an_object_moves},
    {"locked_memory_that_was_freed_is_zero_again",
     locked_memory_that_was_freed_is_zero_again},
};

int main(int argc, char **argv)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return CHECK_SKIP; /* RLIMIT_MEMLOCK */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
