/* SPDX-License-Identifier: MIT */
/*
 * When free memory goes back to the system: by bytes, not by time.
 *
 * A purge costs a system call, and a page fault a page if the memory is needed
 * again; not to purge costs others the memory.  Which it will be is guessed
 * from what happened, without a thread:
 *
 *   - Stale memory may be half of what is in use, or a sixteenth while the
 *     program shrinks; beyond that nothing waits: a program that frees its one
 *     big buffer is small at once.
 *   - When units are used again that were purged, that was a mistake: so many
 *     more are kept from then on, up to a bound.  So a loop over a big buffer
 *     faults its pages a few times and then no more.  It is forgotten when the
 *     program shrinks for several epochs in a row, all but 8 MiB at once: one
 *     that works in rounds, and frees all at the end of each, needs that soon.
 *   - Where many rounds came one soon after the other (rounds.c) there is no
 *     shrinking, and more is kept.
 *   - A run of up to 1 MiB that had to be purged, is taken again and is freed
 *     before any other, is not purged once more: that would be a system call
 *     for each turn of a loop, and all it needs is this run.
 *   - An epoch is as many freed bytes as are in use, at least 4 MiB.  When four
 *     times as much was freed in it as was allocated, the program shrinks: the
 *     least number of stale units in that epoch was not needed in all that time
 *     and goes back with the next frees.  So a program that frees all it has
 *     shrinks as it frees, a few epochs behind, each shorter than the last.
 *     An epoch has 64 frees, lest a big object makes one by itself; but when as
 *     much as is in use, and 64 MiB, was freed in a row, it ends at once.
 *   - While it shrinks an epoch is half as long; from the second such epoch in
 *     a row on heaps give back what they keep, and the free pages inside their
 *     slabs (trim.c), which are most of what is left of a program that keeps
 *     one object in fifty.
 */
#include "heap/stale.h"

#include "heap/config.h"

/* Ends an epoch: what it never needed is to go, if the program shrinks. */
static void end_epoch(struct sta_stale *t, bool shrinking)
{
    uint32_t row = atomic_load_explicit(&t->shrinking, memory_order_relaxed);
    atomic_store_explicit(&t->shrinking, shrinking ? row + 1 : 0,
                          memory_order_relaxed);
    if (shrinking) {
        atomic_fetch_add_explicit(&t->shrinks, 1, memory_order_relaxed);
        sta_stale_add_rest(t);
        uint32_t most = row < STA_GRACE_EPOCHS ? STA_GRACE_UNITS_SHRINKING : 0;
        t->grace = t->grace < most ? t->grace : most;
    }
    t->owed = shrinking && t->low > t->grace ? t->low - t->grace : 0;
    if (t->frees > 1) /* else each free would have them begin there */
        sta_stale_start_over(t);
    t->frees = 0;
    t->freed = 0;
    t->taken = 0;
    t->low = t->count;
}

/* Returns how many stale units are to stay, before what is owed. */
static size_t units_to_keep(struct sta_stale *t, size_t used, size_t stay)
{
    size_t grace = t->grace + t->regret;
    t->grace = grace < STA_GRACE_UNITS ? (uint32_t)grace : STA_GRACE_UNITS;
    t->regret = 0;
    size_t keep = t->grace + (sta_stale_is_shrinking(t)
                                  ? STA_KEEP_UNITS_SHRINKING +
                                        used / STA_KEEP_SHARE_SHRINKING
                                  : STA_KEEP_UNITS + used / STA_KEEP_SHARE);
    return keep + used < stay ? stay - used : keep;
}

void sta_stale_by_rule(struct sta_stale *t, uint32_t freed, size_t used)
{
    size_t stay = sta_rounds_note(&t->rounds, used, freed);
    size_t keep = units_to_keep(t, used, stay);
    size_t epoch = sta_stale_is_shrinking(t) ? used / 2 : used;
    t->owed = stay != 0 ? 0 : t->owed < t->count ? t->owed : t->count;
    keep = keep < t->count - t->owed ? keep : t->count - t->owed;
    size_t purged = 0;
    if (t->count > keep + STA_PURGE_SLACK && !t->stays)
        purged = sta_stale_purge(t, keep, STA_PURGE_SLACK, freed);
    t->owed -= purged < t->owed ? (uint32_t)purged : t->owed;
    t->freed += freed;
    t->frees++;
    t->in_row += freed;
    if (stay == 0 && t->in_row > freed && t->in_row >= used &&
        t->in_row >= STA_GRACE_UNITS) {
        t->grace = 0;
        end_epoch(t, true);
    } else if (t->freed >= epoch && t->freed >= STA_EPOCH_UNITS &&
               t->frees >= STA_EPOCH_FREES) {
        bool fewer = t->freed / 4 > t->taken;
        end_epoch(t, stay != 0 ? sta_rounds_are_over(&t->rounds) : fewer);
    }
}
