/* SPDX-License-Identifier: MIT */
/*
 * Stale memory: which it is, and how it goes back to the system.  When it does,
 * and how much, rule.c says, or the user.
 *
 * Units go back from the top: first fit reuses the bottom first; what was freed
 * above all that went since the epoch began goes before the rest.  A free gives
 * back a few times what it freed, by one system call and one more for each 128
 * KiB, or twice as many while the program shrinks, so that none takes long;
 * also where the user said how much is to be kept.
 *
 * A huge page is resident as a whole.  So when a block begins to go page by
 * page, and asks for none any more, all that is free in it counts as stale.
 */
#include "heap/stale.h"

#include "core/bitmap.h"
#include "core/bits.h"
#include "heap/config.h"
#include "os/vm.h"

/* Clears the bits of a run; returns how many were ones, and in *span those from
 * the first one to the last.  Most often all are. */
static uint32_t clear_bits(uint64_t *words, uint32_t first, uint32_t count,
                           struct sta_span *span)
{
    uint32_t ones = 0;
    uint32_t end = first + count;
    uint32_t low = end;
    uint32_t high = end;
    while (first < end) {
        uint32_t base = first & ~UINT32_C(63);
        uint32_t to = end - base < 64 ? end - base : 64;
        uint64_t mask = sta_ones64(first - base, to);
        uint64_t set = words[base / 64] & mask;
        words[base / 64] ^= set;
        if (set == mask) {
            ones += base + to - first;
            low = low != end ? low : first;
            high = base + to;
        } else if (set != 0) {
            ones += sta_popcount64(set);
            low = low != end ? low : base + sta_ctz64(set);
            high = base + sta_log2(set) + 1;
        }
        first = base + to;
    }
    *span = (struct sta_span){low - (end - count), high - low};
    return ones;
}

uint32_t sta_stale_take(struct sta_stale *t, uint32_t first, uint32_t count,
                        struct sta_span *dirty)
{
    uint32_t stale = 0;
    uint32_t regret = 0;
    uint32_t end = first + count;
    *dirty = (struct sta_span){0, 0};
    if (t->count != 0 && first < t->used_top)
        stale = clear_bits(t->bits, first, count, dirty);
    if (first < t->used_top)
        regret = (end < t->used_top ? end : t->used_top) - first - stale;
    if (end != t->again)
        t->again = regret != 0 ? end : 0;
    if (end > t->used_top)
        t->used_top = end;
    t->regret += regret;
    t->taken += count;
    t->in_row = 0;
    t->count -= stale;
    if (t->count < t->low)
        t->low = t->count;
    return stale;
}

void sta_stale_start_over(struct sta_stale *t)
{
    t->top = t->used_top;
    t->gap_low = t->gap_end = 0;
}

/* Has purges begin above units that became stale.  Where these lie above all
 * that purges have passed, they go on from there to where they were. */
static void raise_top(struct sta_stale *t, uint32_t first, uint32_t end)
{
    if (t->top <= t->gap_low)
        t->gap_low = t->gap_end = 0;
    if (first < t->gap_end && end > t->gap_low)
        t->gap_end = first > t->gap_low ? first : t->gap_low;
    if (end <= t->top)
        return;
    if (first > t->top && first - t->top > t->gap_end - t->gap_low) {
        t->gap_low = t->top;
        t->gap_end = first;
    }
    t->top = end;
}

void sta_stale_add(struct sta_stale *t, uint32_t first, uint32_t count,
                   uint32_t gone)
{
    t->count += sta_bitmap_assign(t->bits, first, count, true);
    t->stays =
        first + count == t->again && t->in_row == 0 && count <= STA_PURGE_UNITS;
    for (; gone != 0; gone &= gone - 1)
        t->count -=
            sta_bitmap_assign(t->bits, first + sta_ctz64(gone), 1, false);
    raise_top(t, first, first + count);
}

/* True when no unit from `first` to `end` - 1 is in use or resident. */
static bool is_blank(const struct sta_stale *t, uint32_t first, uint32_t end)
{
    return first >= end || (sta_runs_free_at(t->runs, first) >= end - first &&
                            sta_bitmap_first_one(t->bits, first, end) == end);
}

void sta_stale_add_rest(struct sta_stale *t)
{
    uint32_t rest = -t->used_top % STA_HUGE_UNITS;
    if (rest == 0 || !sta_huge_is_asked(&t->huge, t->used_top / STA_HUGE_UNITS))
        return;
    uint32_t first = t->used_top;
    t->used_top += rest;
    sta_stale_add(t, first, rest, 0);
}

/* Counts all of a block that is free and was used once as stale; returns how
 * many units were not so far. */
