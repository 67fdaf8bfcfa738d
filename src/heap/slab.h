/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a page run in use: what the library knows of its objects.
 *
 * Descriptors lie in a table of their own, out of reach of an overflow.  Each
 * is two cache lines: one tells a thread that frees what another owns all that
 * it must know; the other is written by each free of the owner, and would else
 * be sent to and fro between processors.  A run is either cut into slots of one
 * size class, or is one object (a slab of one slot).
 *
 *     region->map[unit]  4 bytes a unit: where its descriptor is, 0 for none
 *                |
 *                v
 *     region->slabs[n]  { owner, reciprocal, … | countdown, free list, … }
 *                |
 *                v  unit_first
 *     +--------+--------+--------+--- … ---+
 *     | slot 0 | slot 1 | slot 2 | not yet carved
 *     +--------+--------+--------+--- … ---+
 *
 * Invariants, while no call is under way:
 * I1  used = countdown + excess: the slots that are not on `free` and have
 *     been carved; those on a bin's own list count as used.  Of a current slab
 *     nobody counts them: malloc takes from `free` without a word.
 * I2  countdown reaches 0 when something is due: the first frees of a full
 *     slab, or the last of any other.  So one decrement and one test serve
 *     the fast path for both.  Of a current slab it counts its frees.
 * I3  a free slot holds its mark and its link (free_slot.h); a live one never
 *     does but by the program's doing, one chance in 2^64.
 * I4  the map names the descriptor at each unit of a slab on which slots start
 *     and all of them were carved, and at the first unit only of a run; all
 *     other entries are 0.  What is left behind the last slot has a mark if it
 *     would be a start: so what free() takes for the start of a live object
 *     was handed out once.  One slot more may be carved, the first of the next
 *     unit (carve.c).
 * I5  if the slab is lazy and not current, sum is that of the low halves of the
 *     addresses of all slots on `free`, and of those that thin.c took off it.
 * I6  a run's first bytes are never looked at: many begin in the same cache
 *     sets, and the next use finds them as the program left them.
 */
#ifndef STA_HEAP_SLAB_H
#define STA_HEAP_SLAB_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/list.h"
#include "core/slot.h"
#include "heap/config.h"

struct sta_heap;
struct sta_slot;

enum sta_slab_state {
    STA_SLAB_NONE,    /* not in use; the zero of fresh memory */
    STA_SLAB_CURRENT, /* malloc takes from it */
    STA_SLAB_PARTIAL, /* on its bin's list: has free slots */
    STA_SLAB_FULL,    /* on no list: every slot is in use */
    STA_SLAB_THIN,    /* partial, and without its free pages */
    STA_SLAB_RUN,     /* one object */
    STA_SLAB_OWN      /* memory of the library itself */
};

/*
 * What other threads freed of a slab, until its owner takes it in; see
 * remote.c.
 */
struct sta_remote {
    _Atomic uint64_t list; /* of slots, in four parts; 0 for none */
    struct sta_slab *next; /* in its owner's inbox, while there are any */
};

struct sta_slab {
    /* the heap that may work on it without a lock, and STA_SLAB_LAZY; changes
     * under the owner's lock; 0 for a run */
    _Alignas(64) _Atomic uintptr_t owner;

    /* fixed while in use; any thread */
    uint32_t reciprocal; /* of the slot size, see core/slot.h */
    uint32_t start_low;  /* low half of the first byte's address */
    uint32_t unit_first; /* in its region */
    uint32_t unit_count; /* of a run: resize changes it */
    uint8_t size_class;  /* of its slots; STA_CLASS_COUNT for a run */
    uint8_t region;
    uint8_t few; /* free slots that do not make a full slab partial */

    /* an object stayed in a slot that is too long for it (resize.c); relaxed:
     * who has the object knows what happened to it */
    _Atomic bool stayed;

    /* the owner writes, any thread looks; see the functions below */
    _Atomic uint16_t carved; /* slots cut so far, at the bottom */

    /* the same, but nobody else while all is well */
    _Alignas(64) _Atomic uint8_t state;

    bool closed; /* of a run: touching it is a fault; sta_pages_lock */

    /* owner only */
    uint32_t countdown; /* of a run: 1 while in use, else 0 */
    union {
        uint16_t excess;
        uint16_t ahead; /* of a run: units that it keeps beyond its object */
    };
    uint16_t sum;          /* of the slots' addresses on `free`, if lazy */
    struct sta_slot *free; /* of a run: its first byte */
    /* of a thin slab: its units without pages, a bit each, at which any thread
     * looks; these two of a run: see canary.c */
    _Atomic uint16_t purged;
    uint16_t fresh; /* units that came zero, and no slot was carved there */

    union {
        /* owner only */
        struct sta_list link; /* partial or thin: in its bin, or its heap */
        /* of a run */
        struct {
            struct sta_slab *next;   /* of those that wait on its list */
            struct sta_heap *keeper; /* has it when it is freed; or NULL */
        };
    };

    struct sta_remote remote; /* any thread, now and then */
};

static_assert(sizeof(struct sta_slab) == 128, "two cache lines");

/* In `owner`: a free does not look at the slot; see heap.h.  One comparison
 * tells whose a slab is and how it is freed into. */
