/* SPDX-License-Identifier: MIT */
/* What a zone tells of itself, and it by the family's interface. */
#include <stalloc/zone.h>

#include "core/sizeclass.h"

void sta_zone_usage(const struct sta_zone *z, struct sta_usage *usage)
{
    *usage = (struct sta_usage){.capacity_bytes = z->large_bytes,
                                .live_blocks = z->large_count};
    for (uint32_t c = 0; c < z->class_count; c++) {
        struct sta_usage one;

        sta_slab_usage(&z->slabs[c], &one);
        usage->capacity_bytes += one.capacity_bytes;
        usage->free_bytes += one.free_bytes;
        usage->live_blocks += one.live_blocks;
        if (one.largest_free_bytes > usage->largest_free_bytes)
            usage->largest_free_bytes = one.largest_free_bytes;
    }
    usage->free_runs = STA_USAGE_UNKNOWN;
}

enum sta_err sta_zone_audit(const struct sta_zone *z)
{
    for (uint32_t c = 0; c < z->class_count; c++) {
        if (sta_slab_audit(&z->slabs[c]) != STA_OK)
            return STA_ECORRUPT;
        if (z->slabs[c].slot_bytes != sta_class_bytes(c))
            return STA_ECORRUPT;
    }
    return !z->large_count == !z->large_bytes ? STA_OK : STA_ECORRUPT;
}

void sta_zone_dump(const struct sta_zone *z, const struct sta_writer *out)
{
    for (uint32_t c = 0; c < z->class_count; c++)
        if (z->slabs[c].page_count)
            sta_slab_dump(&z->slabs[c], out);
    sta_writer_text(out, "large: ");
    sta_writer_number(out, z->large_count);
    sta_writer_text(out, " blocks, ");
    sta_writer_number(out, z->large_bytes);
    sta_writer_text(out, " bytes\n");
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_zone_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    sta_zone_free(ctx, p, size, align);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    return sta_zone_resize(ctx, p, size, new_size, align);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    return sta_zone_good_size(ctx, size, 1);
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_zone_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_zone_audit(ctx);
}

static void ops_dump(const void *ctx, const struct sta_writer *out)
{
    sta_zone_dump(ctx, out);
}

struct sta_allocator sta_zone_allocator(struct sta_zone *z)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
        .dump = ops_dump,
    };

    return (struct sta_allocator){&ops, z};
}