static uint32_t add_free_of_block(struct sta_stale *t, uint32_t block)
{
    uint32_t before = t->count;
    uint32_t end = (block + 1) * STA_HUGE_UNITS;
    uint32_t used = end < t->used_top ? end : t->used_top;
    for (uint32_t i = block * STA_HUGE_UNITS; i < used; i += 64) {
        uint64_t free = sta_runs_free_bits(t->runs, i) &
                        sta_ones64(0, used - i < 64 ? used - i : 64);
        t->count += sta_popcount64(free & ~t->bits[i / 64]);
        t->bits[i / 64] |= free;
    }
    raise_top(t, block * STA_HUGE_UNITS, end);
    return t->count - before;
}

/*
 * Has a block do without huge pages; false where it does already.  It may be
 * one until now, and resident as a whole: what is free of it counts as stale
 * from here on.
 */
static bool leave_block(struct sta_stale *t, uint32_t block)
{
    if (!sta_huge_is_asked(&t->huge, block))
        return false;
    if (block == t->used_top / STA_HUGE_UNITS)
        sta_stale_add_rest(t);
    sta_huge_set(&t->huge, block, 1, false);
    add_free_of_block(t, block);
    return true;
}

static bool give_back(const struct sta_stale *t, uint32_t first, uint32_t count)
{
    void *p = (void *)(t->base + ((uintptr_t)first << STA_UNIT_LOG2));
    return sta_vm_purge(p, (size_t)count << STA_UNIT_LOG2);
}

/*
 * Has blocks that are blank ask for huge pages again.  Where one went in parts
 * the system keeps an empty table for its pages, and gives single ones, until
 * one call purges all of it (from Linux 6.14 on; before, there is no way).
 */
static void ask_again(struct sta_stale *t, uint32_t block, uint32_t count)
{
    if (count != 0 && sta_huge_set(&t->huge, block, count, true))
        give_back(t, block * STA_HUGE_UNITS, count * STA_HUGE_UNITS);
}

/* Says of units that they are zero and not resident; the system has just taken
 * them back. */
static void forget(struct sta_stale *t, uint32_t first, uint32_t count)
{
    uint32_t last = (first + count - 1) / STA_HUGE_UNITS;
    uint32_t blank = first / STA_HUGE_UNITS; /* from there on */
    bool left = false;
    t->count -= sta_bitmap_assign(t->bits, first, count, false);
    for (uint32_t b = blank; b <= last; b++) {
        if (is_blank(t, b * STA_HUGE_UNITS, (b + 1) * STA_HUGE_UNITS))
            continue;
        ask_again(t, blank, b - blank);
        left |= leave_block(t, b);
        blank = b + 1;
    }
    ask_again(t, blank, last + 1 - blank);
    /* A block that was left has counted those that are free once more. */
    t->count -= sta_bitmap_assign(t->bits, first, count, false);
    if (left) /* it may have been filled up again before that */
        give_back(t, first, count);
}

void sta_stale_note_gone(struct sta_stale *t, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;
    bool low = first % STA_HUGE_UNITS && leave_block(t, first / STA_HUGE_UNITS);
    bool top = end % STA_HUGE_UNITS && leave_block(t, end / STA_HUGE_UNITS);
    if (low || top) /* as above */
        give_back(t, first, count);
}

void sta_stale_note_purged(struct sta_stale *t, uint32_t first, uint32_t count)
{
    forget(t, first, count);
    t->purged += count;
    t->calls++;
}

/* Has a block at an end of a run, just taken, do without huge pages if it may
 * be one: what is beside the run is resident, or was inside, by *dirty. */
static void leave_resident(struct sta_stale *t, uint32_t block, uint32_t first,
                           uint32_t end, const struct sta_span *dirty)
{
    uint32_t low = block * STA_HUGE_UNITS, high = low + STA_HUGE_UNITS;
    uint32_t stale = first + dirty->first;
    if (sta_huge_is_asked(&t->huge, block) &&
        ((dirty->count && stale < high && stale + dirty->count > low) ||
         !is_blank(t, low, first) || !is_blank(t, end, high)))
        leave_block(t, block);
}

void sta_stale_avoid_huge(struct sta_stale *t, uint32_t first, uint32_t count,
                          const struct sta_span *dirty)
{
    uint32_t end = first + count;
    uint32_t low = first / STA_HUGE_UNITS;
    uint32_t top = (end - 1) / STA_HUGE_UNITS;
    leave_resident(t, low, first, end, dirty);
    leave_resident(t, top, first, end, dirty);
    sta_huge_set(&t->huge, low, top + 1 - low, false);
}

void sta_stale_avoid_ends(struct sta_stale *t, uint32_t first, uint32_t count,
                          const struct sta_span *dirty)
{
    uint32_t end = first + count;
    uint32_t low = (first - 1) / STA_HUGE_UNITS;
    uint32_t top = end % STA_HUGE_UNITS ? end / STA_HUGE_UNITS : low;
    leave_resident(t, low, first, end, dirty);
    leave_resident(t, top, first, end, dirty);
    sta_huge_set(&t->huge, low, 1, false);
    sta_huge_set(&t->huge, top, 1, false);
}

/*
 * Widens a stretch of stale units to the free ones beside it in the same
 * blocks, where these may be huge pages: then they are resident as well, and
 * a block that is free as a whole goes as a whole.
 */
