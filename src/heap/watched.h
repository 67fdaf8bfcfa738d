/* SPDX-License-Identifier: MIT */
/*
 * Objects that memcheck watches, in a library configured with
 * --enable-valgrind.
 *
 * The slow halves of malloc and free call these first; elsewhere STA_WATCHED
 * is false at compile time.
 */
#ifndef STA_HEAP_WATCHED_H
#define STA_HEAP_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "core/annotate.h"
#include "heap/options.h"

/* True when memcheck runs this process, and our malloc in it.  Not a function,
 * so that what depends on it goes even from code that is not optimized. */
#define STA_WATCHED (STA_NOTES && sta_options.watched)

/* Does what has to be done before the first object. */
void sta_watched_init(void);

/* Allocates `size` bytes aligned to `align`, at least 16; or NULL. */
void *sta_watched_alloc(size_t size, size_t align, bool zero);

/* Frees an object.  Memcheck tells of a pointer that is none, and nothing else
 * is done then; returns false when STALLOC_FOREIGN says what to do with it. */
bool sta_watched_free(void *p);

/* Moves an object to one of `size` bytes; NULL when there is no memory, and
 * when p is none, of which memcheck tells. */
void *sta_watched_realloc(void *p, size_t size);

/* Returns the bytes that were asked for; 0 for a pointer that is no object. */
size_t sta_watched_usable(const void *p);

#endif
