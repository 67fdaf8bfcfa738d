/* SPDX-License-Identifier: MIT */
/*
 * Every name by which a program or a library can reach malloc is ours.
 *
 * One name left to the C library or to libstdc++ is worse than none: memory
 * that one of them gave would be freed by the other.  The dynamic linker is
 * asked as a program asks it, by name and without a version, and what it
 * answers must lie in the library under test.
 */
#include "check.h"

/* How operator new's mangled name spells size_t. */
#if SIZE_MAX == UINT32_MAX
#define Z "j"
#else
#define Z "m"
#endif

static const char *const names[] = {
    /* ISO C, POSIX, GNU */
    "malloc", "calloc", "realloc", "free", "aligned_alloc", "free_sized",
    "free_aligned_sized", "posix_memalign", "memalign", "valloc", "pvalloc",
    "cfree", "reallocarray", "malloc_usable_size", "malloc_trim",
    "malloc_stats", "malloc_info", "mallinfo", "mallinfo2", "mallopt",
    /* the C library's names for its own use */
    "__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_free",
    "__libc_cfree", "__libc_memalign", "__libc_valloc", "__libc_pvalloc",
    "__posix_memalign",
    /* operator new and new[] */
    "_Znw" Z, "_Zna" Z, "_Znw" Z "RKSt9nothrow_t", "_Zna" Z "RKSt9nothrow_t",
    "_Znw" Z "St11align_val_t", "_Zna" Z "St11align_val_t",
    "_Znw" Z "St11align_val_tRKSt9nothrow_t",
    "_Zna" Z "St11align_val_tRKSt9nothrow_t",
    /* operator delete and delete[] */
    "_ZdlPv", "_ZdaPv", "_ZdlPvRKSt9nothrow_t", "_ZdaPvRKSt9nothrow_t",
    "_ZdlPv" Z, "_ZdaPv" Z, "_ZdlPvSt11align_val_t", "_ZdaPvSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t", "_ZdlPv" Z "St11align_val_t",
    "_ZdaPv" Z "St11align_val_t",
    /* and what else the library takes over or offers */
    "dlopen", "sta_version", "sta_is_active", "sta_stats_get",
    "sta_stats_print", "sta_trim"};

static void every_name_is_the_librarys(void)
{
    Dl_info ours, found;

    REQUIRE(dladdr(check_symbol("malloc"), &ours) != 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        void *address = check_symbol(names[i]);
        int right = address != NULL && dladdr(address, &found) != 0 &&
                    found.dli_fbase == ours.dli_fbase;
        if (!right)
            dprintf(2, "%s is not the library's\n", names[i]);
        CHECK(right);
    }
}

/*
 * Program and C library refer to malloc@GLIBC_2.2.5.  A malloc with a version
 * of its own would not do for them, and a preload would silently do nothing.
 */
static void references_with_a_version_are_bound_to_the_library(void)
{
    void *(*volatile program_malloc)(size_t) = malloc;
    void (*volatile program_free)(void *) = free;
    size_t (*usable)(void *) = NULL;
    Dl_info ours, found;

    REQUIRE(dladdr(check_symbol("malloc"), &ours) != 0);
    CHECK(dladdr(*(void **)&program_malloc, &found) != 0 &&
          found.dli_fbase == ours.dli_fbase);
    CHECK(dladdr(*(void **)&program_free, &found) != 0 &&
          found.dli_fbase == ours.dli_fbase);
    /* A stranger's object would end the process here. */
    char *text = strdup("by the C library");
    *(void **)&usable = check_symbol("malloc_usable_size");
    CHECK(text != NULL && usable(text) >= 17);
    free(text);
}

static void the_next_malloc_is_the_c_librarys(void)
{
    void *next = dlsym(dlopen("libc.so.6", RTLD_LAZY), "malloc");

    CHECK(next != NULL && next != check_symbol("malloc"));
}

static void the_library_says_that_it_is_active(void)
{
    int (*is_active)(void) = NULL;
    const char *(*version)(void) = NULL;

    *(void **)&is_active = check_symbol("sta_is_active");
    *(void **)&version = check_symbol("sta_version");
    REQUIRE(is_active != NULL && version != NULL);
    CHECK(is_active());
    CHECK(version()[0] >= '0' && version()[0] <= '9');
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(every_name_is_the_librarys),
    CASE(references_with_a_version_are_bound_to_the_library),
    CASE(the_next_malloc_is_the_c_librarys),
    CASE(the_library_says_that_it_is_active),
};

int main(int argc, char **argv)
{
    if (!check_is_stalloc())
        return CHECK_SKIP;
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