static struct sta_span widen(const struct sta_stale *t, uint32_t first,
                             uint32_t end)
{
    uint32_t below = first % STA_HUGE_UNITS;
    uint32_t above = -end % STA_HUGE_UNITS;
    if (below && sta_huge_is_asked(&t->huge, first / STA_HUGE_UNITS) &&
        sta_runs_free_at(t->runs, first - below) >= below)
        first -= below;
    if (above && sta_huge_is_asked(&t->huge, end / STA_HUGE_UNITS)) {
        uint32_t free = sta_runs_free_at(t->runs, end);
        end += free < above ? free : above;
    }
    size_t count = end - first; /* the page at the end may hold others */
    sta_stale_narrow(&first, &count);
    return (struct sta_span){first, (uint32_t)count};
}

/*
 * Extends a stretch of stale units downwards to further ones, up to `most` in
 * all, as long as all in between is free: one system call for them together,
 * where single pages stay of slabs that went one after another.  Returns how
 * many there are.
 */
static size_t extend_down(const struct sta_stale *t, uint32_t *first,
                          size_t count, size_t most)
{
    uint32_t floor = *first & ~(STA_HUGE_UNITS - 1);
    uint32_t below;
    size_t more;
    while (count < most &&
           (more = sta_bitmap_last_ones(t->bits, floor, *first, &below)) != 0 &&
           more <= most - count &&
           sta_runs_free_at(t->runs, below) >= *first - below) {
        count += more;
        *first = below;
    }
    return count;
}

/* Finds the last run of at least so many stale units from `floor` to below the
 * top; returns how many it has there, or 0. */
static size_t last_run(const struct sta_stale *t, uint32_t floor, size_t least,
                       uint32_t *first)
{
    size_t count;
    *first = t->top;
    do
        count = sta_bitmap_last_ones(t->bits, floor, *first, first);
    while (count != 0 && count < least);
    return count;
}

/* Purges from the top until at most `keep` units are left, `budget` units went
 * or no step is left: a look through a bounded stretch is one, a system call
 * takes several.  Where `slack` units went, as many more may wait.  Runs of
 * fewer than `least` units wait for the next epoch.  Returns the units given
 * back. */
static size_t purge(struct sta_stale *t, size_t keep, size_t slack,
                    size_t budget, size_t steps, size_t least)
{
    size_t purged = 0;
    while (t->count > keep + (purged < slack ? 0 : slack) && budget > 0 &&
           t->top > 0 && steps > 0) {
        uint32_t first;
        if (t->top <= t->gap_end && t->top > t->gap_low)
            t->top = t->gap_low;
        uint32_t floor =
            t->top > STA_PURGE_LOOK_UNITS ? t->top - STA_PURGE_LOOK_UNITS : 0;
        size_t count = last_run(t, floor, least, &first);
        size_t most = t->count - keep < budget ? t->count - keep : budget;
        if (count == 0) {
            t->top = floor;
            steps--;
            continue;
        }
        if (count > most) {
            first += (uint32_t)(count - most);
            count = most;
        }
        uint32_t end = first + (uint32_t)count;
        count = extend_down(t, &first, count, most);
        budget -= count;
        steps -= steps < STA_PURGE_STEPS ? steps : STA_PURGE_STEPS;
        t->top = first; /* what stays stale above it waits */
        size_t units = end - first;
        if (!sta_stale_narrow(&first, &units))
            continue;
        struct sta_span all = widen(t, first, first + (uint32_t)units);
        if (!give_back(t, all.first, all.count)) /* locked */
            continue;
        forget(t, all.first, all.count);
        count = count < units ? count : units;
        t->purged += count;
        t->calls++;
        purged += count;
    }
    if (t->count < t->low)
        t->low = t->count;
    return purged;
}

size_t sta_stale_purge(struct sta_stale *t, size_t keep, size_t slack,
                       uint32_t freed)
{
    size_t steps = STA_PURGE_STEPS * (1 + freed / STA_PURGE_STEP_UNITS);
    /* A large run is most memory for one system call. */
    bool large = freed >= STA_PURGE_UNITS && sta_stale_is_shrinking(t);
    return purge(t, keep, slack, 4 * (size_t)freed + STA_PURGE_UNITS,
                 sta_stale_is_shrinking(t) ? 2 * steps : steps,
                 large ? STA_PURGE_UNITS : 1);
}

size_t sta_stale_trim(struct sta_stale *t, size_t keep)
{
    uint32_t unsure = 0; /* resident if the system made huge pages there */
    sta_stale_add_rest(t);
    for (uint32_t b = 0; b * STA_HUGE_UNITS < t->used_top; b++)
        if (sta_huge_is_asked(&t->huge, b))
            unsure += add_free_of_block(t, b);
    sta_stale_start_over(t);
    size_t purged = purge(t, keep, 0, SIZE_MAX, SIZE_MAX, 1);
    size_t sure = purged > unsure ? purged - unsure : 0;
    t->purged -= purged - sure;
    return sure;
}
