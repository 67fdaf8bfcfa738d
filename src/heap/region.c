/* SPDX-License-Identifier: MIT */
/*
 * Reservations: made, laid out, committed step by step.
 *
 *     reservation                                          base (aligned)
 *     | index, bits, heaps  | map         | descriptors   | units         |
 *     | committed           | committed --> | committed --> | committed --> |
 *
 * Everything is reserved at once without access, so that it costs nothing
 * until it is used, and committed from the left as the heap grows: mlockall,
 * fork, a core dump and strict overcommit see only what is in use.  The map can
 * be read everywhere: an address that was never handed out has no object.  The
 * index and the bits (5 to 6 a unit) are committed whole, as they are addressed
 * by level; they are touched page by page all the same.  Each of their nine
 * parts begins on a page of its own: so there is a small set of them in front,
 * on one page and, for the seams, a part of a second, which serves until the
 * heap has 32 MiB.
 */
#include "heap/region.h"

#include <string.h>

#include "core/annotate.h"
#include "core/bits.h"
#include "heap/descriptors.h"
#include "heap/options.h"
#include "heap/seams.h"
#include "heap/watched.h"
#include "os/die.h"
#include "os/vm.h"

STA_SPARSE struct sta_region sta_regions[STA_REGIONS_MAX];
uint32_t sta_region_count;

enum {
    MAP_PER_STEP = STA_META_STEP / (int)sizeof(uint32_t),

    /* Units, 32 MiB, whose index and bits but for the seams fit a page. */
    FRONT_UNITS = 8192
};

/* Lays out, from `at` on, what tells the free units, the stale ones, the unused
 * descriptors and the seams of so many units; returns the bytes. */
static size_t lay_out(struct sta_region *r, uintptr_t at, size_t units)
{
    size_t words = units / 64 + 1; /* of the bits of descriptors */
    size_t index = sta_round_up(sta_runs_index_bytes((uint32_t)units), 64);
    size_t asked = sta_round_up(index + units / 8 + 1, 8);
    size_t unused = sta_round_up(asked + units / STA_HUGE_UNITS / 8 + 8, 8);
    r->table_units = (uint32_t)units;
    r->stale.bits = (uint64_t *)(at + index);
    r->stale.huge.asked = (uint64_t *)(at + asked);
    r->unused.bits = (uint64_t *)(at + unused);
    r->unused.words = r->unused.bits + words;
    r->unused.touched = r->unused.words + words / 64 + 1;
    r->unused.taker = (uint16_t *)(r->unused.touched + words / 64 + 1);
    size_t seams = unused + (words + 2 * (words / 64 + 1)) * sizeof(uint64_t) +
                   words * sizeof(uint16_t);
    seams = sta_round_up(seams, 8);
    r->seams.bits = (uint64_t *)(at + seams);
    return seams + words * sizeof(uint64_t);
}

/* Moves all that from the front to where there is room for every unit. */
static void spread(struct sta_region *r)
{
    const struct sta_region front = *r;
    size_t words = FRONT_UNITS / 64 + 1;
    size_t rest = (words / 64 + 1) * sizeof(uint64_t);
    lay_out(r, (uintptr_t)r->index, r->bytes >> STA_UNIT_LOG2);
    sta_runs_move(&r->runs, r->index, r->table_units);
    memcpy(r->stale.bits, front.stale.bits, FRONT_UNITS / 8);
    memcpy(r->stale.huge.asked, front.stale.huge.asked, sizeof(uint64_t));
    memcpy(r->unused.bits, front.unused.bits, words * sizeof(uint64_t));
    memcpy(r->unused.words, front.unused.words, rest);
    memcpy(r->unused.touched, front.unused.touched, rest);
    memcpy(r->unused.taker, front.unused.taker, words * sizeof(uint16_t));
    memcpy(r->seams.bits, front.seams.bits, words * sizeof(uint64_t));
}

/* Commits map entries for units below `units`. */
static bool commit_map(struct sta_region *r, uint32_t units)
{
    if (units <= r->map_units)
        return true;
    size_t entries = sta_round_up(units, MAP_PER_STEP);
    if (!sta_vm_commit(r->map + r->map_units,
                       (entries - r->map_units) * sizeof *r->map))
        return false;
    r->map_units = (uint32_t)entries;
    return true;
}

static void *address_of(const struct sta_region *r, uint32_t unit)
{
    return (char *)r->base + ((size_t)unit << STA_UNIT_LOG2);
}

