/* SPDX-License-Identifier: MIT */
/*
 * Giving back what heaps cache: to the arena when a request finds no memory, on
 * to the system when the program asks (malloc_trim), and step by step while the
 * program shrinks (stale.c).
 *
 * After one epoch of shrinking the runs go.  After several the program is
 * likely to be on its way to a small size: all that the heap has to spare goes,
 * and the free pages inside its slabs (thin.c).
 */
#include "heap/trim.h"

#include "core/annotate.h"
#include "heap/bins.h"
#include "heap/descriptors.h"
#include "heap/gather.h"
#include "heap/guard.h"
#include "heap/large.h"
#include "heap/remote.h"
#include "heap/thin.h"
#include "heap/threads.h"

void sta_heap_flush(struct sta_heap *h)
{
    bool busy = h->shrink.busy;
    h->shrink.busy = true; /* a step would fill a list that is done */
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++)
        sta_bin_flush(h, c);
    h->shrink.busy = busy;
    while (sta_bins_release_spare(h))
        ;
    sta_large_flush(h);
}

/* Gives free pages inside partly used slabs back to the system. */
static void thin(struct sta_heap *h)
{
    for (uint32_t c = 0; c < STA_CLASS_COUNT; c++) {
        struct sta_list *partial = &h->bins[c].partial;
        for (struct sta_list *l = partial->next; l != partial; l = l->next)
            sta_slab_thin(sta_slab_of_link(l));
    }
}

/* The lists of a heap: those of the classes, then those of runs by length. */
enum { LISTS = STA_CLASS_COUNT + STA_RUN_UNITS_MAX };

/* Begins with the list whose turn it is. */
static void begin_list(struct sta_heap *h)
{
    struct sta_shrink *k = &h->shrink;
    k->first = NULL;
    if (k->list < STA_CLASS_COUNT) {
        k->slabs = h->bins[k->list].slab_count;
        k->slots = STA_SLAB_BYTES_MAX / 16;
    }
}

/* Begins a round after an epoch: the first of a row, or when an eighth of what
 * was in use is gone since the last round began; a round may take longer than
 * an epoch. */
static void begin_round(struct sta_heap *h)
{
    struct sta_shrink *k = &h->shrink;
    uint32_t used = (uint32_t)sta_pages_used();
    h->shrinks = sta_pages_shrinks();
    h->run_most = 0; /* to be set anew by the next free of a run */
    if (sta_pages_shrunk())
        sta_large_forget(h);
    if (k->lists != 0 || (sta_pages_shrunk() && used > k->used - k->used / 8))
        return;
    k->used = used;
    k->lists = LISTS;
    begin_list(h);
}

/* Gives up to so many of the slots on a bin's own list back to their slabs, or
 * of those of its current slab, which is none then; false: there were none. */
static bool give_back(struct sta_heap *h, uint32_t c, uint32_t slots)
{
    struct sta_bin *bin = &h->bins[c];
    if (bin->own == STA_SLOT_END)
        sta_bin_retire(h, c);
    if (bin->own == STA_SLOT_END)
        return false;
    sta_bin_return_own(h, c, slots);
    return true;
}

/* Releases an empty slab, or looks at the next of the bin's by turning its list
 * once around. */
static bool shrink_slab(struct sta_heap *h, struct sta_bin *bin)
{
    struct sta_shrink *k = &h->shrink;
    if (k->slabs == 0)
        return false;
    k->slabs--;
    if (sta_bins_release_spare(h))
        return true;
    struct sta_slab *s = sta_slab_of_link(bin->partial.next);
    if (sta_list_empty(&bin->partial) || s == k->first)
        return false;
    k->first = k->first ? k->first : s;
    sta_list_remove(&s->link);
    sta_list_append(&bin->partial, &s->link);
    sta_slab_thin(s);
    return true;
}

/* Takes one step of all this in the bin whose turn it is; false when there is
 * no more to do. */
static bool shrink_bin(struct sta_heap *h, uint32_t c)
{
    struct sta_shrink *k = &h->shrink;
    if (k->slots != 0 && give_back(h, c, STA_SHRINK_SLOTS)) {
        k->slots -= STA_SHRINK_SLOTS;
        return true;
    }
    k->slots = 0;
    return shrink_slab(h, &h->bins[c]);
}

static bool shrink_list(struct sta_heap *h, uint32_t list)
{
    return list < STA_CLASS_COUNT
               ? shrink_bin(h, list)
               : sta_large_cut(h, list - STA_CLASS_COUNT + 1);
}

/*
 * A call goes on where the last one stopped, so that no free takes long: it
 * passes lists that have nothing, up to all of them, and ends with the first
 * step that gave something back.  A list is worked on as long as it was when
 * its turn came, whatever the program does meanwhile.
 */
