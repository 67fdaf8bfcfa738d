/* SPDX-License-Identifier: MIT */
/*
 * A process may have so many mappings (vm.max_map_count) and no more.  Levels 2
 * and 3 of STALLOC_CHECK divide the heap into many; the program must still have
 * some for its threads, files and other programs.
 *
 * Could fail: malloc has taken them all, and pthread_create() says EAGAIN.
 */
#include "check.h"

#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { SIZE = 20000, MOST = 70000, PAGE = 65536 };

static void *nothing(void *argument)
{
    return argument;
}

static void use_mappings(void)
{
    enum { COUNT = 1000 };
    char *arguments[] = {(char *)(uintptr_t) "true", NULL};
    char *none[] = {NULL};
    pthread_t thread;
    pid_t child;
    int status;
    char *p = mmap(NULL, (size_t)COUNT * PAGE, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(p != MAP_FAILED);
    for (size_t i = 0; i < COUNT; i += 2) /* each is a mapping then */
        CHECK(mprotect(p + i * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
    CHECK(munmap(p, (size_t)COUNT * PAGE) == 0);
    REQUIRE(pthread_create(&thread, NULL, nothing, NULL) == 0);
    REQUIRE(pthread_join(thread, NULL) == 0);
    /* Without the library: the program may have another C library. */
    REQUIRE(posix_spawnp(&child, "true", NULL, NULL, arguments, none) == 0);
    REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

static void malloc_leaves_some_mappings(void)
{
    static char *object[MOST];
    int most = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

    if (file == NULL || fscanf(file, "%d", &most) != 1 || most > MOST ||
        sizeof(void *) < 8)
        _exit(CHECK_SKIP); /* too long a way, or too few addresses for it */
    fclose(file);
    for (int i = 0; i < most; i++) {
        object[i] = malloc(SIZE);
        REQUIRE(object[i] != NULL);
        object[i][0] = 'x';
    }
    use_mappings();
    for (int i = 0; i < most; i += 2)
        free(object[i]);
    use_mappings();
    for (int i = 0; i < most; i += 2) {
        object[i] = malloc(SIZE - 1);
        REQUIRE(object[i] != NULL);
    }
    use_mappings();
    for (int i = 0; i < most; i++)
        free(object[i]);
    use_mappings();
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"malloc_leaves_some_mappings", malloc_leaves_some_mappings},
    };

    check_needs_the_kernel();
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
