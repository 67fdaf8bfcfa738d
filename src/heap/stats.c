/* SPDX-License-Identifier: MIT */
/*
 * Counters, collected on demand.
 *
 * The fast paths count nothing.  What is live follows from the slabs: slots
 * that are in use there, less those on a bin's own list.  What was ever
 * allocated follows from the slots that malloc could take, less those that are
 * still there.  So the price is paid by who asks, with a walk over the slab
 * descriptors, and the lists that running threads take from, which nobody else
 * may walk, count as live.
 */
#include "heap/stats.h"

#include <string.h>

#include "core/annotate.h"
#include "heap/bins.h"
#include "heap/descriptors.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/heap.h"
#include "heap/recent.h"
#include "heap/remote.h"
#include "heap/threads.h"
#include "os/vm.h"

static_assert((int)STA_STATS_CLASSES == (int)STA_CLASS_COUNT,
              "the public header repeats the number of classes");

/* Adds one descriptor in use. */
static void add_slab(struct sta_stats *t, const struct sta_slab *s)
{
    size_t run_bytes = (size_t)s->unit_count << STA_UNIT_LOG2;
    if (sta_slab_state(s) == STA_SLAB_RUN) {
        t->runs.live++;
        t->runs.slabs++;
        t->runs.slabs_bytes += run_bytes;
        t->live_bytes += run_bytes; /* those of slots come at the end */
    } else if (sta_slab_state(s) != STA_SLAB_OWN) {
        struct sta_stats_class *c = &t->classes[s->size_class];
        /* Of a current one, or one that its thread is just making so,
         * add_heap() takes off what is free. */
        uint32_t carved = sta_slab_carved(s);
        uint32_t used = sta_slab_used(s);
        bool current = sta_slab_state(s) == STA_SLAB_CURRENT;
        c->live += current || used > carved ? carved : used;
        c->slabs++;
        c->slabs_bytes += run_bytes;
    }
}

/* Adds a region: its slabs and its free runs. */
static void add_region(struct sta_stats *t, const struct sta_region *r)
{
    for (uint32_t i = 1; i < r->slab_used; i++)
        if (!sta_descriptors_is_unused(r, i) &&
            sta_slab_state(&r->slabs[i]) != STA_SLAB_NONE)
            add_slab(t, &r->slabs[i]);
    uint32_t largest = sta_runs_largest(&r->runs);
    size_t largest_bytes = (size_t)largest << STA_UNIT_LOG2;
    if (largest_bytes > t->largest_free_bytes)
        t->largest_free_bytes = largest_bytes;
    uint32_t count;
    for (uint32_t at = 0;
         (at = sta_runs_next(&r->runs, at, &count)) != STA_RUNS_NONE;
         at += count)
        t->free_runs++;
    t->committed_bytes += (uint64_t)sta_region_units(r) << STA_UNIT_LOG2;
    t->reserved_bytes += r->reservation_bytes - r->hole_bytes;
    t->stale_bytes += (uint64_t)r->stale.count << STA_UNIT_LOG2;
    t->purged_bytes += (uint64_t)r->stale.purged << STA_UNIT_LOG2;
    t->purge_calls += r->stale.calls;
}

/* Adds what the arena counts. */
static void add_arena(struct sta_stats *t)
{
    sta_lock_acquire(&sta_pages_lock);
    const struct sta_page_counts *n = &sta_page_counts;
    sta_recent_flush(UINT32_MAX); /* free runs, as the others are */
    for (uint32_t i = 0; i < sta_region_count; i++)
        add_region(t, &sta_regions[i]);
    t->fixed_bytes = sta_options.arena_bytes;
    t->used_bytes = (uint64_t)sta_pages_used() << STA_UNIT_LOG2;
    t->peak_bytes = (uint64_t)n->used_peak_units << STA_UNIT_LOG2;
    t->free_bytes = t->committed_bytes - t->used_bytes;
    t->faults_saved_bytes = (uint64_t)n->reused_units << STA_UNIT_LOG2;
    t->refused_count = n->refused;
    t->runs.total = n->runs_allocated;
    t->total_bytes = (uint64_t)n->runs_allocated_units << STA_UNIT_LOG2;
    t->lock_waits += sta_lock_waits(&sta_pages_lock);
    sta_lock_release(&sta_pages_lock);
}

/* Takes from a counter what may have come only after it was counted. */
static void subtract(uint64_t *counter, uint64_t n)
{
    *counter -= n < *counter ? n : *counter;
}

/* Subtracts an object that was freed and waits in quarantine. */
static void subtract_waiting(const struct sta_slab *s, void *stats)
{
    struct sta_stats *t = stats;
    size_t bytes = sta_slab_object_bytes(s);
    if (sta_slab_state(s) == STA_SLAB_RUN) { /* which holds no memory */
        subtract(&t->runs.live, 1);
        subtract(&t->runs.slabs, 1);
        subtract(&t->runs.slabs_bytes, bytes);
        subtract(&t->live_bytes, bytes);
    } else {
        subtract(&t->classes[s->size_class].live, 1);
    }
}

