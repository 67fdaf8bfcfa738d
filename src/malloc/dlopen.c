/* SPDX-License-Identifier: MIT */
/*
 * dlopen without RTLD_DEEPBIND.
 *
 * A library opened so would find the C library's malloc before ours, and then
 * free with one what the other allocated.  STALLOC_DEEPBIND=keep leaves the
 * flag alone.
 *
 * The C library's dlopen finds a library's RUNPATH by its caller's address, so
 * the call must be a jump: the caller on the stack stays the program.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "malloc/names.h"

#include <stdatomic.h>

#include "core/attr.h"
#include "heap/heap.h"
#include "os/libc.h"

#pragma weak dlsym
#pragma weak dladdr
#pragma weak dlclose

void *sta_next_symbol(const char *name)
{
    return dlsym ? dlsym(RTLD_NEXT, name) : NULL;
}

/* The next free() is the C library's own, or another preloaded allocator's. */
void sta_foreign_free(void *p)
{
    void (*next)(void *) = (void (*)(void *))sta_next_symbol("free");
    if (next)
        next(p);
}

typedef void *(*dlopen_function)(const char *file, int flags);

static STA_NOINLINE dlopen_function find_dlopen(void)
{
    static _Atomic(dlopen_function) found;
    dlopen_function f = atomic_load_explicit(&found, memory_order_relaxed);
    if (f == NULL) {
        f = (dlopen_function)sta_next_symbol("dlopen");
        atomic_store_explicit(&found, f, memory_order_relaxed);
    }
    return f;
}

void *sta_symbol_near(const void *code, const char *name)
{
    Dl_info found;
    dlopen_function next = find_dlopen();
    if (next == NULL || dladdr(code, &found) == 0)
        return NULL;
    void *library = next(found.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL)
        return NULL;
    void *symbol = dlsym(library, name);
    dlclose(library); /* which stays, as code of it runs */
    return symbol;
}

STA_TAIL_CALLS STA_EXPORT void *dlopen(const char *file, int flags)
{
    dlopen_function next = find_dlopen();
    if (sta_options.strip_deepbind)
        flags &= ~RTLD_DEEPBIND;
    if (next == NULL) /* static programs have none */
        return NULL;
    STA_TAIL_CALL return next(file, flags);
}
