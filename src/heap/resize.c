/* SPDX-License-Identifier: MIT */
/*
 * How long an object is, and what it takes to make it longer or shorter.
 *
 * It stays where it is if its slot suits the new size, or its run can be cut or
 * grow into free pages behind it; else it moves, a big run by its page tables
 * (mremap).  What takes neither work nor a lock sta_heap_stays() has answered
 * before.
 */
#include "heap/heap.h"

#include <string.h>

#include "core/bits.h"
#include "heap/canary.h"
#include "heap/check.h"
#include "heap/guard.h"
#include "heap/large.h"
#include "heap/watched.h"

/* Returns the bytes of an object that may be used. */
static size_t bytes_of(const char *call, const struct sta_slab *s,
                       const void *p)
{
    return sta_guard_active() ? sta_canary_size(call, s, p)
                              : sta_slab_object_bytes(s);
}

size_t sta_heap_usable(const void *p)
{
    if (p == NULL)
        return 0;
    if (STA_WATCHED)
        return sta_watched_usable(p);
    static const char call[] = "malloc_usable_size";
    const struct sta_slab *s = sta_heap_check(call, p);
    return s ? bytes_of(call, s, p) : 0;
}

/*
 * What is asked for when an object of `bytes` must move to hold `size`: one
 * that grows by steps goes on growing.  In a slot a quarter more than it had,
 * and in coarse steps, that those which grow side by side use each other's
 * slots; in a run an eighth more, of which it costs nothing what is not
 * touched.
 */
static size_t with_headroom(size_t size, size_t bytes)
{
    size_t ahead = bytes + bytes / 4;
    ahead = sta_round_up(ahead, (size_t)1 << (sta_log2(ahead) - 2));
    if (bytes >= STA_CLASS_SIZE_MAX)
        ahead = bytes + bytes / 8;
    else if (ahead > STA_CLASS_SIZE_MAX)
        return size;
    return bytes < size && size < ahead ? ahead : size;
}

/* Resizes an object of levels 0 and 1; NULL, and the object as it was, when it
 * must move and there is no memory. */
static void *resize_plain(struct sta_slab *s, void *p, size_t size)
{
    size_t bytes = sta_slab_object_bytes(s);
    if (sta_slab_state(s) == STA_SLAB_RUN) {
        if (size <= PTRDIFF_MAX && sta_large_resize(s, size))
            return p;
    } else if (sta_slab_suits(s, size)) {
        return p;
    }
    size_t ahead = with_headroom(size, bytes);
    void *to = sta_heap_alloc(ahead);
    if (to == NULL && ahead != size)
        to = sta_heap_alloc(size);
    if (to != NULL && ahead != size && ahead > STA_CLASS_SIZE_MAX)
        sta_large_keep_ahead(sta_slab_of(to), size);
    if (to != NULL && size > bytes && bytes >= STA_MOVE_LEAST &&
        sta_large_move(s, &to)) {
        sta_pages_free(s, true);
    } else if (to != NULL) {
        sta_large_copy(to, p, size < bytes ? size : bytes);
        sta_heap_free(p);
    }
    return to;
}

/* Has an object that is to be shorter stay, as there is no memory to move it
 * to.  What its run does not need goes back; in its slab no size is too small
 * for a slot from here on. */
static void *stay(struct sta_slab *s, void *p, size_t size)
{
    if (sta_slab_state(s) == STA_SLAB_RUN)
        sta_pages_resize(s, 1);
    else
        atomic_store_explicit(&s->stayed, true, memory_order_relaxed);
    if (sta_guard_active())
        sta_canary_set(s, p, size);
    return p;
}

static void *resize(struct sta_slab *s, void *p, size_t size)
{
    void *to = sta_guard_active() ? sta_guard_realloc(s, p, size)
                                  : resize_plain(s, p, size);
    return to == NULL && size < bytes_of("realloc", s, p) ? stay(s, p, size)
                                                          : to;
}

void *sta_heap_resize(void *p, size_t size)
{
    return resize(sta_slab_of(p), p, size);
}

void *sta_heap_realloc(void *p, size_t size)
{
    if (STA_WATCHED)
        return sta_watched_realloc(p, size);
    struct sta_slab *s = sta_heap_check("realloc", p);
    return s != NULL ? resize(s, p, size) : NULL;
}
