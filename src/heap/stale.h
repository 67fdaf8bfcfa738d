/* SPDX-License-Identifier: MIT */
/*
 * Stale units: free ones whose contents are still resident; and how and when to
 * give them back to the system.
 *
 * Everything here is of one region and under sta_pages_lock.
 */
#ifndef STA_HEAP_STALE_H
#define STA_HEAP_STALE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bits.h"
#include "core/runs.h"
#include "heap/config.h"
#include "heap/huge.h"
#include "heap/rounds.h"
#include "os/vm.h"

struct sta_stale {
    uint64_t *bits;              /* one a unit */
    uintptr_t base;              /* address of unit 0 */
    const struct sta_runs *runs; /* which units are free */
    struct sta_huge huge;
    uint32_t count;    /* of ones */
    uint32_t top;      /* purges go on below it, until an epoch ends */
    uint32_t gap_low;  /* and pass what they passed before, from here … */
    uint32_t gap_end;  /* … to below this, when they come there */
    uint32_t used_top; /* no unit at or above was ever used */

    /* the rule, see rule.c; units */
    /* read by any thread; relaxed */
    _Atomic uint32_t shrinking; /* epochs in a row, up to now */
    _Atomic uint32_t shrinks;   /* how many epochs so far */

    uint32_t again; /* end of the run taken last, if it had been purged */
    bool stays;     /* it was what was freed since */
    uint32_t owed;  /* to be purged by the next frees */
    uint32_t low;   /* the least count of this epoch */
    uint32_t grace; /* kept beyond the share, for what was regretted */
    uint32_t frees; /* in this epoch */
    size_t freed;   /* in this epoch */
    size_t taken;   /* in this epoch */
    size_t in_row;  /* freed since the last unit was taken */
    size_t regret;  /* used again after they were purged, lately */
    size_t purged;  /* in all */
    size_t calls;   /* of the system for that */
    struct sta_rounds rounds;
};

/* Consecutive units of a run, counted from its first. */
struct sta_span {
    uint32_t first;
    uint32_t count;
};

/*
 * Counts units as used; returns how many of them were stale until now, and in
 * *dirty a span that has them all: the others are zero.
 */
uint32_t sta_stale_take(struct sta_stale *t, uint32_t first, uint32_t count,
                        struct sta_span *dirty);

/* Returns the units of a system page, 1 where it is no larger than one. */
static inline uint32_t sta_stale_page_units(void)
{
    return (uint32_t)((sta_vm_page_bytes() - 1) / STA_UNIT_BYTES + 1);
}

/* Narrows a run to the whole system pages in it; false when there are none. */
static inline bool sta_stale_narrow(uint32_t *first, size_t *count)
{
    size_t page_units = sta_stale_page_units();
    size_t low = sta_round_up(*first, page_units);
    size_t end = (*first + *count) & ~(page_units - 1);
    if (low >= end)
        return false;
    *first = (uint32_t)low;
    *count = end - low;
    return true;
}

/* Counts units that were freed, and are not zero, as stale; of the first ones
 * those that `gone` has a bit for are no longer resident. */
void sta_stale_add(struct sta_stale *t, uint32_t first, uint32_t count,
                   uint32_t gone);

/*
 * Gives stale units beyond `keep` back, from the top, after `freed` units came
 * back: a few times as many at most, in a few steps, so that no free takes
 * long; where `slack` went, as many more may wait.  Returns how many went.
 */
size_t sta_stale_purge(struct sta_stale *t, size_t keep, size_t slack,
                       uint32_t freed);

/* Gives back all beyond `keep`, with what is resident of a huge page that is
 * not yet full. */
size_t sta_stale_trim(struct sta_stale *t, size_t keep);

/* Has purges pass over all once more, from the top. */
void sta_stale_start_over(struct sta_stale *t);

/* Counts what was never used of the last block that is in use as stale: when
 * the system made it a huge page, all of it is resident. */
void sta_stale_add_rest(struct sta_stale *t);

/* Says that units, to be freed, are no longer resident; what else is free of
 * huge pages that they were part of may be. */
void sta_stale_note_gone(struct sta_stale *t, uint32_t first, uint32_t count);

/* Says that units in use, or free ones, are no longer resident. */
void sta_stale_note_purged(struct sta_stale *t, uint32_t first, uint32_t count);

/* Has the blocks that a thinly filled run touches, or those that a run and what
 * it skipped share with others, do without huge pages; *dirty has all units of
 * the run that were stale when it was taken. */
void sta_stale_avoid_huge(struct sta_stale *t, uint32_t first, uint32_t count,
                          const struct sta_span *dirty);
void sta_stale_avoid_ends(struct sta_stale *t, uint32_t first, uint32_t count,
                          const struct sta_span *dirty);

/* True while the program frees much more than it allocates. */
static inline bool sta_stale_is_shrinking(const struct sta_stale *t)
{
    return atomic_load_explicit(&t->shrinking, memory_order_relaxed) != 0;
}

/* Says that there is to be no rule from now on, by which the program might be
 * shrinking. */
static inline void sta_stale_end_rule(struct sta_stale *t)
{
    atomic_store_explicit(&t->shrinking, 0, memory_order_relaxed);
}

/* Purges by rule after `freed` units came back and `used` are in use; rule.c */
void sta_stale_by_rule(struct sta_stale *t, uint32_t freed, size_t used);

#endif
