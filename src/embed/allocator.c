/* SPDX-License-Identifier: MIT */
/*
 * What can be said of any allocator once its table is known: zeroing, moving,
 * and an answer for each entry that a table leaves out.
 *
 * Moving keeps the order allocate, copy, free, so that a failure leaves the old
 * block as it was, and copies the smaller of the two sizes: a block that
 * shrinks into a tighter place must not run over its new neighbour. Of the
 * allocators only sta_arena has a move of its own, which the calls through a
 * table would make a fifth slower (fast_vectors of bench/seed_stalloc).
 */
#include <stalloc/allocator.h>

void *sta_allocator_zalloc(const struct sta_allocator *a, size_t size,
                           size_t align)
{
    void *p = sta_allocator_alloc(a, size, align);

    if (p)
        __builtin_memset(p, 0, size);
    return p;
}

/* The size that may be copied from p, told or asked. */
static size_t known_size(const struct sta_allocator *a, const void *p,
                         size_t size)
{
    if (size == STA_SIZE_UNKNOWN && a->ops->usable_size)
        return a->ops->usable_size(a->ctx, p);
    return size;
}

void *sta_allocator_realloc(const struct sta_allocator *a, void *p, size_t size,
                            size_t new_size, size_t align)
{
    size_t old_size;
    void *moved;

    if (!p)
        return sta_allocator_alloc(a, new_size, align);
    old_size = known_size(a, p, size);
    if (old_size == 0)
        return NULL; /* neither told nor known: it would lose the contents */
    if (sta_allocator_resize(a, p, size, new_size, align))
        return p;
    moved = sta_allocator_alloc(a, new_size, align);
    if (!moved)
        return NULL;
    __builtin_memcpy(moved, p, old_size < new_size ? old_size : new_size);
    sta_allocator_free(a, p, size, align);
    return moved;
}

void *sta_allocator_zrealloc(const struct sta_allocator *a, void *p,
                             size_t size, size_t new_size, size_t align)
{
    size_t old_size = p ? known_size(a, p, size) : 0;
    unsigned char *q = sta_allocator_realloc(a, p, size, new_size, align);

    if (q && new_size > old_size)
        __builtin_memset(q + old_size, 0, new_size - old_size);
    return q;
}

bool sta_allocator_owns(const struct sta_allocator *a, const void *p)
{
    return a->ops->owns && a->ops->owns(a->ctx, p);
}

size_t sta_allocator_good_size(const struct sta_allocator *a, size_t size)
{
    return a->ops->good_size ? a->ops->good_size(a->ctx, size) : size;
}

struct sta_usage sta_allocator_usage(const struct sta_allocator *a)
{
    struct sta_usage usage = {
        .capacity_bytes = STA_USAGE_UNKNOWN,
        .free_bytes = STA_USAGE_UNKNOWN,
        .largest_free_bytes = STA_USAGE_UNKNOWN,
        .free_runs = STA_USAGE_UNKNOWN,
        .live_blocks = STA_USAGE_UNKNOWN,
    };

    if (a->ops->usage)
        a->ops->usage(a->ctx, &usage);
    return usage;
}

enum sta_err sta_allocator_audit(const struct sta_allocator *a)
{
    return a->ops->audit ? a->ops->audit(a->ctx) : STA_OK;
}

/* One line of the figures that are known. */
static void dump_figure(const struct sta_writer *out, const char *name,
                        size_t figure)
{
    if (figure == STA_USAGE_UNKNOWN)
        return;
    sta_writer_text(out, name);
    sta_writer_text(out, ": ");
    sta_writer_number(out, figure);
    sta_writer_text(out, "\n");
}

void sta_allocator_dump(const struct sta_allocator *a,
                        const struct sta_writer *out)
{
    struct sta_usage usage;

    if (a->ops->dump) {
        a->ops->dump(a->ctx, out);
        return;
    }
    usage = sta_allocator_usage(a);
    dump_figure(out, "capacity bytes", usage.capacity_bytes);
    dump_figure(out, "free bytes", usage.free_bytes);
    dump_figure(out, "largest free bytes", usage.largest_free_bytes);
    dump_figure(out, "free runs", usage.free_runs);
    dump_figure(out, "live blocks", usage.live_blocks);
}
