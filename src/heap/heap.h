/* SPDX-License-Identifier: MIT */
/*
 * Heaps, and the single door to them: allocate, free, resize.
 *
 * Every thread has a heap (STALLOC_VARIANT=local), which owns slabs.  A free
 * pushes the slot on the list of its slab, so that an empty slab is known at
 * once and its memory can go back.  An allocation pops a slot from the list of
 * the slab that is current for its size class: what was freed there last comes
 * first, while it is in the cache.  When that list is empty, the slow half
 * makes another slab the current one, or cuts new slots (bins.c).
 *
 *     thread --sta_self--> heap         slabs (owner = heap)
 *                          list[class] -> free -> slot -> slot
 *                                         free -> slot -> slot
 *                  malloc pops <---       free  <--- free() pushes
 *
 * A thread that may not work on a slab, because another heap owns it, sends the
 * slot to its owner (gather.c).  A heap that several threads share (the mutex
 * variant; threads at their end) is worked on under its lock: their sta_self
 * points to an empty heap, so that every call takes the slow half, and the
 * fast path knows nothing of it.
 *
 * I1  list[c] is the list of the bin's current slab or, while there is none,
 *     the bin's own.  A slot on the latter counts as used in its slab, which is
 *     of this heap or, if this thread freed the slot, perhaps of another one.
 * I2  a run on runs[n] has n units; run_units is the sum of them all.
 * I3  every list of free slots ends in sta_slot_end.
 */
#ifndef STA_HEAP_HEAP_H
#define STA_HEAP_HEAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "core/list.h"
#include "core/sizeclass.h"
#include "core/slot.h"
#include "heap/config.h"
#include "heap/free_slot.h"
#include "heap/options.h"
#include "heap/pages.h"
#include "heap/slab.h"
#include "os/lock.h"

/* All slabs of one class in one heap that may have free slots, and slots that
 * are not their slabs' any more: of full ones, or of other heaps'. */
struct sta_bin {
    struct sta_slot *own;
    struct sta_list partial; /* slabs that are not current, oldest first */
    uint32_t slab_count;     /* in all, full ones included */
    uint32_t loan;           /* slots that `own` may take until a refill */
};

enum sta_heap_state {
    STA_HEAP_ACTIVE, /* a thread's own */
    STA_HEAP_ABSENT, /* of a thread that a fork left behind; see inherit.c */
    STA_HEAP_IDLE,   /* its thread has ended; work under its lock */
    STA_HEAP_SHARED, /* of many threads; work under its lock */
    STA_HEAP_GUARDED /* the same, and objects have canaries; see guard.c */
};

/* How far a heap is with giving back what it keeps; see trim.c. */
struct sta_shrink {
    const struct sta_slab *first; /* of those of this list looked at */
    uint32_t used;                /* units, when it began */
    uint32_t slabs, slots;        /* of this list, to look at, to put back */
    uint8_t list, lists;          /* which one, and how many to go with it */
    bool busy; /* its frees are to leave it alone: idle, or at work on it */
};

struct sta_heap {
    /* the owner's thread */
    struct sta_slot **list[STA_CLASS_COUNT]; /* malloc takes from here */
    size_t medium_max; /* STA_RUN_BYTES_MAX; 0 where there are no lists */
    struct sta_slab *runs[STA_RUN_UNITS_MAX + 1]; /* freed ones, by units */
    uint8_t class_of[STA_CLASS_TABLE_MAX + 1];    /* by bytes */
    uint32_t run_units;                           /* on runs[], in all */
    uint32_t run_most;    /* beyond so many, runs go back to the arena */
    uint32_t run_gone;    /* units too many when most waited, not missed yet */
    uint32_t run_wish;    /* units that were missed */
    uint32_t run_cut;     /* units of the runs that went last */
    uint32_t spare_units; /* of the empty slabs on `spare` */
    uint32_t slab_units;  /* of all slabs */
    uint32_t shrinks;     /* sta_pages_shrinks() when last looked at */
    uint32_t loan_bytes;  /* of a bin, from one refill to the next */
    struct sta_bin bins[STA_CLASS_COUNT];
    uint64_t handed[STA_CLASS_COUNT]; /* slots that ever came on list[] */
    uint64_t handed_runs[STA_RUN_UNITS_MAX + 1]; /* the same of runs[] */

    /* frees for other heaps, gathered */
    struct sta_outbox *out; /* NULL before the first */
    uintptr_t lazy_own;     /* `owner` of the slabs that free() fills lazily */

    struct sta_shrink shrink;
    struct sta_list spare; /* empty slabs of all bins, oldest first */

