/* SPDX-License-Identifier: MIT */
/*
 * What stays of large objects that were all freed, without malloc_trim: 2 MiB,
 * however few they were and in whichever order they went.
 *
 * Each round is a child of its own, which has never freed before: what stays of
 * memory that was soon needed again is more, and not looked at here.  None of
 * it is touched; what counts is how much the library takes for resident.
 */
#include "check.h"

#include <malloc.h>
#include <sys/wait.h>

enum { KIB = 1024, MIB = 1024 * 1024, LEAST = 140000 };
enum { MOST = 2 * MIB + 256 * KIB, TOTAL_MOST = 100 * MIB };

/* Returns 1 if more stays than may. */
static int too_much_stays(size_t size, size_t total, int reverse)
{
    static char *object[TOTAL_MOST / LEAST];
    size_t count = total / size;

    for (size_t i = 0; i < count; i++)
        REQUIRE((object[i] = malloc(size)) != NULL);
    for (size_t i = 0; i < count; i++)
        free(object[reverse ? count - 1 - i : i]);
    size_t stays = mallinfo2().keepcost;
    if (stays > MOST)
        printf("%zu KiB stay of %zu MiB in objects of %zu bytes\n", stays / KIB,
               total / MIB, size);
    fflush(stdout);
    return stays > MOST;
}

static void little_stays_of_few_large_objects(void)
{
    static const size_t total[] = {10 * MIB, 30 * MIB, 60 * MIB, TOTAL_MOST};

    if (!check_is_stalloc() || check_level() >= 2)
        return; /* there nothing that is free is resident */
    for (size_t size = LEAST; size < MIB; size += 90000) {
        for (size_t i = 0; i < 2 * COUNT_OF(total); i++) {
            int status;
            pid_t child = fork();
            REQUIRE(child >= 0);
            if (child == 0)
                _exit(too_much_stays(size, total[i / 2], i % 2));
            REQUIRE(waitpid(child, &status, 0) == child);
            CHECK(status == 0);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"little_stays_of_few_large_objects",
         little_stays_of_few_large_objects},
    };

    return check_main(argc, argv, cases, COUNT_OF(cases));
}
