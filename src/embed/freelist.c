/* SPDX-License-Identifier: MIT */
/*
 * The free list in address order: the pieces of pieces.h, and a source.
 *
 * A span from the source is freed into the list like a block; when it happens
 * to continue the last one, both are one piece. Nothing remembers where spans
 * began, so that none can be given back.
 */
#include <stalloc/freelist.h>

#include "pieces.h"

void sta_freelist_init(struct sta_freelist *f, struct sta_source source,
                       size_t span_size)
{
    *f = (struct sta_freelist){.source = source,
                               .span_mask = span_mask(span_size)};
}

/* Frees a new span, in which the block fits, into the list. */
static inline bool add_span(struct sta_freelist *f, size_t size, size_t mask)
{
    size_t got = ((size + mask - 1) | f->span_mask) + 1;
    void *p = sta_source_get(&f->source, &got, GRANULE);

    if (!p)
        return false;
    /* Less what rounding up adds: an odd end is left out. */
    sta_freelist_free(f, p, got - (GRANULE - 1));
    return true;
}

void *sta_freelist_alloc(struct sta_freelist *f, size_t size, size_t align)
{
    size_t mask = align - 1;
    void *p;

    if (!is_request(size, mask))
        return NULL;
    size = round_up(size);
    mask &= ~(size_t)(GRANULE - 1);
    do
        p = take(&f->head.next, size, mask);
    while (!p && add_span(f, size, mask));
    return p;
}

void sta_freelist_free(struct sta_freelist *f, void *p, size_t size)
{
    if (p)
        give(&f->head, p, round_up(size));
}

bool sta_freelist_resize(struct sta_freelist *f, void *p, size_t size,
                         size_t new_size)
{
    return resize(&f->head, p, size, new_size);
}

void *sta_freelist_realloc(struct sta_freelist *f, void *p, size_t size,
                           size_t new_size, size_t align)
{
    struct sta_allocator a = sta_freelist_allocator(f);

    return sta_allocator_realloc(&a, p, size, new_size, align);
}

void sta_freelist_usage(const struct sta_freelist *f, struct sta_usage *usage)
{
    usage->capacity_bytes = STA_USAGE_UNKNOWN;
    usage->live_blocks = STA_USAGE_UNKNOWN;
    tell_pieces(f->head.next, usage);
}

enum sta_err sta_freelist_audit(const struct sta_freelist *f)
{
    return pieces_hold(&f->head) ? STA_OK : STA_ECORRUPT;
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_freelist_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)align;
    if (size)
        sta_freelist_free(ctx, p, size);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    return size && ((uintptr_t)p & (align - 1)) == 0 &&
           sta_freelist_resize(ctx, p, size, new_size);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    (void)ctx;
    return good_size(size);
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_freelist_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_freelist_audit(ctx);
}

struct sta_allocator sta_freelist_allocator(struct sta_freelist *f)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
    };

    return (struct sta_allocator){&ops, f};
}
