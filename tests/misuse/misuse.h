/* SPDX-License-Identifier: MIT */
/*
 * A misuse test does one wrong thing with one pointer, whose value it announces
 * first; run-misuse wants the process to be aborted and standard error to be
 * the line that the program's first comment expects, where @ is that pointer.
 */
#ifndef TESTS_MISUSE_MISUSE_H
#define TESTS_MISUSE_MISUSE_H

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Announces the pointer, and returns it as one the compiler knows nothing of.*/
static inline void *misused(void *p)
{
    printf("%p\n", p);
    fflush(stdout);
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

#endif