    /* any thread; a line that is hardly ever written to, and one that is */
    _Alignas(64) struct sta_heap *next; /* of all; fixed once it is listed */
    _Atomic uint32_t state;             /* changes under lock */
    struct sta_lock lock; /* for work on it while idle or shared */
    _Alignas(64) _Atomic(struct sta_slab *) inbox; /* have remote frees */
};

/* This thread's heap; &sta_heap_none before its first call and in threads
 * that share a heap, &sta_heap_gone after its end.  Never NULL. */
extern _Thread_local struct sta_heap *sta_self STA_HIDDEN
    __attribute__((tls_model("initial-exec")));
extern struct sta_heap sta_heap_none STA_HIDDEN;
extern struct sta_heap sta_heap_gone STA_HIDDEN;
extern struct sta_heap sta_heap_shared STA_HIDDEN;

/* Returns a heap's state.  Relaxed: whoever goes by it looks again under the
 * heap's lock, or is right whichever it sees. */
static inline enum sta_heap_state sta_heap_state(const struct sta_heap *h)
{
    return (enum sta_heap_state)atomic_load_explicit(&h->state,
                                                     memory_order_relaxed);
}

/* True for a heap that any thread may work on under its lock. */
static inline bool sta_heap_is_open(const struct sta_heap *h)
{
    return sta_heap_state(h) >= STA_HEAP_IDLE;
}

/* Allocates as levels 0 and 1 do, aligned to at least 16; of a run, *dirty has
 * all units that are not zero. */
void *sta_heap_alloc_plain(size_t size, size_t align, struct sta_span *dirty);

/* The slow halves of the fast paths below. */
void *sta_heap_alloc_slow(size_t size);
void sta_heap_free_slow(void *p);
void sta_heap_free_other(struct sta_slot *slot, struct sta_slab *s);
void sta_heap_free_due(struct sta_slot *slot, struct sta_slab *s);

/* Pushes a slot on its slab; the caller works on the slab's owner, and keeps
 * the sum of a lazy slab. */
STA_INLINE void sta_heap_push(struct sta_slot *slot, struct sta_slab *s)
{
    sta_slot_push(&s->free, slot);
    if (sta_unlikely(--s->countdown == 0))
        sta_heap_free_due(slot, s);
}

/* The same for a slab of either kind. */
static inline void sta_heap_free_local(struct sta_slot *slot,
                                       struct sta_slab *s)
{
    s->sum = (uint16_t)(s->sum + (uintptr_t)slot);
    sta_heap_push(slot, s);
}

/*
 * The two fast halves return a slot when this thread has one at hand, else
 * NULL: then sta_heap_alloc_slow() is to be called.  Callers may have to do
 * more on failure; kept apart, the common case needs no stack frame.
 */
STA_INLINE void *sta_heap_pop(struct sta_slot **list)
{
    struct sta_slot *slot = *list;
    if (sta_unlikely(!sta_slot_is_intact(slot)))
        return NULL;
    struct sta_slot *next = sta_slot_next(slot);
    sta_prefetch(next); /* its mark is looked at next time */
    *list = next;
    slot->mark = 0;
    return slot;
}

/* size <= STA_CLASS_TABLE_MAX */
STA_INLINE void *sta_heap_alloc_small(size_t size)
{
    struct sta_heap *h = sta_self;
    return sta_heap_pop(h->list[h->class_of[size]]);
}

/* Returns the units that hold `size` bytes. */
static inline size_t sta_units_of(size_t size)
{
    return (size + STA_UNIT_BYTES - 1) >> STA_UNIT_LOG2;
}

/* Returns what serves a size up to STA_RUN_BYTES_MAX, above
 * STA_CLASS_TABLE_MAX: a class, or STA_CLASS_COUNT and the units of a run. */
static inline uint32_t sta_medium_of(size_t size)
{
    return sta_options.medium[(size + STA_MEDIUM_STEP - 1) / STA_MEDIUM_STEP];
}

STA_INLINE void *sta_heap_pop_run(struct sta_heap *h, uint32_t units)
{
    struct sta_slab *run = h->runs[units];
    if (sta_unlikely(run == NULL))
        return NULL;
    h->runs[units] = run->next;
    h->run_units -= units;
    run->countdown = 1; /* one store with the next two */
    run->ahead = 0;
    run->sum = 0;
    return run->free;
}

/* Takes from what serves a size; see sta_medium_of(). */
STA_INLINE void *sta_heap_pop_from(struct sta_heap *h, uint32_t list)
{
    return list < STA_CLASS_COUNT ? sta_heap_pop(h->list[list])
                                  : sta_heap_pop_run(h, list - STA_CLASS_COUNT);
}

/* size > STA_CLASS_TABLE_MAX */
STA_INLINE void *sta_heap_alloc_medium(size_t size)
{
    struct sta_heap *h = sta_self;
    return size <= h->medium_max ? sta_heap_pop_from(h, sta_medium_of(size))
                                 : NULL;
}

