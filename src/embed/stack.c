/* SPDX-License-Identifier: MIT */
/*
 * 64 units in a word of bits.
 *
 *     unit    0 1 2 3 4 5 6 7          bit 0 stands left
 *     used    1 1 1 0 0 1 1 0 ...      blocks of 2, 1 and 2 units
 *     start   1 0 1 0 0 1 0 0 ...
 *
 * A block ends where the next one starts or a unit is free. A run of n free
 * units is found in at most 6 steps on the whole word, and those that begin at
 * an aligned address by one more mask.
 *
 * Invariants:
 *   I1  start is a subset of used.
 *   I2  A used unit above a free one is a start.
 *
 * The word is that of stack_alloc, where it served to lower a stack's top; here
 * units are allocated from it, so that every hole is used again.
 */
#include <stalloc/stack.h>

#include "core/bits.h"

void sta_stack_init(struct sta_stack *s, void *memory, unsigned unit_log2)
{
    *s = (struct sta_stack){.base = memory,
                            .unit_log2 = (unsigned char)unit_log2};
}

/* Ones at the units whose address is a multiple of align. */
static uint64_t aligned_units(const struct sta_stack *s, size_t align)
{
    size_t unit = (size_t)1 << s->unit_log2;
    size_t gap = (size_t)(-(uintptr_t)s->base & (align - 1));
    size_t first = gap >> s->unit_log2;
    uint64_t ones;

    if (align <= unit) /* all alike */
        return gap == 0 ? ~UINT64_C(0) : 0;
    if ((gap & (unit - 1)) != 0 || first >= 64)
        return 0;
    ones = UINT64_C(1) << first;
    for (size_t step = align >> s->unit_log2; step < 64; step *= 2)
        ones |= ones << step;
    return ones;
}

/* The number of units for `size` bytes, or more than there are. */
static size_t units_for(const struct sta_stack *s, size_t size)
{
    return ((size - 1) >> s->unit_log2) + 1;
}

void *sta_stack_alloc(struct sta_stack *s, size_t size, size_t align)
{
    size_t count = units_for(s, size);
    uint64_t places;
    uint32_t first;

    if (size == 0 || count > 64 || !sta_is_power_of_two(align))
        return NULL;
    places = sta_starts_of_ones64(~s->used, (uint32_t)count) &
             aligned_units(s, align);
    if (places == 0)
        return NULL;
    first = sta_ctz64(places);
    s->used |= sta_ones64(first, first + (uint32_t)count);
    s->start |= UINT64_C(1) << first;
    return s->base + ((size_t)first << s->unit_log2);
}

/* The unit at which the block at p begins, or 64 when none does. */
static uint32_t start_at(const struct sta_stack *s, const void *p)
{
    uintptr_t offset = (uintptr_t)p - (uintptr_t)s->base;
    uintptr_t first = offset >> s->unit_log2;

    if (first >= 64 || first << s->unit_log2 != offset ||
        (s->start >> first & 1) == 0)
        return 64;
    return (uint32_t)first;
}

/* The unit behind the block that begins at unit `first`. */
static uint32_t end_of_block(const struct sta_stack *s, uint32_t first)
{
    uint64_t ends = s->start | ~s->used;

    if (first == 63)
        return 64;
    ends &= sta_ones64(first + 1, 64);
    return ends != 0 ? sta_ctz64(ends) : 64;
}

size_t sta_stack_usable_size(const struct sta_stack *s, const void *p)
{
    uint32_t first = start_at(s, p);

    return first == 64
               ? 0
               : (size_t)(end_of_block(s, first) - first) << s->unit_log2;
}

size_t sta_stack_free(struct sta_stack *s, void *p)
{
    uint32_t first = start_at(s, p);
    uint32_t end;

    if (first == 64)
        return 0;
    end = end_of_block(s, first);
    s->used &= ~sta_ones64(first, end);
    s->start &= ~(UINT64_C(1) << first);
    return (size_t)(end - first) << s->unit_log2;
}

bool sta_stack_resize(struct sta_stack *s, void *p, size_t new_size)
{
    uint32_t first = start_at(s, p);
    size_t count = units_for(s, new_size);
    uint32_t end, new_end;
    uint64_t change;

    if (first == 64 || new_size == 0 || count > 64 - first)
        return false;
    end = end_of_block(s, first);
    new_end = first + (uint32_t)count;
    if (new_end < end) {
        s->used &= ~sta_ones64(new_end, end);
    } else if (new_end > end) {
        change = sta_ones64(end, new_end);
        if ((s->used & change) != 0)
            return false;
        s->used |= change;
    }
    return true;
}

unsigned sta_stack_longest(const struct sta_stack *s)
{
    return sta_longest_ones64(~s->used);
}

void sta_stack_usage(const struct sta_stack *s, struct sta_usage *usage)
{
    uint64_t unused = ~s->used;

    usage->capacity_bytes = (size_t)64 << s->unit_log2;
    usage->free_bytes = (size_t)sta_popcount64(unused) << s->unit_log2;
    usage->largest_free_bytes = (size_t)sta_stack_longest(s) << s->unit_log2;
    usage->free_runs = sta_popcount64(unused & ~(unused << 1));
    usage->live_blocks = sta_popcount64(s->start);
}

enum sta_err sta_stack_audit(const struct sta_stack *s)
{
    uint64_t lowest = s->used & ~(s->used << 1); /* above a free unit */

    if ((s->start & ~s->used) != 0 || (lowest & ~s->start) != 0)
        return STA_ECORRUPT; /* I1, I2 */
    return STA_OK;
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_stack_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)size, (void)align;
    sta_stack_free(ctx, p);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    (void)size;
    return ((uintptr_t)p & (align - 1)) == 0 &&
           sta_stack_resize(ctx, p, new_size);
}

static bool ops_owns(const void *ctx, const void *p)
{
    return sta_stack_owns(ctx, p);
}

static size_t ops_usable_size(const void *ctx, const void *p)
{
    return sta_stack_usable_size(ctx, p);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    const struct sta_stack *s = ctx;
    size_t count = units_for(s, size);

    return count <= 64 ? count << s->unit_log2 : 0;
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_stack_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_stack_audit(ctx);
}

struct sta_allocator sta_stack_allocator(struct sta_stack *s)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .owns = ops_owns,
        .usable_size = ops_usable_size,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
    };

    return (struct sta_allocator){&ops, s};
}
