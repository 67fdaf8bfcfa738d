/* SPDX-License-Identifier: MIT */
/*
 * Objects that are page runs; and every free that is not of this thread's own
 * slab, as most of those are of runs: the others go on to gather.c.
 *
 * A run of up to STA_RUN_UNITS_MAX units belongs to a heap, which keeps it for
 * the next request when it is freed; a larger one belongs to nobody and goes
 * straight back to the arena.  Kept runs are at most a share of what is in use,
 * or what was missed of them, which the heaps of all threads divide: a free
 * beyond that gives one or two back, of each length in turn, so that none waits
 * for ever and no free takes long.
 *
 * Either is the program's alone while it lives, so that whichever thread
 * resizes it may change its descriptor.
 */
#include "heap/large.h"

#include <string.h>

#include "heap/canary.h"
#include "heap/check.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/recent.h"
#include "heap/threads.h"
#include "heap/trim.h"
#include "heap/watched.h"
#include "os/vm.h"

/* Takes a run that waits, if it is longer by the slack; see recent.h. */
static void *pop_longer(struct sta_heap *h, uint32_t units,
                        struct sta_span *dirty)
{
    uint32_t longer = units + sta_run_slack(units);
    if (longer == units || longer > STA_RUN_UNITS_MAX || sta_guard_active())
        return NULL;
    *dirty = (struct sta_span){0, longer};
    return sta_heap_pop_run(h, longer);
}

/* A run is asked for, and none of its length waits. */
static void note_missed(struct sta_heap *h, uint32_t units)
{
    if (h->run_gone < units || h->run_wish >= STA_RUN_WISH_MAX)
        return;
    h->run_gone -= units;
    h->run_wish += units;
}

void *sta_large_alloc(struct sta_heap *h, uint32_t units, uint32_t align_units,
                      struct sta_span *dirty)
{
    void *p = align_units == 1 ? pop_longer(h, units, dirty) : NULL;
    if (p != NULL)
        return p;
    struct sta_slab *s =
        sta_pages_alloc(units, align_units, STA_SLAB_RUN, h, dirty);
    if (s == NULL)
        return NULL;
    if (dirty->count < s->unit_count && units <= STA_RUN_UNITS_MAX)
        sta_heap_grew(h);
    s->reciprocal = STA_SLOT_RECIPROCAL_RUN;
    sta_slab_set_carved(s, 1);
    s->countdown = 1;
    s->ahead = 0;
    s->size_class = STA_CLASS_COUNT;
    s->free = sta_slab_start(s);
    s->keeper = NULL;
    if (s->unit_count <= STA_RUN_UNITS_MAX) {
        note_missed(h, s->unit_count);
        s->keeper = sta_slab_may_wait(s) ? h : NULL;
        h->handed_runs[s->unit_count]++;
    }
    return s->free;
}

bool sta_large_cut(struct sta_heap *h, uint32_t units)
{
    struct sta_slab *run = h->runs[units];
    if (run == NULL)
        return false;
    h->runs[units] = run->next;
    h->run_units -= units;
    h->handed_runs[units]--;
    sta_pages_free(run, false);
    return true;
}

/* Sets how many units may wait, by what is in use now. */
static void set_run_most(struct sta_heap *h)
{
    size_t all = sta_pages_used() / STA_RUN_KEEP_SHARE;
    size_t more = (all > h->run_wish ? all : h->run_wish) / sta_heap_users();
    h->run_most = sta_heap_cache_units(STA_RUN_KEEP_UNITS + (uint32_t)more);
}

void sta_large_forget(struct sta_heap *h)
{
    h->run_gone = h->run_wish = 0;
}

void sta_large_flush(struct sta_heap *h)
{
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++)
        while (sta_large_cut(h, n))
            ;
    sta_large_forget(h);
    set_run_most(h);
}

/*
 * Gives back a run of this length, if there is one.  A program that makes many
 * objects, and frees all of them before it makes as many again, soon asks for
 * what went while most of its memory waited: then more may wait.
 */
static void cut_for_room(struct sta_heap *h, uint32_t units)
{
    bool most = h->run_units > sta_pages_used() / 2 / sta_heap_users();
    if (sta_large_cut(h, units) && most)
        h->run_gone += units;
}

/*
 * More units wait than may: gives a run back, of another length each time; when
 * they are many more, also one as long as what was just freed, so that they do
 * become fewer.
 */
static STA_NOINLINE void too_many_runs(struct sta_heap *h, uint32_t units)
{
    set_run_most(h);
    if (h->run_units > h->run_most + STA_RUN_UNITS_MAX)
        cut_for_room(h, units);
    if (h->run_units > h->run_most) {
        do
            h->run_cut = h->run_cut % STA_RUN_UNITS_MAX + 1;
        while (h->runs[h->run_cut] == NULL);
        cut_for_room(h, h->run_cut);
    }
    sta_heap_shrink(h);
}

