/* SPDX-License-Identifier: MIT */
/*
 * Thin slabs: free pages inside a partly used slab, given back.
 *
 * One object pins its slab, up to 64 KiB.  After a program has freed nearly all
 * it had, such slabs are what is left, so their free pages go back too.  A free
 * slot holds a link of its slab's list; slots that touch a page that goes are
 * taken off the list first and come back on it when the slab is used again.
 * Only slots on the list are looked at: a mark in another one may be that of a
 * thread that frees it just then, for a list of its own.
 *
 * Which pages went is a bit each in the descriptor.  The marks of the slots
 * there went as well: every free in a thin slab is due, and looks whether its
 * page is one of them.  When only half of the slots are left in use, and half
 * of those, more pages may have become free.
 */
#include "heap/thin.h"

#include <string.h>

#include "core/bits.h"
#include "heap/guard.h"
#include "os/vm.h"

/* The units that slot `i` touches, a bit each. */
static uint32_t units_of_slot(uint32_t slot_bytes, uint32_t i)
{
    uint32_t first = i * slot_bytes >> STA_UNIT_LOG2;
    uint32_t last = ((i + 1) * slot_bytes - 1) >> STA_UNIT_LOG2;
    return ((UINT32_C(2) << last) - 1) & (~UINT32_C(0) << first);
}

bool sta_slab_is_purged(const struct sta_slab *s, const void *slot)
{
    uint32_t units =
        units_of_slot(sta_slab_slot_bytes(s), sta_slab_index_of(s, slot));
    return (units & sta_slab_purged(s)) != 0;
}

/* Which of a slab's slots are on its list, a bit each. */
struct listed {
    uint64_t bits[STA_SLAB_BYTES_MAX / 16 / 64];
};

/* Follows the slab's list; false when it runs in a ring or leaves the slab, as
 * a slot was freed twice (bins.c). */
static bool read_list(const struct sta_slab *s, struct listed *listed)
{
    const struct sta_slot *slot = s->free;
    uint32_t left = sta_slab_carved(s);
    memset(listed->bits, 0, (left + 63) / 64 * sizeof listed->bits[0]);
    for (; slot != STA_SLOT_END && left > 0; left--) {
        uint32_t i = sta_slab_index_of(s, slot);
        if (i >= sta_slab_carved(s))
            return false;
        listed->bits[i / 64] |= UINT64_C(1) << i % 64;
        slot = sta_slot_follow(slot);
    }
    return slot == STA_SLOT_END;
}

static bool is_listed(const struct listed *listed, uint32_t i)
{
    return (listed->bits[i / 64] >> i % 64 & 1) != 0;
}

/* The slots of 64 from `first` on that were carved and are not listed. */
static uint64_t unlisted(const struct sta_slab *s, const struct listed *listed,
                         uint32_t first)
{
    uint32_t left = sta_slab_carved(s) - first;
    return ~listed->bits[first / 64] & sta_ones64(0, left < 64 ? left : 64);
}

/* The units on which no slot is in use; those behind the slots that were carved
 * may be there all the same, as part of a huge page. */
static uint32_t free_units(const struct sta_slab *s,
                           const struct listed *listed)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    uint32_t in_use = 0;
    for (uint32_t first = 0; first < sta_slab_carved(s); first += 64) {
        uint64_t used = unlisted(s, listed, first);
        for (; used != 0; used &= used - 1) {
            uint32_t units = units_of_slot(slot_bytes, first + sta_ctz64(used));
            if ((units & sta_slab_purged(s)) == 0)
                in_use |= units;
        }
    }
    return ~in_use & ((UINT32_C(1) << s->unit_count) - 1);
}

