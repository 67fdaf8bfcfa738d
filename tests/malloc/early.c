/* SPDX-License-Identifier: MIT */
/*
 * malloc works before any constructor of the library could have run.
 *
 * First come the constructors of libraries that were loaded before ours, here
 * early_library.c, then .preinit_array and the constructors of the program.
 * What all of them allocated must be intact in main, and can be freed there.
 */
#include "check.h"

#include <dlfcn.h>

enum { COUNT = 2000 };

static void *preinit_object[COUNT];
static void *constructor_object[COUNT];

static void allocate(void **object, size_t seed)
{
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = 1 + i * 3;
        unsigned char *p = malloc(size);
        REQUIRE(p != NULL);
        pattern_fill(p, size, seed + i);
        object[i] = p;
    }
}

static void check_and_free(void **object, size_t seed)
{
    for (size_t i = 0; i < COUNT; i++) {
        REQUIRE(object[i] != NULL);
        CHECK(pattern_holds(object[i], 1 + i * 3, seed + i));
        free(object[i]);
    }
}

static void preinit(void)
{
    allocate(preinit_object, 2);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const preinit_entry)(void) = preinit;

__attribute__((constructor(101))) static void construct(void)
{
    allocate(constructor_object, 3);
}

static void objects_from_before_main_are_intact(void)
{
    check_and_free(preinit_object, 2);
    check_and_free(constructor_object, 3);
}

static void objects_of_a_library_before_ours_are_intact(void)
{
    size_t *count = check_symbol("early_count");
    void **object = check_symbol("early_object");

    REQUIRE(count != NULL && object != NULL);
    REQUIRE(*count == 5000);
    for (size_t i = 0; i < *count; i++) {
        unsigned char *bytes = object[i];
        size_t wrong = 0;
        for (size_t k = 0; k < 16 + i % 700; k++)
            wrong += bytes[k] != i % 251;
        CHECK(wrong == 0);
        free(bytes);
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(objects_from_before_main_are_intact),
    CASE(objects_of_a_library_before_ours_are_intact),
};

int main(int argc, char **argv)
{
    static char preload[8192];
    const char *library = getenv("STA_TEST_LIB");
    const char *build = getenv("abs_top_builddir");

    check_needs_glibc(); /* a .preinit_array */
    check_needs_the_kernel();
    REQUIRE(build != NULL);
    snprintf(preload, sizeof preload,
             "%s/tests/malloc/.libs/early_library.so %s", build,
             library == NULL || strcmp(library, "none") == 0 ? "" : library);
    check_needs_env(argv, "LD_PRELOAD", preload);
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