/* Makes `units` more of the reservation usable. */
static bool commit_units(struct sta_region *r, uint32_t units)
{
    size_t span = (size_t)sta_region_units(r) << STA_UNIT_LOG2;
    size_t bytes = (size_t)units << STA_UNIT_LOG2;
    if (!commit_map(r, sta_region_units(r) + units))
        return false;
    if (sta_region_units(r) + units > r->table_units)
        spread(r);
    void *p = (void *)(r->base + span);
    if (sta_options.closed) { /* committed as they are allocated */
        /* What the system will refuse then is not worth the tables. */
        if (span == 0 && !(sta_vm_commit(p, bytes) && sta_vm_close(p, bytes)))
            return false;
        sta_runs_extend(&r->runs, units);
        return true;
    }
    if (!sta_vm_commit(p, bytes))
        return false;
    sta_note_close(p, bytes);
    /* No huge pages while small, for kernels that hand them out unasked. */
    if (span < STA_HUGE_BYTES && span + bytes >= STA_HUGE_BYTES)
        sta_vm_huge((void *)r->base, r->bytes, false);
    sta_runs_extend(&r->runs, units);
    bool thin = sta_options.huge && span + bytes > STA_HUGE_FROM &&
                !STA_WATCHED && sta_huge_is_thin(r);
    sta_huge_commit(&r->stale.huge, sta_region_units(r), thin);
    return true;
}

bool sta_region_extend(struct sta_region *r, uint32_t units)
{
    uint32_t room = (uint32_t)(r->bytes >> STA_UNIT_LOG2) - sta_region_units(r);
    if (units > room)
        return false;
    size_t span = (size_t)sta_region_units(r) << STA_UNIT_LOG2;
    size_t ahead = span;
    ahead = ahead < STA_COMMIT_LEAST ? STA_COMMIT_LEAST : ahead;
    ahead = ahead > STA_COMMIT_MOST ? STA_COMMIT_MOST : ahead;
    size_t least = (size_t)units << STA_UNIT_LOG2;
    size_t step = sta_round_up(least > ahead ? least : ahead, STA_META_STEP);
    if (span + step > STA_HUGE_FROM) /* whole huge pages from there on */
        step = sta_round_up(span + step, STA_HUGE_BYTES) - span;
    size_t step_units = step >> STA_UNIT_LOG2;
    if (step_units > room)
        step_units = room;
    if (commit_units(r, (uint32_t)step_units))
        return true;
    /* Strict overcommit may have room for what is needed, if not for more. */
    step_units = sta_round_up(least, STA_META_STEP) >> STA_UNIT_LOG2;
    return step_units <= room && commit_units(r, (uint32_t)step_units);
}

/* Closes all that is free, and the guards in front of it, so that what was
 * divided there is one mapping again. */
static void close_free(const struct sta_region *r)
{
    uint32_t count;
    uint32_t first = sta_runs_next(&r->runs, 0, &count);
    for (; first != STA_RUNS_NONE;
         first = sta_runs_next(&r->runs, first + count, &count)) {
        uint32_t guards = first != 0 ? sta_options.guard_units : 0;
        size_t bytes = (size_t)(count + guards) << STA_UNIT_LOG2;
        sta_vm_close(address_of(r, first - guards), bytes);
    }
}

/*
 * True while closed pages may divide the regions further.  When there were too
 * many runs for that, nothing that is freed is closed until few are left: one
 * by one, what merges in the end would be divided first.
 */
static bool may_divide(void)
{
    static bool too_many; /* sta_pages_lock */
    size_t runs = 0;
    for (uint32_t i = 0; i < sta_region_count; i++)
        runs += sta_regions[i].slab_used - sta_regions[i].unused.count;
    if (runs >= sta_options.apart_most) {
        too_many = true;
    } else if (too_many && runs < sta_options.apart_most / STA_APART_AGAIN) {
        too_many = false;
        for (uint32_t i = 0; i < sta_region_count; i++)
            close_free(&sta_regions[i]);
    }
    return !too_many;
}

/* Returns the last unit in front of one that is in use, or 0. */
static uint32_t used_in_front(const struct sta_region *r, uint32_t unit)
{
    while (unit != 0) {
        uint32_t base = (unit - 1) & ~UINT32_C(63);
        uint64_t used =
            ~sta_runs_free_bits(&r->runs, base) & sta_ones64(0, unit - base);
        if (used != 0)
            return base + sta_log2(used);
        unit = base;
    }
    return 0;
}

