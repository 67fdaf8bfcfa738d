/* SPDX-License-Identifier: MIT */
/*
 * STALLOC_FOREIGN=ignore and forward: what becomes of a pointer that came from
 * the C library's own malloc.  realloc() cannot know its size and must refuse
 * it, leaving it as it was; only free() may hand it on.
 */
#include "check.h"

#include <errno.h>
#include <sys/wait.h>

static char *foreign(size_t size)
{
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *(*theirs)(size_t) = (void *(*)(size_t))dlsym(libc, "malloc");
    char *p = theirs(size);

    REQUIRE(p != NULL);
    memset(p, 'f', size);
    return p;
}

static void realloc_refuses_it_and_leaves_it(void)
{
    char *p = foreign(100);

    errno = 0;
    CHECK(realloc(hide_pointer(p), 200) == NULL && errno == ENOMEM);
    errno = 0;
    CHECK(reallocarray(hide_pointer(p), 10, 20) == NULL && errno == ENOMEM);
    for (int i = 0; i < 100; i++)
        CHECK(p[i] == 'f');
}

static void it_has_no_usable_size(void)
{
    CHECK(malloc_usable_size(foreign(100)) == 0);
}

static void free_takes_it_in_any_number_and_keeps_errno(void)
{
    errno = 77;
    for (int i = 0; i < 1000; i++)
        free(hide_pointer(foreign(16 + (size_t)i)));
    CHECK(errno == 77);
    CHECK(realloc(hide_pointer(foreign(100)), 0) == NULL);
}

static void our_own_objects_are_as_ever(void)
{
    char *p = malloc(100);

    free(hide_pointer(foreign(100)));
    REQUIRE(p != NULL);
    p = realloc(p, 1000);
    REQUIRE(p != NULL && malloc_usable_size(p) >= 1000);
    free(p);
}

static const struct check_case cases[] = {
    {"realloc_refuses_it_and_leaves_it", realloc_refuses_it_and_leaves_it},
    {"it_has_no_usable_size", it_has_no_usable_size},
    {"free_takes_it_in_any_number_and_keeps_errno",
     free_takes_it_in_any_number_and_keeps_errno},
    {"our_own_objects_are_as_ever", our_own_objects_are_as_ever},
};

int main(int argc, char **argv)
{
    check_needs_glibc();
    /* ignore first, in this process's place, then forward in the next one. */
    if (getenv("STALLOC_FOREIGN") == NULL) {
        pid_t child;
        setenv("STALLOC_FOREIGN", "ignore", 1);
        child = fork();
        if (child == 0)
            check_start_again(argv);
        int status;
        REQUIRE(waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == CHECK_PASS);
        setenv("STALLOC_FOREIGN", "forward", 1);
        check_start_again(argv);
    }
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
