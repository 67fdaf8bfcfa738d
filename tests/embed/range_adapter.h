/* SPDX-License-Identifier: MIT */
/*
 * sta_range over memory, as an allocator: what a user would write to hand out
 * pointers, and how the conformance suite gets at it. Units of 16 bytes; the
 * node of each block stands in a table by its first unit.
 */
#ifndef TESTS_EMBED_RANGE_ADAPTER_H
#define TESTS_EMBED_RANGE_ADAPTER_H

#include <stalloc/allocator.h>
#include <stalloc/range.h>

enum { RANGE_UNIT = 16, RANGE_UNITS_MAX = 4096 };

static struct sta_range adapted;
static struct sta_range_node adapted_nodes[STA_RANGE_NODES(RANGE_UNITS_MAX)];
static uint32_t node_at[RANGE_UNITS_MAX];
static unsigned char *adapted_memory;

static uint32_t units(size_t size)
{
    return (uint32_t)((size - 1) / RANGE_UNIT + 1);
}

static struct sta_range_block block_at(const void *p)
{
    uint32_t unit =
        (uint32_t)((const unsigned char *)p - adapted_memory) / RANGE_UNIT;

    return (struct sta_range_block){unit, node_at[unit]};
}

static void *range_alloc(void *ctx, size_t size, size_t align)
{
    struct sta_range_block b;

    (void)ctx;
    if (!size || !align || (align & (align - 1)) ||
        size > RANGE_UNIT * RANGE_UNITS_MAX ||
        ((uintptr_t)adapted_memory & (align - 1)))
        return NULL;
    b = sta_range_alloc_aligned(
        &adapted, units(size),
        align > RANGE_UNIT ? (uint32_t)(align / RANGE_UNIT) : 1);
    if (sta_range_is_none(b))
        return NULL;
    node_at[b.offset] = b.node;
    return adapted_memory + (size_t)b.offset * RANGE_UNIT;
}

static void range_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)ctx, (void)size, (void)align;
    sta_range_free(&adapted, block_at(p));
}

static bool range_resize(void *ctx, void *p, size_t size, size_t new_size,
                         size_t align)
{
    (void)ctx, (void)size, (void)align;
    return new_size <= RANGE_UNIT * RANGE_UNITS_MAX &&
           sta_range_resize(&adapted, block_at(p), units(new_size), NULL) ==
               STA_OK;
}

static bool range_owns(const void *ctx, const void *p)
{
    (void)ctx;
    return (uintptr_t)p - (uintptr_t)adapted_memory <
           (size_t)sta_range_capacity(&adapted) * RANGE_UNIT;
}

static size_t range_usable_size(const void *ctx, const void *p)
{
    (void)ctx;
    return (size_t)sta_range_size(&adapted, block_at(p)) * RANGE_UNIT;
}

static enum sta_err range_audit(const void *ctx)
{
    (void)ctx;
    return sta_range_audit(&adapted);
}

static struct sta_allocator range_adapter(void *memory, size_t size)
{
    static const struct sta_allocator_ops ops = {
        .alloc = range_alloc,
        .free = range_free,
        .resize = range_resize,
        .owns = range_owns,
        .usable_size = range_usable_size,
        .audit = range_audit,
    };
    struct sta_allocator a = {&ops, &adapted};

    adapted_memory = memory;
    if (sta_range_init(&adapted, (uint32_t)(size / RANGE_UNIT), adapted_nodes,
                       STA_RANGE_NODES(RANGE_UNITS_MAX)) != STA_OK)
        a.ops = NULL;
    return a;
}

#endif
