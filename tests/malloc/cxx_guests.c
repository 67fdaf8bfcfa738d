/* SPDX-License-Identifier: MIT */
/*
 * A program in C may load a library in C++, as Python does with its modules,
 * and hide it from all others (RTLD_LOCAL), its C++ library with it.
 *
 * Could fail: a new of that library that finds no memory ends the program, for
 * want of somebody to throw std::bad_alloc; its new_handler is not called.
 */
#include "check.h"

#include <dlfcn.h>

static int (*asks)(size_t size);
static int (*handles)(size_t size);

static void a_new_without_memory_throws(void)
{
    CHECK(asks(IMPOSSIBLE) == 31);
    CHECK(asks(IMPOSSIBLE) == 31);
}

static void the_new_handler_is_called_until_it_throws(void)
{
    CHECK(handles(IMPOSSIBLE) == 9);
}

#define CASE(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static const struct check_case cases[] = {
    CASE(a_new_without_memory_throws),
    CASE(the_new_handler_is_called_until_it_throws),
};

int main(int argc, char **argv)
{
    void *guest = dlopen("cxx_guest.so", RTLD_NOW | RTLD_LOCAL);

    if (guest == NULL) {
        dprintf(2, "%s\n", dlerror());
        return CHECK_FAIL;
    }
    *(void **)&asks = dlsym(guest, "cxx_guest_asks");
    *(void **)&handles = dlsym(guest, "cxx_guest_handles");
    REQUIRE(asks != NULL && handles != NULL);
    return check_main(argc, argv, cases, COUNT_OF(cases));
}
