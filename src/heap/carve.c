/* SPDX-License-Identifier: MIT */
/*
 * New slabs: how large they are, and how their pages become slots.
 *
 * A bin's first slab is small and each further one twice as large, up to 64
 * KiB, so that a small program uses few pages and a large one few slabs.  The
 * slots are cut page by page, so that none is touched before it is needed.
 */
#include "heap/carve.h"

#include "heap/bins.h"
#include "heap/guard.h"
#include "heap/thin.h"

/* The fewest units that waste at most an eighth behind the last slot. */
static uint32_t least_units(uint32_t slot_bytes)
{
    uint32_t units = 1;
    while (units * STA_UNIT_BYTES < slot_bytes ||
           units * STA_UNIT_BYTES % slot_bytes * 8 > units * STA_UNIT_BYTES)
        units++;
    return units;
}

/*
 * Units of the `nth` slab of a bin: enough for sixteen slots, and doubled for
 * each slab that the bin has already.  A slab of fewer slots is due so often
 * that it costs more than the pages that it does not touch yet.
 */
static uint32_t slab_units(uint32_t slot_bytes, uint32_t nth)
{
    uint32_t most = sta_pages_at_most(STA_SLAB_UNITS_MAX, STA_SLAB_SHARE);
    uint32_t units = least_units(slot_bytes);
    while (units * 2 <= most &&
           units * STA_UNIT_BYTES < STA_FULL_SHARE * slot_bytes)
        units *= 2;
    while (nth-- > 0 && units * 2 <= most)
        units *= 2;
    return units;
}

/* Returns how many free slots are too few to make a full slab partial. */
static uint8_t few_of(uint32_t capacity)
{
    uint32_t few = capacity / STA_FULL_SHARE;
    return few < UINT8_MAX ? (uint8_t)few : UINT8_MAX;
}

struct sta_slab *sta_slab_new(struct sta_heap *h, uint32_t c)
{
    struct sta_span dirty;
    uint32_t slot_bytes = sta_class_bytes(c);
    uint32_t nth = h->bins[c].slab_count;
    uint32_t units = slab_units(slot_bytes, nth);
    uint32_t spare = h->spare_units;
    while (spare - h->spare_units < units && sta_bins_release_spare(h))
        ;
    struct sta_slab *s = sta_pages_alloc(units, 1, STA_SLAB_CURRENT, &dirty);
    if (s == NULL && units > least_units(slot_bytes)) {
        units = least_units(slot_bytes);
        s = sta_pages_alloc(units, 1, STA_SLAB_CURRENT, &dirty);
    }
    if (s == NULL)
        return NULL;
    s->reciprocal = sta_slot_reciprocal(slot_bytes);
    s->list = (uint8_t)c;
    s->few = few_of(sta_slab_capacity(s));
    sta_slab_set_owner(s, h, false);
    sta_slab_clear(s);
    sta_list_init(&s->link);
    h->bins[c].slab_count++;
    if (dirty.count < units)
        sta_heap_grew(h);
    return s;
}

/* Links `count` new slots at `at` to a list, and returns the first. */
static struct sta_slot *link_slots(char *at, uint32_t count,
                                   uint32_t slot_bytes)
{
    struct sta_slot *first = (struct sta_slot *)(void *)at;
    struct sta_slot *slot = first;
    for (uint32_t i = 1; i < count; i++) {
        struct sta_slot *next = (struct sta_slot *)(void *)(at += slot_bytes);
        sta_slot_link(slot, next);
        slot = next;
    }
    sta_slot_link(slot, STA_SLOT_END);
    return first;
}

void sta_slab_carve(struct sta_heap *h, struct sta_slab *s)
{
    uint32_t slot_bytes = sta_class_bytes(s->list);
    uint32_t at = sta_slab_carved(s) * slot_bytes;
    uint32_t unit = at >> STA_UNIT_LOG2;
    uint32_t room = ((unit + 1) << STA_UNIT_LOG2) - at;
    uint32_t count = (room + slot_bytes - 1) / slot_bytes;
    uint32_t left = sta_slab_capacity(s) - sta_slab_carved(s);
    if (count >= left) {
        count = left;
        sta_slab_mark_rest(s);
    }
    char *first = (char *)sta_slab_start(s) + at;
    s->free = sta_guard_active() ? sta_guard_carve(h, first, count, slot_bytes)
                                 : link_slots(first, count, slot_bytes);
    h->handed[s->list] += count;
    sta_slab_set_carved(s, sta_slab_carved(s) + count);
    sta_pages_map(s, unit);
}
