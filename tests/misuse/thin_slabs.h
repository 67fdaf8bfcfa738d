/* SPDX-License-Identifier: MIT */
/*
 * A program that keeps one object in a thousand: the pages between go back to
 * the system, and with them what a free leaves in an object.
 */
#ifndef TESTS_MISUSE_THIN_SLABS_H
#define TESTS_MISUSE_THIN_SLABS_H

#include "misuse.h"

/* Not in every C library, but in ours. */
int malloc_trim(size_t keep) __attribute__((weak));

enum { COUNT = 20000, KEPT = 1000 };

static char *objects[COUNT];

static inline void fill_and_thin(size_t size)
{
    for (int i = 0; i < COUNT; i++) {
        objects[i] = malloc(size);
        objects[i][0] = 'x';
    }
    for (int i = 0; i < COUNT; i++)
        if (i % KEPT != 0)
            free(objects[i]);
    malloc_trim(0);
}

/* Returns an object that was freed, far from those that were not. */
static inline void *freed(void)
{
    return objects[COUNT / 2 + KEPT / 2];
}

#endif
