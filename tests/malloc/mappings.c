/* SPDX-License-Identifier: MIT */
/*
 * A process may have so many mappings (vm.max_map_count) and no more.  Levels 2
 * and 3 of STALLOC_CHECK divide the heap into many; the program must still have
 * some for its threads, files and other programs.
 *
 * Could fail: malloc has taken them all, and pthread_create() says EAGAIN; or
 * it keeps them when the objects are freed.
 *
 * realloc moves large objects by their mappings, for which it takes some for a
 * moment.  Where hardly any is left, it is to move them nevertheless.
 *
 * Could fail: the system refuses in the middle, and realloc returns NULL.
 *
 * And what it moved are mappings of their own, which stay when all is freed.
 *
 * Could fail: tens of thousands of objects that grew have taken all.
 */
#include "check.h"

#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
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

static char *object[MOST];

/* Returns how many objects it takes to use up all mappings. */
static int count_of_objects(void)
{
    int most = 0;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "r");

    if (file == NULL || fscanf(file, "%d", &most) != 1 || most > MOST ||
        sizeof(void *) < 8)
        _exit(CHECK_SKIP); /* too long a way, or too few addresses for it */
    fclose(file);
    return most;
}

static void make(int i, size_t align, size_t size)
{
    void *p = NULL;

    REQUIRE(posix_memalign(&p, align, size) == 0);
    object[i] = p;
    object[i][0] = 'x';
}

/* Most of the mappings are there again. */
static void check_mappings_are_few(void)
{
    int count = 0;
    FILE *file = fopen("/proc/self/maps", "r");

    REQUIRE(file != NULL);
    for (int c = getc(file); c != EOF; c = getc(file))
        count += c == '\n';
    fclose(file);
    CHECK(count < count_of_objects() / 6);
}

static void use_many(size_t align)
{
    int most = count_of_objects();

    for (int i = 0; i < most; i++)
        make(i, align, SIZE);
    use_mappings();
    for (int i = 0; i < most; i += 2)
        free(object[i]);
    use_mappings();
    for (int i = 0; i < most; i += 2)
        make(i, align, SIZE - 1);
    use_mappings();
    for (int i = 0; i < most; i++)
        free(object[i]);
    use_mappings();
    check_mappings_are_few();
}

static void malloc_leaves_some_mappings(void)
{
    enum { COUNT = 24000 };

    use_many(16);
    /* What was divided for those may not be any more. */
    for (int i = 0; i < COUNT; i++)
        make(i, 16, 2 * SIZE);
    use_mappings();
    for (int i = 0; i < COUNT; i += 2)
        free(object[i]);
    use_mappings();
    for (int i = 1; i < COUNT; i += 2)
        free(object[i]);
    check_mappings_are_few();
}

/* Could fail: what lies between them is closed, and divides the heap, too. */
static void aligned_objects_leave_some_mappings(void)
{
    if (check_level() > 1)
        use_many(PAGE);
}

/* Could fail: each of several regions may have as many. */
static void regions_leave_some_mappings(void)
{
    char name[] = "malloc_leaves_some_mappings";
    char *arguments[] = {check_self(), name, NULL};
    struct rlimit limit = {2500000000u, 2500000000u};
    pid_t child;
    int status;

    if (check_level() < 2)
        return;
    count_of_objects();
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
        check_start_again(arguments);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

enum { LARGE = 400000 };

/* Has all but `left` mappings, or one more, of the process: every second page
 * of `pages` is one. */
static void leave_mappings(char *pages, int left)
{
    char *at = pages;
    while (mprotect(at, PAGE, PROT_READ) == 0)
        at += 2 * PAGE;
    for (; left > 0; left -= 2)
        CHECK(mprotect(at -= 2 * PAGE, PAGE, PROT_NONE) == 0);
}

static void large_objects_move_with_few_mappings_left(void)
{
    enum { COUNT = 200 };
    int round = 2000 / check_times(200);
    size_t bytes = (size_t)count_of_objects() * 2 * PAGE;
    char *pages =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE(pages != MAP_FAILED);
    if (check_level() >= 2) /* which need many themselves */
        return;
    for (int i = 0; i < COUNT; i++) {
        make(i, 16, LARGE);
        memset(object[i], i, LARGE);
    }
    for (int i = 0; i < COUNT; i++) {
        if (i % round == 0) {
            CHECK(mprotect(pages, bytes, PROT_NONE) == 0);
            leave_mappings(pages, 22 - i / 10);
        }
        char *p = realloc(object[i], 2 * LARGE);
        REQUIRE(p != NULL);
        CHECK(p[0] == (char)i && p[LARGE - 1] == (char)i);
        object[i] = p;
    }
}

static void grow_and_free(void)
{
    enum { LEAST = 270000 }; /* the shortest that realloc moves */
    int most = count_of_objects() / 2 + 500;

    for (int i = 0; i < most; i++)
        make(i, 16, LEAST);
    for (int i = 0; i < most; i++) {
        object[i] = realloc(object[i], 2 * LEAST);
        if (object[i] == NULL) /* of 18 GB hardly a page is touched */
            _exit(CHECK_SKIP);
        CHECK(object[i][0] == 'x');
    }
    use_mappings();
    for (int i = 0; i < most; i++)
        free(object[i]);
    use_mappings();
    check_mappings_are_few();
}

/* In a process of its own: other cases count what stays of this one. */
static void large_objects_that_grew_leave_some_mappings(void)
{
    pid_t child;
    int status;

    if (check_level() >= 2) /* where most is closed when it is freed */
        return;
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        grow_and_free();
        _exit(check_failures == 0 ? CHECK_PASS : CHECK_FAIL);
    }
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == CHECK_PASS ||
                                WEXITSTATUS(status) == CHECK_SKIP));
}

/* Could fail: a block of 2 MiB of which a part is free asks for no huge page,
 * and so is a mapping of its own between two that do. */
static void free_parts_of_a_large_heap_leave_some_mappings(void)
{
    enum { PIECE = 256 << 10, PER_BLOCK = (2 << 20) / PIECE };
    size_t count = (size_t)count_of_objects() * 5 / 4 * PER_BLOCK;
    char **piece = malloc(count * sizeof *piece);

    REQUIRE(piece != NULL);
    if (check_level() >= 2)
        return;
    for (size_t i = 0; i < count; i++) { /* of 160 GiB no page is touched */
        piece[i] = malloc(PIECE);
        if (piece[i] == NULL)
            _exit(CHECK_SKIP);
    }
    for (size_t i = 0; i < count; i += 2 * PER_BLOCK)
        free(piece[i]);
    CHECK(malloc_trim(0) == 1);
    use_mappings();
    for (size_t i = 0; i < count; i++)
        if (i % (2 * PER_BLOCK) != 0)
            free(piece[i]);
    use_mappings();
    check_mappings_are_few();
}

int main(int argc, char **argv)
{
    static const struct check_case cases[] = {
        {"malloc_leaves_some_mappings", malloc_leaves_some_mappings},
        {"aligned_objects_leave_some_mappings",
         aligned_objects_leave_some_mappings},
        {"regions_leave_some_mappings", regions_leave_some_mappings},
        {"large_objects_that_grew_leave_some_mappings",
         large_objects_that_grew_leave_some_mappings},
        {"free_parts_of_a_large_heap_leave_some_mappings",
         free_parts_of_a_large_heap_leave_some_mappings},
        {"large_objects_move_with_few_mappings_left",
         large_objects_move_with_few_mappings_left},
    };

    check_needs_the_kernel();
    check_needs_threads();
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
