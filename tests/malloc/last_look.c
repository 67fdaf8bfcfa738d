/* SPDX-License-Identifier: MIT */
/*
 * A correct program in a large heap ends without a word.
 *
 * At exit the lists of lazy slabs are followed (src/heap/last_look.c).  A slab
 * that went leaves its list in its descriptor, and others' free objects where
 * it was: to follow that one leads through those as if it never ended.  And the
 * look goes by the clock, under a lock: libraries that have a program see
 * another time replace the C library's by one that allocates.
 */
#include "check.h"

#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *t)
{
    (void)clock;
    *t = (struct timespec){0};
    free(hide_pointer(malloc(300000)));
    return 0;
}

static void **fill(size_t count, size_t size)
{
    void **p = malloc(count * sizeof *p);
    REQUIRE(p);
    for (size_t i = 0; i < count; i++)
        REQUIRE(p[i] = malloc(size));
    return p;
}

static void slabs_that_went_and_free_objects_in_their_place(void)
{
    enum { LARGE = 3000, GONE = 8000, KEPT = 20000 };
    static void **volatile kept[2]; /* lest the calls be left out */
    kept[0] = fill(LARGE, 3072);    /* beyond 4 MiB slabs are lazy */
    void **gone = fill(GONE, 3072);
    for (size_t i = 0; i < GONE; i++)
        free(gone[i]);
    kept[1] = fill(KEPT, 192);
    for (size_t i = 0; i < KEPT; i++)
        if (i % 50 != 0)
            free(kept[1][i]);
}

/* More slots than are looked at without a clock. */
static void many_free_objects_in_slabs_that_stay(void)
{
    enum { MANY = 100000 };
    static void **volatile kept;
    kept = fill(MANY, 100);
    for (size_t i = 0; i < MANY; i++)
        if (i % 10 != 0)
            free(kept[i]);
    alarm(20); /* ends the program if the look at exit hangs */
}

static const struct check_case cases[] = {
    {"slabs_that_went_and_free_objects_in_their_place",
     slabs_that_went_and_free_objects_in_their_place},
    {"many_free_objects_in_slabs_that_stay",
     many_free_objects_in_slabs_that_stay},
};

/* The look comes after this. */
int main(int argc, char **argv)
{
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
