/* SPDX-License-Identifier: MIT */
/*
 * Whether a pointer is a live object, and what is said when it is not.
 *
 * What is known of a pointer comes from the map and the descriptor, which no
 * program writes to; whether the object is free, from its mark (free_slot.h),
 * of a run from the descriptor too.  No lock is taken: what describes a live
 * object does not change, and for any other pointer the process is to end.
 */
#include "heap/check.h"

#include "core/bits.h"
#include "heap/canary.h"
#include "heap/guard.h"
#include "heap/thin.h"
#include "heap/threads.h"
#include "heap/watched.h"
#include "os/die.h"

STA_COLD void sta_heap_die_of_write(const void *slot)
{
    sta_die("malloc: the free object %p was written to, or freed twice", slot);
}

STA_COLD struct sta_slot *sta_slot_damaged(const struct sta_slot *slot)
{
    if (sta_options.check)
        sta_heap_die_of_write(slot);
    return STA_SLOT_END;
}

STA_COLD void sta_heap_die_of_double_free(const char *call, const void *p,
                                          const struct sta_slab *s)
{
    sta_die("%s(%p): double free of a %zu-byte object", call, p,
            sta_slab_object_bytes(s));
}

STA_COLD void sta_heap_die_of_second_free(const struct sta_slab *s,
                                          struct sta_slot *list, uint32_t count)
{
    for (; count > 1 && sta_slot_is_free(list); count--) {
        list->mark = 0;
        list = sta_slot_next(list);
    }
    sta_heap_die_of_double_free("free", list, s);
}

/* True when `p` lies in an object behind the unit that this starts on, where
 * the map may be empty.  For a message only: it goes back over the map, and
 * holds no lock. */
static STA_COLD bool is_inside_object(const void *p)
{
    for (uint32_t i = 0; i < STA_REGIONS_MAX; i++) {
        const struct sta_region *r = &sta_regions[i];
        uintptr_t offset = (uintptr_t)p - r->base;
        if (offset >= r->bytes)
            continue;
        const struct sta_slab *s = sta_region_at(r, offset);
        for (size_t back = STA_UNIT_BYTES; s == r->slabs && back <= offset;
             back += STA_UNIT_BYTES)
            s = sta_region_at(r, offset - back);
        size_t first = (size_t)s->unit_first << STA_UNIT_LOG2;
        return offset - first < sta_slab_carved(s) * sta_slab_object_bytes(s);
    }
    return false;
}

/* True for an object that was freed. */
static bool is_free(const struct sta_slab *s, const struct sta_slot *slot)
{
    return sta_slab_state(s) == STA_SLAB_RUN ? s->countdown == 0
                                             : sta_slab_has_freed(s, slot);
}

struct sta_slab *sta_heap_live_slab(const void *p)
{
    struct sta_slab *s = sta_slab_of(p);
    if (s == NULL || sta_slab_state(s) == STA_SLAB_NONE ||
        sta_slab_state(s) == STA_SLAB_OWN || !sta_slab_is_start(s, p) ||
        is_free(s, p))
        return NULL;
    return s;
}

/* Ends the process for an address of ours at which no live object begins. */
static STA_COLD _Noreturn void blame(const char *call, const void *p)
{
    const struct sta_slab *s = sta_slab_of(p);
    bool is_used =
        sta_slab_state(s) != STA_SLAB_NONE && sta_slab_state(s) != STA_SLAB_OWN;
    if (is_used && sta_slab_is_start(s, p))
        sta_heap_die_of_double_free(call, p, s);
    if (is_used || is_inside_object(p))
        sta_die("%s(%p): not the start of an object", call, p);
    sta_die("%s(%p): no object starts there, or it was freed before", call, p);
}

struct sta_slab *sta_heap_check(const char *call, const void *p)
{
    struct sta_slab *s = sta_heap_live_slab(p);
    if (s != NULL)
        return s;
    if (sta_slab_of(p) != NULL) {
        if (sta_options.check)
            blame(call, p);
        return NULL;
    }
    sta_heap_ensure_started(); /* it may be the first call */
    if (sta_options.foreign == STA_FOREIGN_ABORT)
        sta_die("%s(%p): not allocated by stalloc", call, p);
    return NULL;
}

/* True when a request for `size` bytes may be served by an object of `s`: a
 * slot more than twice as large is not even left by a realloc(), as long as
 * there is another.  A run has the slack and what it keeps ahead. */
static bool may_have_size(const struct sta_slab *s, size_t size)
{
    size_t bytes = sta_slab_object_bytes(s);
    size_t ahead = ((size_t)s->ahead + 2) << STA_UNIT_LOG2; /* of a run */
    if (sta_slab_state(s) == STA_SLAB_RUN)
        return size <= bytes &&
               (bytes - size < ahead || s->ahead == UINT16_MAX);
    return sta_slab_suits(s, size) ||
           (size <= bytes &&
            atomic_load_explicit(&s->stayed, memory_order_relaxed));
}

/* Returns the slab of an object that is aligned as it should be; NULL where
 * that is not looked at, or p is no object. */
static const struct sta_slab *check_align(const char *call, const void *p,
                                          size_t align)
{
    if (sta_options.check == STA_CHECK_NOTHING || STA_WATCHED)
        return NULL;
    const struct sta_slab *s = sta_heap_live_slab(p);
    if (s != NULL && ((uintptr_t)p & (align - 1)) != 0)
        sta_die("%s(%p): not aligned to %zu bytes", call, p, align);
    return s;
}

void sta_heap_check_align(const char *call, const void *p, size_t align)
{
    check_align(call, p, align);
}

void sta_heap_check_size(const char *call, const void *p, size_t size,
                         size_t align)
{
    const struct sta_slab *s = check_align(call, p, align);
    if (s == NULL)
        return;
    size_t bytes = sta_slab_object_bytes(s);
    bool wrong = size > bytes;
    if (sta_guard_active()) {
        bytes = sta_canary_size(call, s, p);
        wrong = size != bytes;
    } else if (!wrong) {
        size_t step = align < STA_UNIT_BYTES ? align : STA_UNIT_BYTES;
        size_t asked = size;
        if (align > 16)
            asked = sta_round_up(size ? size : 1, step);
        wrong = !may_have_size(s, asked);
    }
    if (wrong)
        sta_die("%s(%p): size %zu for a %zu-byte object", call, p, size, bytes);
}
