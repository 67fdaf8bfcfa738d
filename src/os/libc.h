/* SPDX-License-Identifier: MIT */
/*
 * What GNU's <malloc.h> and <dlfcn.h> declare and those of other C libraries,
 * or of older ones, do not.
 *
 * libstalloc has every name everywhere: a program asks for those that its own C
 * library promised it, and one list of exports serves all.  The layouts and
 * numbers are glibc's.
 */
#ifndef STA_OS_LIBC_H
#define STA_OS_LIBC_H

#include <dlfcn.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>

#ifndef __GLIBC_PREREQ
#define __GLIBC_PREREQ(major, minor) 0
#endif

#ifndef __GLIBC__

/* mallopt's parameters. */
#define M_MXFAST         1
#define M_TRIM_THRESHOLD (-1)
#define M_TOP_PAD        (-2)
#define M_MMAP_THRESHOLD (-3)
#define M_MMAP_MAX       (-4)
#define M_CHECK_ACTION   (-5)
#define M_PERTURB        (-6)
#define M_ARENA_TEST     (-7)
#define M_ARENA_MAX      (-8)

#define RTLD_DEEPBIND 0 /* no such flag */

struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd;
    int usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mallinfo mallinfo(void);
int mallopt(int parameter, int value);
int malloc_trim(size_t pad);
void malloc_stats(void);
int malloc_info(int options, FILE *stream);
void *pvalloc(size_t size);
void *reallocarray(void *p, size_t count, size_t size);
void cfree(void *p);

#endif

#if !__GLIBC_PREREQ(2, 33)

struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd;
    size_t usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mallinfo2 mallinfo2(void);

#endif

#endif
