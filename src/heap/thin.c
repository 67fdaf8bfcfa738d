/* SPDX-License-Identifier: MIT */
/*
 * Thin slabs: free pages inside a partly used slab, given back.
 *
 * One object pins its slab, up to 64 KiB.  After a program has freed nearly all
 * it had, such slabs are what is left, so their free pages go back too.  A free
 * slot holds a link of its slab's list; slots that touch a page that goes are
 * taken off the list first and come back on it when the slab is used again.
 *
 * Which pages went is a bit each in the descriptor.  The marks of the slots
 * there went as well: every free in a thin slab is due, and looks whether its
 * page is one of them.  When only half of the slots are left in use, and half
 * of those, more pages may have become free.
 */
#include "heap/thin.h"

#include "heap/guard.h"
#include "os/vm.h"

/* The first and last unit, in the slab, that slot `i` touches. */
static uint32_t first_unit(uint32_t slot_bytes, uint32_t i)
{
    return i * slot_bytes >> STA_UNIT_LOG2;
}

static uint32_t last_unit(uint32_t slot_bytes, uint32_t i)
{
    return ((i + 1) * slot_bytes - 1) >> STA_UNIT_LOG2;
}

/* The units that slot `i` touches, a bit each. */
static uint32_t units_of_slot(uint32_t slot_bytes, uint32_t i)
{
    uint32_t upto = (UINT32_C(2) << last_unit(slot_bytes, i)) - 1;
    return upto & (~UINT32_C(0) << first_unit(slot_bytes, i));
}

static uint32_t index_of(const struct sta_slab *s, const void *slot)
{
    uint32_t offset = (uint32_t)(uintptr_t)slot - s->start_low;
    return sta_slot_index(offset, s->reciprocal);
}

bool sta_slab_is_purged(const struct sta_slab *s, const void *slot)
{
    uint32_t units = units_of_slot(sta_class_bytes(s->list), index_of(s, slot));
    return (units & s->purged) != 0;
}

/* How many carved slots touch unit `u`, which is not purged, without those that
 * touch a purged one too: they are free, and on no list. */
static uint16_t slots_on(const struct sta_slab *s, uint32_t u)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    uint32_t carved = sta_slab_carved(s);
    uint32_t first = (u << STA_UNIT_LOG2) / slot_bytes;
    uint32_t end = (((u + 1) << STA_UNIT_LOG2) - 1) / slot_bytes + 1;
    end = end < carved ? end : carved;
    if (first >= end)
        return 0;
    uint32_t count = end - first;
    if (units_of_slot(slot_bytes, first) & s->purged)
        count--;
    if (end - 1 != first && (units_of_slot(slot_bytes, end - 1) & s->purged))
        count--;
    return (uint16_t)count;
}

/* The units on which no slot is in use; those behind the slots that were carved
 * may be there all the same, as part of a huge page. */
static uint32_t free_units(const struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    uint16_t used[STA_SLAB_UNITS_MAX] = {0}; /* slots in use on each unit */
    for (uint32_t u = 0; u < s->unit_count; u++)
        used[u] = (s->purged >> u & 1) != 0 ? 0 : slots_on(s, u);
    uint32_t walked = 0;
    for (const struct sta_slot *slot = s->free; slot != STA_SLOT_END;
         slot = sta_slot_next(slot)) {
        uint32_t i = index_of(s, slot);
        if (walked++ == sta_slab_carved(s))
            return 0; /* it runs in a ring: a slot was freed twice (bins.c) */
        if (!sta_slot_is_intact(slot)) {
            if (sta_options.check)
                sta_heap_die_of_write(slot);
            return 0;
        }
        for (uint32_t u = first_unit(slot_bytes, i);
             u <= last_unit(slot_bytes, i); u++)
            used[u]--;
    }
    uint32_t units = 0;
    for (uint32_t u = 0; u < s->unit_count; u++)
        units |= (uint32_t)(used[u] == 0) << u;
    return units;
}

/* Takes the slots that touch `units` off the slab's list. */
static void drop_slots(struct sta_slab *s, uint32_t units)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    struct sta_slot *kept = STA_SLOT_END;
    struct sta_slot *slot = s->free;
    while (slot != STA_SLOT_END) {
        struct sta_slot *next = sta_slot_next(slot);
        if ((units_of_slot(slot_bytes, index_of(s, slot)) & units) == 0) {
            sta_slot_link(slot, kept);
            kept = slot;
        }
        slot = next;
    }
    s->free = kept;
}

bool sta_slab_thin(struct sta_slab *s)
{
    uint32_t used = sta_slab_used(s);
    uint32_t units = free_units(s);
    uint32_t more = units & ~(uint32_t)s->purged;
    if (more == 0 || used == 0 || sta_guard_active()) /* fill must stay */
        return false;
    drop_slots(s, units);
    for (uint32_t u = 0; u < s->unit_count;) {
        uint32_t count = sta_low_ones64((uint64_t)more >> u);
        char *p = (char *)sta_slab_start(s) + ((size_t)u << STA_UNIT_LOG2);
        if (count && sta_vm_purge(p, (size_t)count << STA_UNIT_LOG2))
            sta_pages_note_purged(s, u, count);
        u += count + 1;
    }
    s->purged = (uint16_t)units;
    sta_slab_set_state(s, STA_SLAB_THIN);
    s->countdown = 1;
    s->excess = (uint16_t)(used - 1);
    return true;
}

void sta_slab_mark_rest(struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    uint32_t end = sta_slab_capacity(s) * slot_bytes;
    /* The map does not lead here from a page on which no slot starts. */
    if (end >> STA_UNIT_LOG2 != (end - slot_bytes) >> STA_UNIT_LOG2)
        return;
    struct sta_slot *rest = (void *)((char *)sta_slab_start(s) + end);
    sta_slot_link(rest, STA_SLOT_END);
}

void sta_slab_restore(struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    char *start = sta_slab_start(s);
    for (uint32_t i = sta_slab_carved(s); i-- > 0;) {
        if ((units_of_slot(slot_bytes, i) & s->purged) == 0)
            continue;
        struct sta_slot *slot = (void *)(start + (size_t)i * slot_bytes);
        sta_slot_link(slot, s->free);
        s->free = slot;
    }
    if (sta_slab_carved(s) == sta_slab_capacity(s))
        sta_slab_mark_rest(s);
    s->purged = 0;
}
