/* SPDX-License-Identifier: MIT */
/* Sizes that the tests of the interface share. */
#ifndef TESTS_MALLOC_SIZES_H
#define TESTS_MALLOC_SIZES_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static const size_t too_large[] = {
    SIZE_MAX,         SIZE_MAX - 15,    SIZE_MAX - 4095,
    SIZE_MAX - 65535, SIZE_MAX / 2 + 1, (size_t)PTRDIFF_MAX + 1,
    SIZE_MAX / 4 * 3,
};

/* Sizes whose frees take different ways: slab, run of pages, large, huge. */
static const size_t kinds[] = {1,     100,       1000, 10000,   20 * KIB,
                               40000, 200 * KIB, MIB,  5 * MIB, 33 * MIB};

/* True when `call` returned NULL and said ENOMEM. */
static inline int is_enomem(const void *result)
{
    int ok = result == NULL && errno == ENOMEM;

    errno = 0;
    return ok;
}

#endif
