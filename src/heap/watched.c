/* SPDX-License-Identifier: MIT */
/*
 * Memcheck is told of each object, so that it finds leaks, overflows, uses
 * after free and of undefined bytes while this malloc runs, not Valgrind's.
 *
 * Beneath are the objects of STALLOC_CHECK=2 (guard.c): every call takes its
 * slow half, each object has some bytes behind it, and what was freed waits
 * before it is used again.  All that these bytes are good for memcheck does
 * better, with the line of the program that did it; so nothing here ends the
 * process, which goes on as it does under Valgrind's own malloc.
 *
 * W1  the program may touch a unit of the arena only where a live object is:
 *     fresh units are closed (region.c), an object opens its own bytes, and
 *     its free closes them.
 * W2  no word of ours that memcheck takes for defined holds the address of a
 *     live object, or its leak would pass for memory that can be reached.
 *
 * The heap does its work, in W1's closed bytes, while the thread is hushed.
 */
#include "heap/watched.h"

#include <string.h>

#include "heap/canary.h"
#include "heap/check.h"
#include "heap/guard.h"
#include "heap/heap.h"

void sta_watched_init(void)
{
    /* W2: the first unit's address is the region's own, too. */
    struct sta_span dirty;
    sta_pages_alloc(1, 1, STA_SLAB_OWN, NULL, &dirty);
}

void *sta_watched_alloc(size_t size, size_t align, bool zero)
{
    sta_note_hush();
    void *p = sta_guard_alloc(size, align, zero);
    if (p != NULL) {
        struct sta_slab *s = sta_slab_of(p);
        if (sta_slab_state(s) == STA_SLAB_RUN)
            sta_note_hide(&s->free, sizeof s->free);
        sta_note_close(p, sta_slab_object_bytes(s));
        sta_note_object(p, size, zero);
    }
    sta_note_speak();
    return p;
}

bool sta_watched_free(void *p)
{
    if (sta_slab_of(p) == NULL && sta_options.foreign != STA_FOREIGN_ABORT)
        return false;
    sta_note_object_end(p);
    sta_note_hush();
    struct sta_slab *s = sta_heap_live_slab(p);
    if (s != NULL)
        sta_guard_free(p, s, STA_FAMILY_MALLOC);
    sta_note_speak();
    return true;
}

void *sta_watched_realloc(void *p, size_t size)
{
    sta_note_hush();
    const struct sta_slab *s = sta_heap_live_slab(p);
    /* Found in silence: it may follow from undefined bytes. */
    if (s == NULL) {
        sta_note_speak();
        sta_note_object_end(p);
        return NULL;
    }
    size_t old = sta_canary_size("realloc", s, p);
    void *to = sta_watched_alloc(size, 16, false);
    if (to != NULL) {
        memcpy(to, p, old < size ? old : size);
        sta_watched_free(p);
    }
    sta_note_speak();
    return to;
}

size_t sta_watched_usable(const void *p)
{
    sta_note_hush();
    const struct sta_slab *s = sta_heap_live_slab(p);
    size_t size = s ? sta_canary_size("malloc_usable_size", s, p) : 0;
    sta_note_speak();
    return size;
}
