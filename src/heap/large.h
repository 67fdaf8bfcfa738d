/* SPDX-License-Identifier: MIT */
/* Runs: objects of whole pages, see large.c. */
#ifndef STA_HEAP_LARGE_H
#define STA_HEAP_LARGE_H

#include <string.h>

#include "heap/heap.h"

/*
 * Allocates a run of `units` aligned to `align_units`; NULL when there is
 * none; *dirty has all units that are not zero.  The caller works on `h`.
 */
void *sta_large_alloc(struct sta_heap *h, uint32_t units, uint32_t align_units,
                      struct sta_span *dirty);

/* Frees a run that is in use: its heap keeps it, or the arena has it back. */
void sta_large_free_run(struct sta_slab *s);

/* Resizes a run where it is; false when it must move. */
bool sta_large_resize(struct sta_slab *s, size_t size);

/* An object of `size` is to grow in its run: what that has ahead stays when it
 * is resized. */
void sta_large_keep_ahead(struct sta_slab *s, size_t size);

/* Moves the pages of a run of STA_MOVE_LEAST bytes or more to a larger run at
 * *to, leaving its own empty; false when they must be copied; then *to may be
 * zero, or another run where the one that it was is lost, or NULL. */
bool sta_large_move(struct sta_slab *s, void **to);

/* Copies what an object has; of one as long as those that are moved, a page
 * that is zero in both places, as nobody wrote there, stays away. */
void sta_large_copy_pages(char *to, const char *from, size_t bytes);

static inline void sta_large_copy(void *to, const void *from, size_t bytes)
{
    if (sta_likely(bytes < STA_MOVE_LEAST))
        memcpy(to, from, bytes);
    else
        sta_large_copy_pages(to, from, bytes);
}

/* Gives the runs that wait on a heap's lists back to the arena. */
void sta_large_flush(struct sta_heap *h);

/* Gives one run of `units` that waits back; false when there is none. */
bool sta_large_cut(struct sta_heap *h, uint32_t units);

/* Forgets how many runs were missed. */
void sta_large_forget(struct sta_heap *h);

#endif
