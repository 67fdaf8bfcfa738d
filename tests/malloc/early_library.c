/* SPDX-License-Identifier: MIT */
/*
 * A library that early.c has preloaded before libstalloc: its constructor runs
 * before any of libstalloc's could, and allocates as libstdc++ and gdb do.
 */
#include <stdlib.h>
#include <string.h>

enum { EARLY = 5000 };

void *early_object[EARLY];
size_t early_count;

__attribute__((constructor(101))) static void allocate_early(void)
{
    free(malloc(72704)); /* the first call in every C++ program */
    for (size_t i = 0; i < EARLY; i++) {
        size_t size = 16 + i % 700;
        early_object[i] = i % 2 == 0 ? malloc(size) : calloc(1, size);
        if (early_object[i] == NULL)
            abort();
        memset(early_object[i], (int)(i % 251), size);
        if (i % 5 == 0) {
            free(early_object[i]);
            early_object[i] = realloc(NULL, size);
            memset(early_object[i], (int)(i % 251), size);
        }
    }
    early_count = EARLY;
}