/* Makes the slab's list of the slots on other units than these. */
static void drop_slots(struct sta_slab *s, uint32_t units,
                       const struct listed *listed)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    char *start = sta_slab_start(s);
    uint32_t i = sta_slab_carved(s);
    s->free = STA_SLOT_END;
    while (i-- > 0) {
        struct sta_slot *slot = (void *)(start + (size_t)i * slot_bytes);
        uint32_t unit = i * slot_bytes >> STA_UNIT_LOG2;
        if ((units >> unit & 1) != 0) { /* nor do others that start there */
            i = ((unit << STA_UNIT_LOG2) + slot_bytes - 1) / slot_bytes;
        } else if ((units_of_slot(slot_bytes, i) & units) == 0 &&
                   is_listed(listed, i)) {
            sta_slot_push(&s->free, slot);
        }
    }
}

/*
 * Purges whole pages of a slab; returns the units that the system took, a bit
 * each.  Where the program has locked some it takes those in front of them and
 * refuses: then each page is asked for by itself, since the marks of the slots
 * on those that went are gone.
 */
static uint32_t purge_pages(const struct sta_slab *s, uint32_t nth,
                            uint32_t count)
{
    uint32_t page_units = sta_stale_page_units();
    uint32_t gone = 0;
    char *p = (char *)sta_slab_start(s) + ((size_t)nth << STA_UNIT_LOG2);
    if (sta_vm_purge(p, (size_t)count << STA_UNIT_LOG2)) {
        sta_pages_note_purged(s, nth, count);
        return ((UINT32_C(1) << count) - 1) << nth;
    }
    for (uint32_t i = 0; count > page_units && i < count; i += page_units)
        gone |= purge_pages(s, nth + i, page_units);
    return gone;
}

/* Purges units of a slab, a bit each; returns those that the system took. */
static uint32_t purge_units(const struct sta_slab *s, uint32_t units)
{
    uint32_t gone = 0;
    for (uint32_t u = 0; u < s->unit_count;) {
        uint32_t ones = sta_low_ones64((uint64_t)units >> u);
        uint32_t first = s->unit_first + u;
        size_t count = ones;
        u += ones + 1;
        if (sta_stale_narrow(&first, &count))
            gone |= purge_pages(s, first - s->unit_first, (uint32_t)count);
    }
    return gone;
}

bool sta_slab_thin(struct sta_slab *s)
{
    uint32_t used = sta_slab_used(s);
    struct listed listed;
    uint32_t units = read_list(s, &listed) ? free_units(s, &listed) : 0;
    uint32_t more = units & ~sta_slab_purged(s);
    if (more == 0 || used == 0 || sta_guard_active()) /* fill must stay */
        return false;
    uint32_t gone = purge_units(s, more);
    if (gone == 0)
        return false;
    sta_slab_set_purged(s, sta_slab_purged(s) | gone);
    drop_slots(s, sta_slab_purged(s), &listed);
    sta_slab_set_state(s, STA_SLAB_THIN);
    s->countdown = 1;
    s->excess = (uint16_t)(used - 1);
    return true;
}

void sta_slab_mark_rest(struct sta_slab *s)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    uint32_t end = sta_slab_capacity(s) * slot_bytes;
    /* The map does not lead here from a page on which no slot starts. */
    if (end >> STA_UNIT_LOG2 != (end - slot_bytes) >> STA_UNIT_LOG2)
        return;
    struct sta_slot *rest = (void *)((char *)sta_slab_start(s) + end);
    sta_slot_link(rest, STA_SLOT_END);
}

void sta_slab_restore(struct sta_slab *s)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    char *start = sta_slab_start(s);
    for (uint32_t i = sta_slab_carved(s); i-- > 0;) {
        if ((units_of_slot(slot_bytes, i) & sta_slab_purged(s)) == 0)
            continue;
        struct sta_slot *slot = (void *)(start + (size_t)i * slot_bytes);
        sta_slot_push(&s->free, slot);
    }
    if (sta_slab_carved(s) == sta_slab_capacity(s))
        sta_slab_mark_rest(s);
    sta_slab_set_purged(s, 0);
}