/*
 * Allocates at least `size` bytes.
 *
 * Returns  memory aligned to 16 with undefined contents; NULL when there is
 *          none.  errno is not set.  size 0 is a unique object of 16 bytes.
 * Threads  any.
 * Cost     O(1), 15 instructions when the list has a slot.
 */
static inline void *sta_heap_alloc(size_t size)
{
    void *p = size <= STA_CLASS_TABLE_MAX ? sta_heap_alloc_small(size)
                                          : sta_heap_alloc_medium(size);
    return sta_likely(p != NULL) ? p : sta_heap_alloc_slow(size);
}

/* The same, zeroed; and aligned to `align`, a power of two. */
void *sta_heap_alloc_zero(size_t size);
void *sta_heap_alloc_aligned(size_t size, size_t align);

/* The fast half of a free, and what is to be called when that is not enough:
 * constants, of which each caller is a copy.  `s` is what the map has for the
 * slot. */
STA_INLINE void sta_heap_free_in(struct sta_slot *slot, struct sta_slab *s,
                                 void (*slow)(void *p),
                                 void (*other)(struct sta_slot *slot,
                                               struct sta_slab *s))
{
    if (sta_unlikely(atomic_load_explicit(&s->owner, memory_order_relaxed) !=
                     (uintptr_t)sta_self))
        other(slot, s);
    else if (sta_unlikely(!sta_slab_may_start(s, slot) ||
                          sta_slot_may_be_free(slot)))
        slow(slot);
    else
        sta_heap_push(slot, s);
}

/* The same, of any pointer. */
STA_INLINE void sta_heap_free_or(void *p, void (*slow)(void *p),
                                 void (*other)(struct sta_slot *slot,
                                               struct sta_slab *s))
{
    struct sta_region *r = &sta_regions[0];
    uintptr_t offset = (uintptr_t)p - r->base;
    if (sta_unlikely(offset >= r->bytes))
        slow(p);
    else
        sta_heap_free_in(p, sta_region_at(r, offset), slow, other);
}

/*
 * Frees an object; NULL is ignored.
 *
 * Misuse   a pointer that is not the start of a live object ends the process
 *          with one line, see STALLOC_CHECK and STALLOC_FOREIGN.
 * Threads  any.  errno stays.
 * Cost     O(1), 27 instructions in the thread that owns the slab.
 */
STA_INLINE void sta_heap_free(void *p)
{
    sta_heap_free_or(p, sta_heap_free_slow, sta_heap_free_other);
}

/*
 * Resizes an object, moving it when it must; contents up to the smaller size
 * stay.  NULL, and the object as it was, when there is no memory.
 */
void *sta_heap_realloc(void *p, size_t size);

/* The same of one of which sta_heap_bytes_at_hand() told the bytes. */
void *sta_heap_resize(void *p, size_t size);

/* Returns the bytes of an object that may be used; 0 for NULL. */
size_t sta_heap_usable(const void *p);

/*
 * Frees a pointer by the allocator behind this one, for STALLOC_FOREIGN=
 * forward.  Defined by the layer above; a program that has only the heap does
 * not have it.
 */
void sta_foreign_free(void *p) __attribute__((weak));

/*
 * Returns the bytes of a live object, when that takes neither a lock nor work;
 * else 0: sta_heap_usable() is to be called.  Most calls of realloc need no
 * more, in most programs.  Slots and runs come in an order that no predictor
 * knows, so no branch tells them apart.
 */
STA_INLINE size_t sta_heap_bytes_at_hand(const void *p)
{
    const struct sta_region *r = &sta_regions[0];
    uintptr_t offset = (uintptr_t)p - r->base;
    if (offset >= r->bytes || sta_options.check >= STA_CHECK_OBJECTS)
        return 0;
    const struct sta_slab *s = sta_region_at(r, offset);
    if (!sta_slab_may_start(s, p) || s->countdown == 0 ||
        sta_slab_purged(s) != 0 || sta_slot_may_be_free(p))
        return 0;
    size_t run_bytes = (size_t)s->unit_count << STA_UNIT_LOG2;
    size_t slot_bytes = sta_class_size[s->size_class]; /* 0 of a run */
    return slot_bytes + (slot_bytes == 0) * run_bytes;
}

/* True when an object of `bytes` keeps its place at a new size, and nothing is
 * to be done for it. */
STA_INLINE bool sta_heap_stays(size_t bytes, size_t size)
{
    size_t spare = bytes / 2 < STA_UNIT_BYTES ? bytes / 2 : STA_UNIT_BYTES;
    return bytes - size < spare;
}

#endif
