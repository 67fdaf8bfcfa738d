/* SPDX-License-Identifier: MIT */
/*
 * STALLOC_CHECK=2 and 3: objects whose surroundings are checked.
 *
 * The slow halves of malloc and free call these instead of their own work.
 */
#ifndef STA_HEAP_GUARD_H
#define STA_HEAP_GUARD_H

#include "heap/family.h"

/* True when the functions below are to be used. */
static inline bool sta_guard_active(void)
{
    return sta_options.check >= STA_CHECK_OBJECTS;
}

/* Makes the heaps of these levels. */
void sta_guard_init(void);

/* The heap that this thread allocates from; NULL before its first call. */
extern _Thread_local struct sta_heap *sta_guard_self STA_HIDDEN
    __attribute__((tls_model("initial-exec")));

/* Locks and returns the heap that this thread is to allocate from. */
struct sta_heap *sta_guard_enter(void);

/* Allocates `size` bytes aligned to `align`, at least 16; or NULL. */
void *sta_guard_alloc(size_t size, size_t align, bool zero);

/*
 * Frees a live object of slab `s`, by a call of that family.
 *
 * Misuse   a write behind its end, by which it may have become invisible that
 *          somebody frees the object twice; another family than its own.
 * Threads  any; takes the lock of the object's heap.
 */
void sta_guard_free(void *p, struct sta_slab *s, enum sta_family by);

/* The same for sta_heap_realloc(). */
void *sta_guard_realloc(struct sta_slab *s, void *p, size_t size);

/* Links `count` new slots at `at` to a list, and returns the first. */
struct sta_slot *sta_guard_carve(struct sta_heap *h, char *at, uint32_t count,
                                 uint32_t slot_bytes);

/* Looks for a write to any slot of a slab that has none in use: its memory may
 * be given back before one is used again. */
void sta_guard_check_empty(const struct sta_slab *s);

/* Lets go of all that waits to be used again.  The caller works on `h`. */
void sta_guard_flush(struct sta_heap *h);

/* Calls `each` with the slab of every object of `h` that was freed and waits.
 * The caller works on `h`. */
void sta_guard_each_waiting(const struct sta_heap *h,
                            void (*each)(const struct sta_slab *s,
                                         void *context),
                            void *context);

#endif
