/* SPDX-License-Identifier: MIT */
/* The door of mixed.c to the heap: the C library's names, preloaded. */
#ifndef TESTS_STRESS_DOOR_MALLOC_H
#define TESTS_STRESS_DOOR_MALLOC_H

#include <malloc.h>
#include <stdlib.h>

#define door_alloc   malloc
#define door_zero(n) calloc(1, n)
#define door_aligned memalign
#define door_realloc realloc
#define door_free    free
#define door_usable  malloc_usable_size

/* Whether STALLOC_ARENA_SIZE means anything to this malloc. */
static inline int door_can_be_bounded(void)
{
    return check_is_stalloc();
}

/* Shows on standard error what is still in use. */
static inline void door_report(void)
{
    int (*print)(int, const char *) = NULL;

    *(void **)&print = check_symbol("sta_stats_print");
    if (print != NULL)
        print(2, "text");
}

#endif
