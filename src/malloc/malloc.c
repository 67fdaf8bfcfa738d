/* SPDX-License-Identifier: MIT */
/*
 * The C library's names: C, POSIX, GNU and C23.
 *
 * Arguments and errno are dealt with here and nowhere else.  Where standards
 * leave a choice the answer is glibc's: malloc(0) is a unique object,
 * realloc(p, 0) frees and returns NULL, free keeps errno, and posix_memalign
 * sets it where memory is missing.  aligned_alloc refuses an alignment that is
 * no power of two, as later glibc does.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "malloc/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/attr.h"
#include "core/bits.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "os/libc.h"
#include "os/vm.h"

/* What a request ends with for which there is no memory. */
static STA_COLD STA_NOINLINE void *refuse(void)
{
    sta_pages_note_refused();
    errno = ENOMEM;
    return NULL;
}

/* Passes an allocation on, if there is one. */
STA_INLINE void *or_enomem(void *p)
{
    return sta_likely(p != NULL) ? p : refuse();
}

/* True when a * b does not fit a size_t; else *product is it. */
static bool overflows(size_t a, size_t b, size_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

static STA_NOINLINE void *malloc_slow(size_t size)
{
    return or_enomem(sta_heap_alloc_slow(size));
}

static STA_NOINLINE void *malloc_medium(size_t size)
{
    void *p = sta_heap_alloc_medium(size);
    return sta_likely(p != NULL) ? p : malloc_slow(size);
}

STA_EXPORT void *malloc(size_t size)
{
    if (sta_unlikely(size > STA_CLASS_TABLE_MAX))
        return malloc_medium(size);
    void *p = sta_heap_alloc_small(size);
    return sta_likely(p != NULL) ? p : malloc_slow(size);
}

STA_EXPORT void free(void *p)
{
    sta_heap_free(p);
}

STA_EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (overflows(count, size, &bytes))
        return refuse();
    return or_enomem(sta_heap_alloc_zero(bytes));
}

/* `bytes` is what the object is known to have, or 0. */
static STA_NOINLINE void *realloc_slow(void *p, size_t size, size_t bytes)
{
    if (p == NULL)
        return malloc_slow(size);
    if (size == 0) {
        sta_heap_free(p);
        return NULL;
    }
    return or_enomem(bytes != 0 ? sta_heap_resize(p, size)
                                : sta_heap_realloc(p, size));
}

STA_EXPORT void *realloc(void *p, size_t size)
{
    size_t bytes = sta_heap_bytes_at_hand(p);
    return sta_heap_stays(bytes, size) ? p : realloc_slow(p, size, bytes);
}

STA_EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (overflows(count, size, &bytes))
        return refuse();
    return realloc(p, bytes);
}

STA_EXPORT int posix_memalign(void **out, size_t align, size_t size)
{
    if (align % sizeof(void *) != 0 || !sta_is_power_of_two(align))
        return EINVAL;
    void *p = sta_heap_alloc_aligned(size, align);
    if (p == NULL) {
        (void)refuse();
        return ENOMEM;
    }
    *out = p;
    return 0;
}

STA_EXPORT void *aligned_alloc(size_t align, size_t size)
{
    if (!sta_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return or_enomem(sta_heap_alloc_aligned(size, align));
}

/* Unlike aligned_alloc, rounds the alignment up to a power of two. */
STA_EXPORT void *memalign(size_t align, size_t size)
{
    if (align > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return NULL;
    }
    if (!sta_is_power_of_two(align))
        align = align == 0 ? 1 : (size_t)1 << sta_log2_ceil(align);
    return or_enomem(sta_heap_alloc_aligned(size, align));
}

STA_EXPORT void *valloc(size_t size)
{
    return or_enomem(sta_heap_alloc_aligned(size, sta_vm_page_bytes()));
}

STA_EXPORT void *pvalloc(size_t size)
{
    size_t page = sta_vm_page_bytes();
    if (size > SIZE_MAX - page)
        return refuse();
    return or_enomem(sta_heap_alloc_aligned(sta_round_up(size, page), page));
}

STA_EXPORT size_t malloc_usable_size(void *p)
{
    size_t bytes = sta_heap_bytes_at_hand(p);
    return bytes != 0 ? bytes : sta_heap_usable(p);
}

/* C23. */
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

STA_EXPORT void free_sized(void *p, size_t size)
{
    if (sta_heap_slab_of_size(p, size) == NULL)
        sta_heap_check_size("free_sized", p, size, 1);
    sta_heap_free(p);
}

STA_EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
    sta_heap_check_size("free_aligned_sized", p, size, align);
    sta_heap_free(p);
}

/* Names from the past, and glibc's own for the same functions. */
void cfree(void *p) STA_EXPORT STA_ALIAS(free);
void *__libc_malloc(size_t size) STA_EXPORT STA_ALIAS(malloc);
void __libc_free(void *p) STA_EXPORT STA_ALIAS(free);
void __libc_cfree(void *p) STA_EXPORT STA_ALIAS(free);
void *__libc_calloc(size_t count, size_t size) STA_EXPORT STA_ALIAS(calloc);
void *__libc_realloc(void *p, size_t size) STA_EXPORT STA_ALIAS(realloc);
void *__libc_reallocarray(void *p, size_t n, size_t size) STA_EXPORT
    STA_ALIAS(reallocarray);
void *__libc_memalign(size_t align, size_t size) STA_EXPORT STA_ALIAS(memalign);
void *__libc_valloc(size_t size) STA_EXPORT STA_ALIAS(valloc);
void *__libc_pvalloc(size_t size) STA_EXPORT STA_ALIAS(pvalloc);
int __posix_memalign(void **out, size_t align, size_t size) STA_EXPORT
    STA_ALIAS(posix_memalign);

void *sta_own_malloc(size_t size) __attribute__((visibility("hidden")))
STA_ALIAS(malloc);
