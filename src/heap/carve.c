/* SPDX-License-Identifier: MIT */
/*
 * New slabs: how large they are, and how their pages become slots.
 *
 * A bin's first slab is small and each further one twice as large, up to 64
 * KiB, so that a small program uses few pages and a large one few slabs.  The
 * slots are cut page by page, so that none is touched before it is needed.
 *
 * Nor is a page that the system has yet to provide touched here: malloc hands
 * out the first slot that starts there as it is, and cuts the others the next
 * time, when the program has most likely had its page fault.  Until then the
 * map does not lead to that page, as free() would take them for live objects;
 * who frees the first one finds its slab by the page in front (region.c).  So
 * the first page of a slab is cut at once, unless one slot takes it all.
 */
#include "heap/carve.h"

#include "heap/bins.h"
#include "heap/guard.h"
#include "heap/thin.h"
#include "heap/trim.h"

/* True when at most an eighth of so many units is wasted behind the last slot.
 */
static bool suits(uint32_t slot_bytes, uint32_t units)
{
    uint32_t bytes = units * STA_UNIT_BYTES;
    return bytes >= slot_bytes && bytes % slot_bytes * 8 <= bytes;
}

/* The fewest units that do. */
static uint32_t least_units(uint32_t slot_bytes)
{
    uint32_t units = 1;
    while (!suits(slot_bytes, units))
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

/*
 * Takes an empty slab that another bin left, of as many units, else of half to
 * twice as many; NULL: there is none.  Its pages stay where they are, and
 * malloc has no way to go through the arena, which takes twice as long.
 */
static struct sta_slab *recut(struct sta_heap *h, uint32_t slot_bytes,
                              uint32_t units)
{
    uint32_t near = 0;
    if (sta_list_empty(&h->spare) || sta_guard_active())
        return NULL;
    for (uint32_t n = (units + 1) / 2; n <= 2 * units; n++)
        if (n <= STA_SLAB_UNITS_MAX && suits(slot_bytes, n))
            near |= UINT32_C(1) << n;
    struct sta_slab *s = sta_bins_take_spare(h, UINT32_C(1) << units);
    if (s == NULL)
        s = sta_bins_take_spare(h, near);
    if (s == NULL)
        return NULL;
    sta_slab_unmap(s);
    sta_slab_set_carved(s, 0);
    sta_slab_set_state(s, STA_SLAB_CURRENT);
    return s;
}

/* Takes a slab from the arena, where two of the empty ones go for it. */
static struct sta_slab *from_arena(struct sta_heap *h, uint32_t slot_bytes,
                                   uint32_t units, struct sta_span *dirty)
{
    uint32_t least = least_units(slot_bytes);
    if (sta_bins_release_spare(h))
        sta_bins_release_spare(h);
    struct sta_slab *s = sta_pages_alloc(units, 1, STA_SLAB_CURRENT, h, dirty);
    return s == NULL && units > least
               ? sta_pages_alloc(least, 1, STA_SLAB_CURRENT, h, dirty)
               : s;
}

/* The units that the system has yet to provide when they are touched first, a
 * bit each. */
static uint16_t fresh_units(const struct sta_slab *s,
                            const struct sta_span *dirty)
{
    uint32_t none = (UINT32_C(1) << dirty->count) - 1;
    if (sta_options.prefault || sta_options.mlock)
        return 0;
    return (uint16_t)(((UINT32_C(1) << s->unit_count) - 1) &
                      ~(none << dirty->first));
}

struct sta_slab *sta_slab_new(struct sta_heap *h, uint32_t c)
{
    uint32_t slot_bytes = sta_class_size[c];
    uint32_t units = slab_units(slot_bytes, h->bins[c].slab_count);
    struct sta_span dirty = {0, STA_SLAB_UNITS_MAX};
    struct sta_slab *s = recut(h, slot_bytes, units);
    if (s == NULL)
        s = from_arena(h, slot_bytes, units, &dirty);
    if (s == NULL)
        return NULL;
    s->reciprocal = sta_slot_reciprocal(slot_bytes);
    s->size_class = (uint8_t)c;
    s->few = few_of(sta_slab_capacity(s));
    atomic_store_explicit(&s->stayed, false, memory_order_relaxed);
    sta_slab_set_owner(s, h, false);
    sta_bin_gain(h, s);
    sta_slab_clear(s);
    sta_list_init(&s->link);
    if (dirty.count < s->unit_count) {
        s->fresh = fresh_units(s, &dirty);
        sta_heap_grew(h);
    }
    return s;
}

/* Links `count` new slots at `at` in front of a list, and returns the first. */
static struct sta_slot *link_slots(char *at, uint32_t count,
                                   uint32_t slot_bytes, struct sta_slot *list)
{
    struct sta_slot *first = (struct sta_slot *)(void *)at;
    struct sta_slot *slot = first;
    for (uint32_t i = 1; i < count; i++) {
        struct sta_slot *next = (struct sta_slot *)(void *)(at += slot_bytes);
        sta_slot_link(slot, next);
        slot = next;
    }
    sta_slot_link(slot, list);
    return first;
}

/* The next slots to be cut: those that start on one unit. */
struct piece {
    char *at;
    uint32_t unit, count;
    uint32_t left; /* of the slab, these included */
};

static struct piece next_piece(const struct sta_slab *s)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    uint32_t at = sta_slab_carved(s) * slot_bytes;
    uint32_t unit = at >> STA_UNIT_LOG2;
    uint32_t room = ((unit + 1) << STA_UNIT_LOG2) - at;
    uint32_t count = (room + slot_bytes - 1) / slot_bytes;
    uint32_t left = sta_slab_capacity(s) - sta_slab_carved(s);
    return (struct piece){(char *)sta_slab_start(s) + at, unit,
                          count < left ? count : left, left};
}