/* Adds what a heap could take for objects of a class or of a run's length;
 * `waiting` of them are there still. */
static void add_list(struct sta_stats *t, struct sta_stats_class *c,
                     uint64_t bytes, uint64_t handed, uint64_t waiting)
{
    c->total += handed - waiting;
    t->total_bytes += (handed - waiting) * bytes;
    subtract(&c->live, waiting);
}

/* Counts the slots on a list, up to `most`: one that has a slot twice is a
 * ring. */
static uint64_t count_slots(const struct sta_slot *slot, uint64_t most)
{
    uint64_t count = 0;
    for (; sta_slot_is_intact(slot) && count < most; count++)
        slot = sta_slot_next(slot);
    return count;
}

/* Returns how many slots ever came on a bin's list.  A running thread may just
 * be setting its current slab aside, whose countdown then counts what is in
 * use, no more than a slab has slots: so that is looked at again. */
static uint64_t handed_of(const struct sta_heap *h, uint32_t c, bool running)
{
    uint64_t handed = 0;
    for (int tries = 0; tries < 8; tries++) {
        const struct sta_slab *s = sta_bin_current(h, c);
        handed = h->handed[c];
        uint32_t frees = s != NULL ? sta_slab_frees(s) : 0;
        if (!running || frees < UINT32_MAX - STA_SLAB_BYTES_MAX / 16)
            return handed + frees;
        /* pairs with nothing: has the compiler read each time anew */
        atomic_signal_fence(memory_order_acquire);
    }
    return handed;
}

/* Adds what one heap handed out; `walk` when its lists may be walked. */
static void add_heap(struct sta_stats *t, const struct sta_heap *h, bool walk)
{
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        const struct sta_slab *s = sta_bin_current(h, c);
        uint64_t most = (uint64_t)h->bins[c].slab_count * STA_SLAB_BYTES_MAX +
                        (STA_OUTBOX_UNITS << STA_UNIT_LOG2);
        most /= sta_class_size[c];
        uint64_t waiting = walk ? count_slots(h->bins[c].own, most) : 0;
        if (walk && s != NULL)
            waiting += count_slots(s->free, most);
        add_list(t, &t->classes[c], sta_class_size[c], handed_of(h, c, !walk),
                 waiting);
    }
    for (uint32_t n = 1; n <= STA_RUN_UNITS_MAX; n++) {
        uint64_t waiting = 0;
        for (const struct sta_slab *s = walk ? h->runs[n] : NULL; s;
             s = s->next)
            waiting++;
        uint64_t bytes = (uint64_t)n << STA_UNIT_LOG2;
        add_list(t, &t->runs, bytes, h->handed_runs[n], waiting);
        subtract(&t->live_bytes, waiting * bytes);
    }
    if (sta_heap_state(h) == STA_HEAP_GUARDED)
        sta_guard_each_waiting(h, subtract_waiting, t);
    t->lock_waits += sta_lock_waits(&h->lock);
}

static void add_heaps(struct sta_stats *t)
{
    struct sta_heap *own = sta_self;
    for (struct sta_heap *h = sta_heap_first(); h; h = h->next) {
        t->heaps++;
        if (h == own) {
            add_heap(t, h, true);
            continue;
        }
        sta_lock_acquire(&h->lock);
        add_heap(t, h, sta_heap_is_open(h));
        sta_lock_release(&h->lock);
    }
    sta_lock_acquire(&sta_heap_shared.lock);
    if (sta_heap_is_open(&sta_heap_shared))
        add_heap(t, &sta_heap_shared, true);
    sta_lock_release(&sta_heap_shared.lock);
}

void sta_stats_collect(struct sta_stats *t)
{
    struct sta_heap *own = sta_heap_enter();
    sta_note_hush(); /* links and marks are no program's to read */
    sta_heap_flush_outbox(own);
    sta_heap_drain(own);
    sta_heap_leave(own);
    memset(t, 0, sizeof *t);
    t->version = STA_STATS_VERSION;
    t->size = sizeof *t;
    add_arena(t);
    add_heaps(t);
    sta_note_speak();
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        t->classes[c].slot_bytes = sta_class_size[c];
        t->live_bytes += t->classes[c].live * sta_class_size[c];
        t->live_count += t->classes[c].live;
        t->total_count += t->classes[c].total;
    }
    t->live_count += t->runs.live;
    t->total_count += t->runs.total;
    t->freed_count = t->total_count;
    subtract(&t->freed_count, t->live_count);
}

void sta_stats_collect_all(struct sta_stats *t)
{
    size_t now, peak;
    sta_stats_collect(t);
    sta_vm_resident(&now, &peak);
    t->resident_bytes = now;
    t->resident_peak_bytes = peak;
}