/* Puts a run that was freed on its heap's list for the next request. */
STA_INLINE void keep(struct sta_heap *h, struct sta_slab *run)
{
    uint32_t units = run->unit_count;
    run->next = h->runs[units];
    h->runs[units] = run;
    h->handed_runs[units]++;
    run->countdown = 0;
    h->run_units += units;
    if (sta_unlikely(h->run_units > h->run_most))
        too_many_runs(h, units);
}

/* A free of what another heap owns, or that must be looked at closely. */
STA_INLINE void free_elsewhere(struct sta_slot *slot, struct sta_slab *s,
                               enum sta_family by)
{
    if (by != STA_FAMILY_MALLOC && sta_unlikely(sta_guard_active()))
        sta_family_free(slot, by);
    else
        sta_heap_free_elsewhere(slot, s);
}

/* A free in a slab that is lazy, or another's, or nobody's, as all runs are: of
 * these most are kept by the heap that had them. */
STA_INLINE void free_other(struct sta_slot *slot, struct sta_slab *s,
                           enum sta_family by)
{
    struct sta_heap *h = sta_self;
    if (STA_WATCHED) {
        sta_heap_free_slow(slot);
        return;
    }
    uintptr_t owner = atomic_load_explicit(&s->owner, memory_order_relaxed);
    if (owner == 0 && s->keeper == h &&
        (uint32_t)(uintptr_t)slot == s->start_low && s->countdown != 0) {
        keep(h, s);
    } else if (owner == h->lazy_own) {
        /* Freed before?  Looking at the slot, a load, would wait for memory
         * that is not in the cache; instead the sum tells, later (bins.c). */
        if (sta_likely(sta_slab_may_start(s, slot) && s->free != slot))
            sta_heap_free_local(slot, s);
        else
            sta_heap_free_slow(slot);
    } else {
        free_elsewhere(slot, s, by);
    }
}

STA_NOINLINE void sta_heap_free_other(struct sta_slot *slot, struct sta_slab *s)
{
    free_other(slot, s, STA_FAMILY_MALLOC);
}

STA_NOINLINE void sta_family_delete_other(struct sta_slot *slot,
                                          struct sta_slab *s)
{
    free_other(slot, s, STA_FAMILY_NEW);
}

STA_NOINLINE void sta_family_array_other(struct sta_slot *slot,
                                         struct sta_slab *s)
{
    free_other(slot, s, STA_FAMILY_ARRAY);
}

void sta_large_free_run(struct sta_slab *s)
{
    struct sta_heap *h = s->keeper;
    bool twice = false; /* another thread may just have freed it */
    if (h == &sta_heap_shared) {
        sta_lock_acquire(&h->lock);
        twice = s->countdown == 0;
        if (!twice)
            keep(h, s);
        sta_lock_release(&h->lock);
    } else if (h == sta_self) {
        keep(h, s);
    } else {
        twice = !sta_pages_free(s, false);
    }
    if (twice) /* says so, without the lock */
        sta_heap_check("free", s->free);
}

void sta_large_keep_ahead(struct sta_slab *s, size_t size)
{
    size_t ahead = s->unit_count - sta_units_of(size);
    s->ahead = (uint16_t)(ahead < UINT16_MAX ? ahead : UINT16_MAX);
}

bool sta_large_resize(struct sta_slab *s, size_t size)
{
    size_t units = sta_units_of(size);
    if (size <= STA_CLASS_TABLE_MAX || units >= UINT32_MAX)
        return false;
    uint32_t slack = sta_run_slack((uint32_t)units);
    slack = slack > s->ahead ? slack : s->ahead;
    if (units <= s->unit_count && s->unit_count <= units + slack)
        return true;
    if (!sta_pages_resize(s, (uint32_t)units))
        return false;
    s->ahead = 0;
    if (units > STA_RUN_UNITS_MAX)
        s->keeper = NULL;
    return true;
}

bool sta_large_move(struct sta_slab *s, void **to)
{
    size_t bytes = (size_t)s->unit_count << STA_UNIT_LOG2;
    if (sta_options.purge_never || !sta_pages_may_move(s, sta_slab_of(*to)))
        return false;
    enum sta_vm_moved moved = sta_vm_move(*to, sta_slab_start(s), bytes);
    if (moved == STA_VM_LOST) { /* its run stays in use for ever */
        struct sta_span dirty;
        bytes = sta_slab_object_bytes(sta_slab_of(*to));
        *to = sta_heap_alloc_plain(bytes, 1, &dirty);
    }
    return moved == STA_VM_MOVED;
}

void sta_large_copy_pages(char *to, const char *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += STA_UNIT_BYTES) {
        size_t left = bytes - at;
        size_t count = left < STA_UNIT_BYTES ? left : STA_UNIT_BYTES;
        /* `to` last: what is read before it is written is no huge page. */
        if (!sta_canary_is_all(from + at, count, 0) ||
            !sta_canary_is_all(to + at, count, 0))
            memcpy(to + at, from + at, count);
    }
}