void sta_heap_shrink_on(struct sta_heap *h)
{
    struct sta_shrink *k = &h->shrink;
    if (k->busy)
        return;
    if (h->shrinks != sta_pages_shrinks())
        begin_round(h);
    k->busy = true;
    while (k->lists > 0) {
        if (sta_pages_shrunk() && shrink_list(h, k->list))
            break;
        k->list = (uint8_t)((k->list + 1) % LISTS);
        k->lists--;
        begin_list(h);
    }
    k->busy = false;
}

/* Each slot takes time, and what comes of it are its bytes. */
static uint32_t slots_for_growth(uint32_t c)
{
    uint32_t slots = sta_class_size[c] / STA_GROWTH_SLOT_BYTES;
    slots = slots < STA_GROWTH_SLOTS ? STA_GROWTH_SLOTS : slots;
    return slots < STA_SHRINK_SLOTS ? slots : STA_SHRINK_SLOTS;
}

/*
 * A list that is not taken from keeps slots, and each may keep a slab from
 * becoming empty.  One list with something to give, in turn, for each slab or
 * run that makes the heap larger: those in use have hardly any work of it.
 * Where free memory is closed all that is taken would count.
 */
void sta_heap_grew(struct sta_heap *h)
{
    struct sta_shrink *k = &h->shrink;
    if (k->lists != 0 || k->busy || sta_options.closed)
        return;
    k->busy = true;
    bool worked = false;
    for (uint32_t n = 0; n < STA_CLASS_COUNT && !worked; n++) {
        k->list = (uint8_t)((k->list + 1) % STA_CLASS_COUNT);
        worked = give_back(h, k->list, slots_for_growth(k->list));
    }
    k->busy = false;
}

/* Does `work` on this thread's heap, then on all that no thread owns. */
static void for_each_heap(void (*work)(struct sta_heap *h))
{
    struct sta_heap *own = sta_heap_enter();
    work(own);
    sta_heap_flush_outbox(own); /* it may have gathered more */
    sta_heap_leave(own);
    struct sta_heap *h = sta_heap_first();
    for (bool last = false; !last; h = h->next) {
        last = h == NULL; /* the shared heap is not on the list */
        h = last ? &sta_heap_shared : h;
        sta_lock_acquire(&h->lock);
        if (sta_heap_is_open(h))
            work(h);
        sta_lock_release(&h->lock);
    }
}

/* Gives back to the arena what a heap caches and what was sent to it. */
static void drain_and_flush(struct sta_heap *h)
{
    sta_heap_drain(h);
    if (sta_heap_state(h) == STA_HEAP_GUARDED)
        sta_guard_flush(h);
    sta_heap_flush(h);
}

void sta_heap_reclaim(void)
{
    /* Twice: what one heap's inbox holds may belong in that of another, which
     * adopted the slab. */
    for_each_heap(drain_and_flush);
    for_each_heap(drain_and_flush);
}

/* Looks at a slab of an idle heap, whose lock is not waited for. */
static void list_full_of_idle(struct sta_slab *s, uint32_t c)
{
    struct sta_heap *h = sta_slab_owner(s);
    if (h == NULL || sta_heap_state(h) != STA_HEAP_IDLE ||
        !sta_lock_try(&h->lock))
        return;
    if (sta_slab_owner(s) == h && sta_heap_state(h) == STA_HEAP_IDLE)
        sta_bin_list_full(s, c);
    sta_lock_release(&h->lock);
}

void sta_heap_list_full(uint32_t c)
{
    struct sta_heap *own = sta_heap_enter();
    sta_lock_acquire(&sta_pages_lock);
    for (uint32_t i = 0; i < sta_region_count; i++) {
        const struct sta_region *r = &sta_regions[i];
        for (uint32_t n = 1; n < r->slab_used; n++) {
            struct sta_slab *s = &r->slabs[n];
            if (sta_descriptors_is_unused(r, n)) /* nor resident, perhaps */
                continue;
            if (sta_slab_owner(s) == own)
                sta_bin_list_full(s, c);
            else
                list_full_of_idle(s, c);
        }
    }
    sta_lock_release(&sta_pages_lock);
    sta_heap_leave(own);
}

size_t sta_heap_trim(size_t keep_bytes)
{
    sta_note_hush();
    size_t before = sta_pages_purged();
    sta_heap_reclaim();
    if (!sta_options.prefault && !sta_options.mlock) { /* that is to stay */
        for_each_heap(thin);
        sta_pages_purge(keep_bytes);
    }
    sta_note_speak();
    return (sta_pages_purged() - before) << STA_UNIT_LOG2;
}
