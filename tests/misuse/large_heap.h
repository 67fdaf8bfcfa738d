/* SPDX-License-Identifier: MIT */
/*
 * A heap larger than the cache, where a free does not look at the object: a
 * second free is found at the latest before the object is handed out again,
 * when its slab has no other object left, or at exit.
 */
#ifndef TESTS_MISUSE_LARGE_HEAP_H
#define TESTS_MISUSE_LARGE_HEAP_H

#include "misuse.h"

enum { COUNT = 200000 };

static void *objects[COUNT];

static inline void fill(size_t size)
{
    for (int i = 0; i < COUNT; i++)
        objects[i] = malloc(size);
}

/* Returns object `i`, which is no more among those that free_rest() frees. */
static inline void *take(int i)
{
    void *p = objects[i];
    objects[i] = NULL;
    return p;
}

static inline void free_rest(void)
{
    for (int i = 0; i < COUNT; i++)
        free(objects[i]);
}

#endif
