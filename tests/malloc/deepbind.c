/* SPDX-License-Identifier: MIT */
/*
 * Plugins share the program's malloc, however they are loaded.
 *
 * dlopen with RTLD_DEEPBIND makes a plugin look in its own dependencies first,
 * where it finds the C library's malloc: then the program frees with ours what
 * the plugin allocated with another.  So the library's dlopen takes the flag
 * away, unless STALLOC_DEEPBIND=keep.  It must stay invisible otherwise: the
 * C library judges by the caller's address whose RUNPATH finds a name without
 * a slash, and here that is the program's (its link sets one).
 */
#include "check.h"

static void *plugin;

static void *symbol(const char *name)
{
    void *address = dlsym(plugin, name);

    REQUIRE(address != NULL);
    return address;
}

static void the_programs_runpath_finds_the_plugin(void)
{
    plugin = dlopen("plugin.so", RTLD_NOW | RTLD_DEEPBIND);
    if (plugin == NULL)
        dprintf(2, "%s\n", dlerror());
    REQUIRE(plugin != NULL);
}

static void memory_may_cross_between_plugin_and_program(void)
{
    char *(*make)(size_t) = NULL;
    void (*take)(void *) = NULL;
    char *(*resize)(void *, size_t) = NULL;
    int (*use_stdio)(void) = NULL;

    *(void **)&make = symbol("plugin_make");
    *(void **)&take = symbol("plugin_take");
    *(void **)&resize = symbol("plugin_resize");
    *(void **)&use_stdio = symbol("plugin_use_stdio");
    for (size_t i = 0; i < 1000; i++) {
        char *p = make(1 + i * 7);
        REQUIRE(p != NULL);
        CHECK(p[i * 7] == 'p');
        free(p);
        p = malloc(1 + i * 7);
        REQUIRE(p != NULL);
        pattern_fill(p, 1 + i * 7, i);
        p = resize(p, 1 + i * 9);
        CHECK(pattern_holds(p, 1 + i * 7, i));
        take(p);
        CHECK(use_stdio() == 300);
    }
}

static void the_plugins_malloc_is_the_programs(void)
{
    void *(*plugin_malloc)(void) = NULL;

    *(void **)&plugin_malloc = symbol("plugin_malloc");
    CHECK(plugin_malloc() == check_symbol("malloc"));
}

static void failures_of_dlopen_are_reported(void)
{
    CHECK(dlopen("no-such-library.so", RTLD_NOW | RTLD_DEEPBIND) == NULL);
    const char *error = dlerror();
    CHECK(error != NULL && strstr(error, "no-such-library.so") != NULL);
    CHECK(dlerror() == NULL);
    void *self = dlopen(NULL, RTLD_NOW);
    CHECK(self != NULL && dlsym(self, "malloc") != NULL);
    dlclose(self);
}

static void the_plugin_can_be_closed_and_opened_again(void)
{
    for (int i = 0; i < 50; i++) {
        CHECK(dlclose(plugin) == 0);
        plugin = dlopen("plugin.so", RTLD_LAZY | RTLD_DEEPBIND);
        REQUIRE(plugin != NULL);
    }
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(the_programs_runpath_finds_the_plugin),
    CASE(memory_may_cross_between_plugin_and_program),
    CASE(the_plugins_malloc_is_the_programs),
    CASE(failures_of_dlopen_are_reported),
    CASE(the_plugin_can_be_closed_and_opened_again),
};

/* With `keep` the plugin has the C library's malloc: the flag is what works.*/
static int check_kept_flag(void)
{
    void *(*plugin_malloc)(void) = NULL;

    plugin = dlopen("plugin.so", RTLD_NOW | RTLD_DEEPBIND);
    REQUIRE(plugin != NULL);
    *(void **)&plugin_malloc = symbol("plugin_malloc");
    CHECK(plugin_malloc() != check_symbol("malloc"));
    return check_failures == 0 ? CHECK_PASS : CHECK_FAIL;
}

int main(int argc, char **argv)
{
    const char *deepbind = getenv("STALLOC_DEEPBIND");

    check_needs_glibc(); /* RTLD_DEEPBIND */
    if (deepbind != NULL)
        return check_kept_flag();
    int status = check_main(argc, argv, cases, COUNT_OF(cases));
    if (status == CHECK_PASS && check_is_stalloc())
        check_needs_env(argv, "STALLOC_DEEPBIND", "keep");
    return status;
}
