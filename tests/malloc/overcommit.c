/* SPDX-License-Identifier: MIT */
/*
 * The system is asked for as much memory as is used, or soon will be.
 *
 * Where it promises no more than it has (vm.overcommit_memory=2) every page
 * that may be written counts at once, used or not.  A reservation of twice the
 * machine's memory must count nothing then, or the program gets none, and its
 * children neither.  What counts is marked in /proc/self/smaps in all settings:
 * "ac", or "nr" for writable memory that does not count elsewhere.  So this
 * test needs not be run in that one.
 */
#include "check.h"

#include <sys/wait.h>

enum { MIB = 1024 };

/* KiB of this process's mappings that count. */
static long charged_kib(void)
{
    static char line[4096]; /* a buffer of stdio's would come from malloc */
    long kib = 0, all = 0;

    FILE *stream = fopen("/proc/self/smaps", "r");
    REQUIRE(stream != NULL);
    setvbuf(stream, NULL, _IONBF, 0);
    while (fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, "Size:", 5) == 0)
            kib = atol(line + 5);
        if (strncmp(line, "VmFlags:", 8) != 0)
            continue;
        int would = strstr(line, " wr") != NULL && strstr(line, " nr") != NULL;
        if (would || strstr(line, " ac") != NULL)
            all += kib;
    }
    fclose(stream);
    REQUIRE(all != 0);
    return all;
}

static void a_reservation_counts_nothing(void)
{
    free(malloc(100));
    if (check_is_stalloc() && sizeof(void *) == 8)
        CHECK(status_kib("VmSize") > 512 * MIB); /* there is one */
    CHECK(charged_kib() < 64 * MIB);
}

static void what_counts_follows_what_is_used(void)
{
    static void *object[200];
    long before = charged_kib();

    for (size_t i = 0; i < COUNT_OF(object); i++)
        REQUIRE((object[i] = malloc((size_t)MIB * 1024)) != NULL);
    long during = charged_kib() - before;
    CHECK(during >= 150 * MIB && during <= 300 * MIB);
    for (size_t i = 0; i < COUNT_OF(object); i++)
        free(object[i]);
}

static void a_child_can_allocate(void)
{
    int status;
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0)
        _exit(malloc(1 << 20) == NULL);
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

static const struct check_case cases[] = {
    {"a_reservation_counts_nothing", a_reservation_counts_nothing},
    {"what_counts_follows_what_is_used", what_counts_follows_what_is_used},
    {"a_child_can_allocate", a_child_can_allocate},
};

int main(int argc, char **argv)
{
    check_needs_the_kernel();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