static bool open_from(const struct sta_region *r, uint32_t first, uint32_t end)
{
    size_t bytes = (size_t)(end - first) << STA_UNIT_LOG2;
    return sta_vm_commit(address_of(r, first), bytes);
}

bool sta_region_open(struct sta_region *r, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;
    if (!sta_options.closed || (may_divide() && open_from(r, first, end)))
        return true;
    /* With what is in front, up to a run or its guard, it needs no mapping of
     * its own; but that may be more than the system gives. */
    return open_from(r, used_in_front(r, first), end) ||
           open_from(r, first, end);
}

enum sta_closed sta_region_close(struct sta_region *r, uint32_t first,
                                 uint32_t count)
{
    void *p = address_of(r, first);
    size_t all = (size_t)count + sta_options.guard_units;
    size_t bytes = all << STA_UNIT_LOG2;
    if (!sta_options.closed)
        return STA_CLOSED_NOT;
    bool closed = may_divide() && sta_vm_close(p, bytes);
    if (!closed && !sta_vm_purge(p, bytes))
        return STA_CLOSED_NOT;
    r->stale.purged += count;
    r->stale.calls++;
    if (closed)
        sta_seams_close(r, first, (uint32_t)all);
    return closed ? STA_CLOSED : STA_CLOSED_PURGED;
}

/* The slab that a slot is of; the map may not lead to it, but to the unit in
 * front (I4 of slab.h). */
static struct sta_slab *slab_at(const struct sta_region *r, uintptr_t offset,
                                const void *p)
{
    struct sta_slab *s = sta_region_at(r, offset);
    if (s != r->slabs)
        return s;
    for (size_t back = STA_UNIT_BYTES;
         s == r->slabs && back <= offset && back < STA_SLAB_BYTES_MAX;
         back += STA_UNIT_BYTES)
        s = sta_region_at(r, offset - back);
    return sta_slab_is_start(s, p) ? s : r->slabs;
}

struct sta_slab *sta_slab_of_elsewhere(const void *p)
{
    for (uint32_t i = 0; i < STA_REGIONS_MAX && sta_regions[i].base; i++) {
        const struct sta_region *r = &sta_regions[i];
        uintptr_t offset = (uintptr_t)p - r->base;
        if (offset < r->bytes)
            return slab_at(r, offset, p);
    }
    return NULL;
}

void sta_region_release(struct sta_region *r)
{
    r->bytes = 0;
    sta_huge_release(&r->stale.huge);
    sta_seams_release(r);
    sta_vm_release(r->reservation, r->reservation_bytes);
    memset(r, 0, sizeof *r);
}

/* Where the map and the descriptors of so many units end. */
static char *map_end(const struct sta_region *r, size_t units)
{
    return (char *)r->map + sta_round_up(units * sizeof *r->map, STA_META_STEP);
}

static char *slabs_end(const struct sta_region *r, size_t units)
{
    size_t count = units + 1 > r->slab_ready ? units + 1 : r->slab_ready;
    return (char *)r->slabs +
           sta_round_up(count * sizeof *r->slabs, STA_META_STEP);
}

/* Gives back the tables of all but so many units.  Of the first region only:
 * others go as a whole, and somebody else may map something in between. */
static void cut_tables(struct sta_region *r, size_t before, size_t units)
{
    char *map = map_end(r, units);
    char *slabs = slabs_end(r, units);
    size_t map_bytes = (size_t)(map_end(r, before) - map);
    size_t slabs_bytes = (size_t)(slabs_end(r, before) - slabs);
    if (map_bytes != 0)
        sta_vm_release(map, map_bytes);
    if (slabs_bytes != 0)
        sta_vm_release(slabs, slabs_bytes);
    r->hole_bytes += map_bytes + slabs_bytes;
    if (r->table_units > units)
        r->table_units = (uint32_t)units;
}

size_t sta_region_cut_tail(struct sta_region *r, size_t bytes)
{
    size_t before = r->bytes;
    size_t least = (size_t)sta_region_units(r) << STA_UNIT_LOG2;
    size_t left = before - least < bytes ? least : before - bytes;
    left = sta_round_up(left, STA_META_STEP);
    if (left >= before)
        return 0;
    /* Who reads it without the lock asks for an object, and none is there. */
    r->bytes = left;
    char *end = (char *)r->base + left;
    size_t rest = r->reservation_bytes - (size_t)(end - (char *)r->reservation);
    r->reservation_bytes -= rest;
    sta_vm_release(end, rest);
    if (r == sta_regions)
        cut_tables(r, before >> STA_UNIT_LOG2, left >> STA_UNIT_LOG2);
    return before - left;
}

