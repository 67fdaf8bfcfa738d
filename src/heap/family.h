/* SPDX-License-Identifier: MIT */
/*
 * Who allocated an object, and so who may free it: malloc, new or new[].
 *
 * Levels 2 and 3 of STALLOC_CHECK note it behind each object (canary.h), and
 * compare it when the object is freed.  The levels below know nothing of it and
 * pay nothing: delete is a copy of free, whose slow halves say what they are.
 */
#ifndef STA_HEAP_FAMILY_H
#define STA_HEAP_FAMILY_H

#include <stdatomic.h>

#include "heap/heap.h"

enum sta_family {
    STA_FAMILY_MALLOC, /* and all its relatives */
    STA_FAMILY_NEW,
    STA_FAMILY_ARRAY,
    STA_FAMILY_ALIGNED_NEW, /* with an alignment */
    STA_FAMILY_ALIGNED_ARRAY,
    STA_FAMILY_COUNT
};

/* Set in a program that has a part of operator new and delete of its own, where
 * nobody can tell who belongs together: families are not compared.  Relaxed: it
 * says nothing of other memory. */
extern atomic_bool sta_family_mixed STA_HIDDEN;

/* Sets it if the program or a library has its own, as far as can be seen.  For
 * when families differ, as it asks the loader and looks through all of them;
 * without a lock, as that may allocate.  Absent where nothing defines new and
 * delete. */
void sta_family_look_for_others(void) __attribute__((weak));

/* Notes that an object, just allocated, is of another family than malloc's. */
void sta_family_set(void *p, enum sta_family family);

/* Frees by a call of a family: what sta_heap_free_slow() does. */
void sta_family_free(void *p, enum sta_family by);

/* The slow halves of operator delete and delete[]. */
void sta_family_delete_slow(void *p);
void sta_family_delete_other(struct sta_slot *slot, struct sta_slab *s);
void sta_family_array_slow(void *p);
void sta_family_array_other(struct sta_slot *slot, struct sta_slab *s);

/* sta_heap_free() of what operator new allocated; and where its slab is known
 * already. */
STA_INLINE void sta_family_delete(void *p)
{
    sta_heap_free_or(p, sta_family_delete_slow, sta_family_delete_other);
}

STA_INLINE void sta_family_delete_in(void *p, struct sta_slab *s)
{
    sta_heap_free_in(p, s, sta_family_delete_slow, sta_family_delete_other);
}

/* The same of operator new[]. */
STA_INLINE void sta_family_delete_array(void *p)
{
    sta_heap_free_or(p, sta_family_array_slow, sta_family_array_other);
}

STA_INLINE void sta_family_delete_array_in(void *p, struct sta_slab *s)
{
    sta_heap_free_in(p, s, sta_family_array_slow, sta_family_array_other);
}

#endif
