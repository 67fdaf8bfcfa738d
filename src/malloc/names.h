/* SPDX-License-Identifier: MIT */
/* How the names of this layer are exported, and what they share. */
#ifndef STA_MALLOC_NAMES_H
#define STA_MALLOC_NAMES_H

#include <stddef.h>

#define STA_EXPORT __attribute__((visibility("default")))

/* malloc() by a name that only this library has, whichever is global. */
void *sta_own_malloc(size_t size);

/* dlsym(RTLD_NEXT, name); NULL in a static program, which has no next. */
void *sta_next_symbol(const char *name);

/* Looks `name` up in the library in which `code` lies, and in those that it is
 * linked with, all of which may be out of the program's sight (RTLD_LOCAL). */
void *sta_symbol_near(const void *code, const char *name);

#endif