/*
 * Reserves addresses of which the one at `offset` is aligned.  What it took to
 * have it aligned goes back where addresses are scarce; elsewhere that would be
 * two system calls for nothing.
 */
static char *reserve(struct sta_region *r, size_t bytes, size_t align,
                     size_t offset, bool scarce)
{
    char *p = sta_vm_reserve(bytes + align);
    if (p == NULL)
        return NULL;
    memset(r, 0, sizeof *r);
    r->reservation = p;
    r->reservation_bytes = bytes + align;
    uintptr_t at = (uintptr_t)p + offset;
    size_t skip = sta_round_up(at, align) - at;
    if (scarce) {
        r->reservation = p + skip;
        r->reservation_bytes = bytes;
        if (skip != 0)
            sta_vm_release(p, skip);
        sta_vm_release(p + skip + bytes, align - skip);
    }
    return p + skip;
}

bool sta_region_init(struct sta_region *r, size_t bytes, bool scarce)
{
    bool whole = sta_options.arena_bytes != 0;
    size_t units = bytes >> STA_UNIT_LOG2;
    size_t own = r == sta_regions ? (size_t)STA_OWN_UNITS << STA_UNIT_LOG2 : 0;
    bool front = !whole && units > FRONT_UNITS;
    size_t first_units = front ? FRONT_UNITS : units;
    size_t index = sta_round_up(lay_out(r, 0, first_units), 64);
    size_t rest = front ? lay_out(r, 0, units) : 0;
    size_t bits = sta_round_up(index + rest, STA_META_STEP) + own;
    size_t map = sta_round_up(units * sizeof *r->map, STA_META_STEP);
    size_t slabs = sta_round_up((units + 1) * sizeof *r->slabs, STA_META_STEP);
    size_t align = bytes >= STA_HUGE_FROM ? STA_HUGE_BYTES : STA_META_STEP;
    char *p =
        reserve(r, bits + map + slabs + sta_round_up(bytes, STA_META_STEP),
                align, bits + map + slabs, scarce);
    if (p == NULL)
        return false;
    r->index = front ? p + index : p;
    r->own = p + bits - own;
    lay_out(r, (uintptr_t)p, first_units);
    r->map = (_Atomic uint32_t *)(void *)(p + bits);
    r->slabs = (struct sta_slab *)(void *)(p + bits + map);
    r->slab_used = 1;
    r->base = (uintptr_t)p + bits + map + slabs;
    r->bytes = bytes; /* behind the base: others look without a lock */
    /* The first step of the map goes with the bits in front of it. */
    r->map_units = map > STA_META_STEP ? MAP_PER_STEP : 0;
    size_t first = r->map_units * sizeof *r->map;
    r->stale.base = r->base;
    r->stale.runs = &r->runs;
    r->stale.huge.base = r->base;
    if (sta_vm_commit(p, bits + first) &&
        sta_vm_commit_zero(r->map + r->map_units, map - first)) {
        sta_runs_init(&r->runs, p, r->table_units);
        sta_runs_set_phase(&r->runs, /* an address may be aligned further */
                           (uint32_t)(r->base >> STA_UNIT_LOG2) & INT32_MAX);
        if (sta_descriptors_commit(r, whole ? (uint32_t)units + 1 : 1) &&
            (!whole || commit_units(r, (uint32_t)units))) {
            r->slabs[0].size_class = STA_CLASS_COUNT; /* that of no size */
            return true;
        }
    }
    sta_region_release(r);
    return false;
}

void sta_region_prefault(const struct sta_region *r)
{
    char *end = (char *)r->base + r->bytes;
    char *parts[][2] = {
        {(char *)r->index, (char *)r->map},
        {(char *)r->map, (char *)(r->map + r->map_units)},
        {(char *)r->slabs, (char *)(r->slabs + r->slab_ready)},
        {(char *)r->base, end},
    };
    bool locked = true;
    sta_note_hush();
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t bytes = (size_t)(parts[i][1] - parts[i][0]);
        if (sta_options.mlock)
            locked = sta_vm_lock(parts[i][0], bytes) && locked;
        if (sta_options.prefault)
            sta_vm_touch(parts[i][0], bytes);
    }
    sta_note_speak();
    if (!locked)
        sta_warn("STALLOC_MLOCK: the system refused to lock %B in memory; "
                 "raise RLIMIT_MEMLOCK (ulimit -l)",
                 (size_t)(end - (char *)r->reservation));
}
