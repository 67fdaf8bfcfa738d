/* SPDX-License-Identifier: MIT */
/*
 * libstalloc.so can be opened by dlopen in a running program.
 *
 * It then replaces nothing, and says so: its thread-local storage fits into
 * what the C library holds ready, its own malloc works beside the other, and
 * it cannot be unloaded under the feet of a thread.  run-preloaded does not
 * help here: the program starts itself again without the preload.
 */
#include "check.h"

#include <pthread.h>

static void *library;

static void *symbol(const char *name)
{
    void *address = dlsym(library, name);

    REQUIRE(address != NULL);
    return address;
}

static void *allocate_in_both(void *argument)
{
    void *(*their_malloc)(size_t) = NULL;
    void (*their_free)(void *) = NULL;

    *(void **)&their_malloc = symbol("malloc");
    *(void **)&their_free = symbol("free");
    for (size_t i = 0; i < 5000; i++) {
        char *p = their_malloc(1 + i);
        char *q = malloc(1 + i);
        REQUIRE(p != NULL && q != NULL);
        pattern_fill(p, 1 + i, i);
        pattern_fill(q, 1 + i, i + 1);
        CHECK(pattern_holds(p, 1 + i, i));
        CHECK(pattern_holds(q, 1 + i, i + 1));
        their_free(p);
        free(q);
    }
    return argument;
}

static void the_opened_library_works_beside_malloc(void)
{
    pthread_t thread[3];

    for (size_t i = 0; i < COUNT_OF(thread); i++)
        REQUIRE(pthread_create(&thread[i], NULL, allocate_in_both, NULL) == 0);
    allocate_in_both(NULL);
    for (size_t i = 0; i < COUNT_OF(thread); i++)
        pthread_join(thread[i], NULL);
}

static void the_opened_library_says_that_it_is_not_active(void)
{
    int (*is_active)(void) = NULL;

    *(void **)&is_active = symbol("sta_is_active");
    CHECK(is_active() == 0);
}

static void the_opened_library_stays(void)
{
    CHECK(dlclose(library) == 0);
    allocate_in_both(NULL);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(the_opened_library_works_beside_malloc),
    CASE(the_opened_library_says_that_it_is_not_active),
    CASE(the_opened_library_stays),
};

int main(int argc, char **argv)
{
    const char *path = getenv("STA_TEST_LIB");
    const char *variant = getenv("STALLOC_VARIANT");

    check_needs_glibc(); /* static TLS for a library that comes later */
    check_needs_the_kernel();
    if (path == NULL || strstr(path, "stalloc") == NULL ||
        (variant != NULL && strcmp(variant, "single") == 0))
        return CHECK_SKIP;
    check_needs_env(argv, "LD_PRELOAD", "");
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        dprintf(2, "%s\n", dlerror());
    REQUIRE(library != NULL);
    unsetenv("STA_TEST_LIB"); /* the malloc in use is not that one */
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