static void count_carved(struct sta_heap *h, struct sta_slab *s, uint32_t count)
{
    h->handed[s->size_class] += count;
    sta_slab_set_carved(s, sta_slab_carved(s) + count);
}

/* Puts slots on the list of a current slab. */
static void cut(struct sta_heap *h, struct sta_slab *s, struct piece next)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    if (next.count == next.left)
        sta_slab_mark_rest(s);
    s->free = sta_guard_active()
                  ? sta_guard_carve(h, next.at, next.count, slot_bytes)
                  : link_slots(next.at, next.count, slot_bytes, s->free);
    count_carved(h, s, next.count);
    sta_slab_map(s, next.unit);
}

/* True when the first of these slots may be handed out as it is.  Behind the
 * last one of a slab something is written. */
static bool is_fresh(const struct sta_slab *s, struct piece next)
{
    return (s->fresh >> next.unit & 1) != 0 && next.left != 1 &&
           (next.unit != 0 || next.count == 1) && !sta_guard_active();
}

struct sta_slot *sta_slab_carve(struct sta_heap *h, struct sta_slab *s)
{
    struct piece next = next_piece(s);
    bool fresh = is_fresh(s, next);
    s->fresh &= (uint16_t) ~(1u << next.unit);
    if (!fresh) {
        cut(h, s, next);
        return sta_slot_pop(&s->free);
    }
    count_carved(h, s, 1);
    if (next.count == 1)
        sta_slab_map(s, next.unit);
    return (struct sta_slot *)(void *)next.at;
}

bool sta_slab_is_half_cut(const struct sta_slab *s)
{
    uint32_t slot_bytes = sta_slab_slot_bytes(s);
    uint32_t at = sta_slab_carved(s) * slot_bytes;
    return at % STA_UNIT_BYTES >= slot_bytes &&
           sta_slab_carved(s) < sta_slab_capacity(s);
}

void sta_slab_complete(struct sta_heap *h, struct sta_slab *s)
{
    if (sta_slab_state(s) == STA_SLAB_CURRENT && sta_slab_is_half_cut(s))
        cut(h, s, next_piece(s));
}
