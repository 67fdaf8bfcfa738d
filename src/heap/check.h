/* SPDX-License-Identifier: MIT */
/*
 * Tells a live object from any other pointer, and ends the process for what is
 * none: a double free, a wild one, a wrong size, a write to free memory.
 *
 * The fast paths see for themselves that something is not as it should be, and
 * only then ask here.  What is said is in libstalloc(7), DIAGNOSTICS.
 */
#ifndef STA_HEAP_CHECK_H
#define STA_HEAP_CHECK_H

#include "heap/heap.h"

/* Returns the slab of a live object's start; else NULL. */
struct sta_slab *sta_heap_live_slab(const void *p);

/* Returns the slab of a live object's start; else ends the process with a
 * line that names `call`, or, for a pointer not ours, returns NULL. */
struct sta_slab *sta_heap_check(const char *call, const void *p);

/*
 * Ends the process with a line that names `call` when no request of `size`
 * bytes aligned to `align` can have returned `p`; the other, when none of that
 * alignment can.  What p itself is wrong for, its free finds.
 */
void sta_heap_check_size(const char *call, const void *p, size_t size,
                         size_t align);
void sta_heap_check_align(const char *call, const void *p, size_t align);

/* Returns the slab of an object when sta_heap_check_size() would find nothing
 * wrong with `size`, as far as this thread can tell quickly; else NULL. */
STA_INLINE struct sta_slab *sta_heap_slab_of_size(const void *p, size_t size)
{
    const struct sta_region *r = &sta_regions[0];
    uintptr_t offset = (uintptr_t)p - r->base;
    if (size > STA_CLASS_TABLE_MAX || offset >= r->bytes)
        return NULL;
    struct sta_slab *s = sta_region_at(r, offset);
    return s->size_class == sta_self->class_of[size] ? s : NULL;
}

/* Ends the process for a free slot that is not as its free left it. */
_Noreturn void sta_heap_die_of_write(const void *slot);

/* Ends the process for an object of `s` that was free when `call` had it. */
_Noreturn void sta_heap_die_of_double_free(const char *call, const void *p,
                                           const struct sta_slab *s);

/* The same, by free(), for a list of `count` slots of `s` with one of them
 * twice. */
_Noreturn void sta_heap_die_of_second_free(const struct sta_slab *s,
                                           struct sta_slot *list,
                                           uint32_t count);

#endif