#define STA_SLAB_LAZY ((uintptr_t)1)

static inline struct sta_heap *sta_slab_owner(const struct sta_slab *s)
{
    uintptr_t owner = atomic_load_explicit(&s->owner, memory_order_relaxed);
    return (struct sta_heap *)(owner & ~STA_SLAB_LAZY);
}

static inline bool sta_slab_is_lazy(const struct sta_slab *s)
{
    return atomic_load_explicit(&s->owner, memory_order_relaxed) &
           STA_SLAB_LAZY;
}

/* Writes only what is new: other processors have that line too. */
static inline void sta_slab_set_owner(struct sta_slab *s,
                                      const struct sta_heap *h, bool lazy)
{
    uintptr_t owner = (uintptr_t)h | (lazy ? STA_SLAB_LAZY : 0);
    if (owner != atomic_load_explicit(&s->owner, memory_order_relaxed))
        atomic_store_explicit(&s->owner, owner, memory_order_relaxed);
}

/* Returns the bytes of each slot of a slab that is no run. */
static inline uint32_t sta_slab_slot_bytes(const struct sta_slab *s)
{
    return sta_class_size[s->size_class];
}

/* Returns how many slots a slab has. */
static inline uint32_t sta_slab_capacity(const struct sta_slab *s)
{
    return sta_slot_index(s->unit_count << STA_UNIT_LOG2, s->reciprocal);
}

/* Returns the bytes of one object of a slab. */
static inline size_t sta_slab_object_bytes(const struct sta_slab *s)
{
    return s->size_class < STA_CLASS_COUNT
               ? sta_slab_slot_bytes(s)
               : (size_t)s->unit_count << STA_UNIT_LOG2;
}

/* True when an object of `size` bytes stays in a slot of `s`: it fits, and no
 * smaller slot would spare half. */
static inline bool sta_slab_suits(const struct sta_slab *s, size_t size)
{
    size_t bytes = sta_slab_object_bytes(s);
    return size <= bytes &&
           (size > bytes / 2 || sta_class_of(size) == s->size_class);
}

/* Slots that are not on the list of a slab that is neither current nor a run;
 * those that a thin slab's purged pages hold count as free. */
static inline uint32_t sta_slab_used(const struct sta_slab *s)
{
    return s->countdown + s->excess;
}

/* What the countdown of a slab is when it becomes current. */
#define STA_CURRENT_COUNTDOWN UINT32_MAX

/* Frees of a current slab since it became so. */
static inline uint32_t sta_slab_frees(const struct sta_slab *s)
{
    return STA_CURRENT_COUNTDOWN - s->countdown;
}

static inline struct sta_slab *sta_slab_of_link(struct sta_list *link)
{
    return (struct sta_slab *)(void *)((char *)link -
                                       offsetof(struct sta_slab, link));
}

/*
 * State and carved slots of a slab.  A thread that frees an object of another's
 * slab looks at them to tell misuse; the object is live, so that whatever it
 * sees of changes under way says the same of it: relaxed.
 */
static inline enum sta_slab_state sta_slab_state(const struct sta_slab *s)
{
    return (enum sta_slab_state)atomic_load_explicit(&s->state,
                                                     memory_order_relaxed);
}

static inline void sta_slab_set_state(struct sta_slab *s,
                                      enum sta_slab_state state)
{
    atomic_store_explicit(&s->state, (uint8_t)state, memory_order_relaxed);
}

static inline uint32_t sta_slab_carved(const struct sta_slab *s)
{
    return atomic_load_explicit(&s->carved, memory_order_relaxed);
}

static inline void sta_slab_set_carved(struct sta_slab *s, uint32_t count)
{
    atomic_store_explicit(&s->carved, (uint16_t)count, memory_order_relaxed);
}

/* The units of a thin slab without pages; relaxed as above: none of them has a
 * live object. */
static inline uint32_t sta_slab_purged(const struct sta_slab *s)
{
    return atomic_load_explicit(&s->purged, memory_order_relaxed);
}

static inline void sta_slab_set_purged(struct sta_slab *s, uint32_t units)
{
    atomic_store_explicit(&s->purged, (uint16_t)units, memory_order_relaxed);
}

/* Returns how far behind the first byte of its slab an address is. */
static inline uint32_t sta_slab_offset(const struct sta_slab *s, const void *p)
{
    return (uint32_t)(uintptr_t)p - s->start_low;
}

/* Returns the index of the slot that an address lies in. */
static inline uint32_t sta_slab_index_of(const struct sta_slab *s,
                                         const void *p)
{
    return sta_slot_index(sta_slab_offset(s, p), s->reciprocal);
}

/* True where a slot of the slab begins, or will when it is cut. */
static inline bool sta_slab_may_start(const struct sta_slab *s, const void *p)
{
    return sta_slot_is_start(sta_slab_offset(s, p), s->reciprocal);
}

/* True for the first byte of a slot that was cut. */
static inline bool sta_slab_is_start(const struct sta_slab *s, const void *p)
{
    return sta_slab_may_start(s, p) &&
           sta_slab_index_of(s, p) < sta_slab_carved(s);
}

#endif
