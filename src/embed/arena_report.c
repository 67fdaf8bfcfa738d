/* SPDX-License-Identifier: MIT */
/* What an arena tells of itself, and the arena by the family's interface. */
#include "arena_parts.h"

#include "core/bits.h"

bool sta_arena_is_oom(const struct sta_arena *a)
{
    return a->list ? a->list->first == STA_ARENA_FULL
                   : sta_arena_index_free(a) == 0;
}

bool sta_arena_is_empty(const struct sta_arena *a)
{
    size_t count = 0;

    if (a->index)
        return sta_arena_index_live(a) == 0;
    /* The lowest run is the first the list comes to. */
    return sta_arena_list_next(a, 0, &count) == 0 && count == a->block_count;
}

size_t sta_arena_usable_size(const struct sta_arena *a, const void *p)
{
    uintptr_t offset = (uintptr_t)p - (uintptr_t)a->blocks;
    size_t i = (size_t)(offset >> a->block_log2);

    if (!a->index || i >= a->block_count || i << a->block_log2 != offset)
        return 0;
    return sta_arena_index_length(a, i) << a->block_log2;
}

size_t sta_arena_next_free(const struct sta_arena *a, size_t from,
                           size_t *count)
{
    return a->list ? sta_arena_list_next(a, from, count)
                   : sta_arena_index_next(a, from, count);
}

/* Goes from the free run at i, of *count blocks, to the next. In band a run
 * knows where that is; to look for each from the lowest takes seconds. */
static size_t step(const struct sta_arena *a, size_t i, size_t *count)
{
    return a->list ? sta_arena_list_behind(a, i, count)
                   : sta_arena_index_next(a, i + *count, count);
}

void sta_arena_usage(const struct sta_arena *a, struct sta_usage *usage)
{
    size_t runs = 0, blocks = 0, largest = 0;
    size_t count, i = sta_arena_next_free(a, 0, &count);

    for (; i != STA_ARENA_NONE; i = step(a, i, &count)) {
        runs++;
        blocks += count;
        largest = count > largest ? count : largest;
    }
    usage->capacity_bytes = a->block_count << a->block_log2;
    usage->free_bytes = blocks << a->block_log2;
    usage->largest_free_bytes = largest << a->block_log2;
    usage->free_runs = runs;
    usage->live_blocks = a->index ? sta_arena_index_live(a) : STA_USAGE_UNKNOWN;
}

enum sta_err sta_arena_audit(const struct sta_arena *a)
{
    return a->list ? sta_arena_list_audit(a) : sta_arena_index_audit(a);
}

void sta_arena_dump(const struct sta_arena *a, const struct sta_writer *out)
{
    size_t count, i = sta_arena_next_free(a, 0, &count);

    sta_writer_text(out, "arena of ");
    sta_writer_number(out, a->block_count);
    sta_writer_text(out, " blocks of ");
    sta_writer_number(out, (size_t)1 << a->block_log2);
    sta_writer_text(out, " bytes\n");
    if (sta_arena_is_oom(a))
        sta_writer_text(out, "  no free block\n");
    for (; i != STA_ARENA_NONE; i = step(a, i, &count)) {
        sta_writer_text(out, "  block ");
        sta_writer_number(out, i);
        sta_writer_text(out, ": ");
        sta_writer_number(out, count);
        sta_writer_text(out, " free\n");
    }
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_arena_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)align;
    sta_arena_free(ctx, p, size);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    return ((uintptr_t)p & (align - 1)) == 0 &&
           sta_arena_resize(ctx, p, size, new_size);
}

static bool ops_owns(const void *ctx, const void *p)
{
    return sta_arena_owns(ctx, p);
}

static size_t ops_usable_size(const void *ctx, const void *p)
{
    return sta_arena_usable_size(ctx, p);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    const struct sta_arena *a = ctx;
    size_t count = sta_arena_blocks(a, size);

    return count <= a->block_count ? count << a->block_log2 : 0;
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_arena_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_arena_audit(ctx);
}

static void ops_dump(const void *ctx, const struct sta_writer *out)
{
    sta_arena_dump(ctx, out);
}

static const struct sta_allocator_ops list_ops = {
    .alloc = ops_alloc,
    .free = ops_free,
    .resize = ops_resize,
    .owns = ops_owns,
    .good_size = ops_good_size,
    .usage = ops_usage,
    .audit = ops_audit,
    .dump = ops_dump,
};

static const struct sta_allocator_ops index_ops = {
    .alloc = ops_alloc,
    .free = ops_free,
    .resize = ops_resize,
    .owns = ops_owns,
    .usable_size = ops_usable_size,
    .good_size = ops_good_size,
    .usage = ops_usage,
    .audit = ops_audit,
    .dump = ops_dump,
};

struct sta_allocator sta_arena_allocator(struct sta_arena *a)
{
    return (struct sta_allocator){a->list ? &list_ops : &index_ops, a};
}
