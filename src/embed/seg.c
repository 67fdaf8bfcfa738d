/* SPDX-License-Identifier: MIT */
/*
 * Bins of free blocks by power of two: written to be small, then to be fast.
 *
 * Bin k holds free blocks of GRANULE << k bytes, the last freed first. A block
 * goes to the bin of its own size and alignment, the larger of both, which is
 * where an allocation of the same size and alignment looks. A block in a bin is
 * aligned to a granule and perhaps to more; the first one that is aligned as
 * asked is taken. A fresh one in its place, whenever the first in the bin will
 * not do, could be asked for without end: two blocks of a size, freed in turn,
 * of which one must be aligned, would use up any source.
 *
 * What lies in front of an aligned fresh block, and what a span has left when
 * the next one is needed, is cut into powers of two for the bins, the smallest
 * first: so that those in front are each aligned to their size. A span ends
 * with a header, one granule, by which reset finds it. Spans need not be
 * neighbours.
 */
#include <stalloc/seg.h>

#include "core/attr.h"

struct sta_seg_node {
    struct sta_seg_node *next;
    size_t unused;
};

struct sta_seg_span {
    struct sta_seg_span *before;
    size_t size; /* as the source gave it */
};

enum {
    GRANULE_LOG2 = sizeof(void *) == 8 ? 4 : 3,
    GRANULE = 1 << GRANULE_LOG2
};

static_assert(sizeof(struct sta_seg_node) == GRANULE, "two words");
static_assert(sizeof(struct sta_seg_span) == GRANULE, "a header is one");

/* The number of the bin whose blocks are the largest within `size`, which is at
 * least one granule. */
static uint32_t bin_within(size_t size)
{
    return sizeof(long) * 8 - 1 - GRANULE_LOG2 -
           (uint32_t)__builtin_clzl((unsigned long)size);
}

/* The number of the bin whose blocks hold both; too large a one for a 0. */
static uint32_t bin_for(size_t size, size_t align)
{
    return bin_within((size - 1) | (align - 1) | (GRANULE - 1)) + 1;
}

static size_t bin_size(uint32_t k)
{
    return (size_t)GRANULE << k;
}

static void push(struct sta_seg *s, void *p, uint32_t k)
{
    struct sta_seg_node *node = p;

    node->next = s->bins[k];
    s->bins[k] = node;
}

void sta_seg_init(struct sta_seg *s, struct sta_source source, size_t span_size)
{
    *s = (struct sta_seg){.source = source};
    s->span_mask = bin_size(bin_within(span_size | GRANULE)) - 1;
}

/* Cuts what is fresh below `end` into the bins, and goes on at `next`. */
STA_NOINLINE static void cut(struct sta_seg *s, const unsigned char *end,
                             unsigned char *next)
{
    unsigned char *p = s->next;
    size_t left;

    for (; (left = (size_t)(end - p)) != 0; p += left & -left)
        push(s, p, (uint32_t)__builtin_ctzl(left) - GRANULE_LOG2);
    s->next = next;
}

/* Cuts what the span has left into the bins and goes on in a new one. */
static inline bool add_span(struct sta_seg *s, size_t size, size_t mask)
{
    size_t got = ((size + GRANULE - 1) | s->span_mask) + 1;
    unsigned char *p = sta_source_get(&s->source, &got, mask + 1);
    struct sta_seg_span *span;

    if (!p)
        return false;
    cut(s, s->limit, p);
    span = (void *)(p + (got & ~(size_t)(GRANULE - 1)));
    span--;
    span->before = s->span;
    span->size = got;
    s->span = span;
    s->limit = (unsigned char *)span;
    return true;
}

void *sta_seg_alloc(struct sta_seg *s, size_t size, size_t align)
{
    uint32_t k = bin_for(size, align);
    size_t mask = (align - 1) | (GRANULE - 1);
    struct sta_seg_node **link;
    unsigned char *p;

    if (k >= STA_SEG_BINS || (align & (align - 1)))
        return NULL;
    link = &s->bins[k];
    while ((uintptr_t)*link & mask)
        link = &(*link)->next;
    p = (unsigned char *)*link; /* NULL is aligned, too */
    if (p) {
        *link = (*link)->next;
        return p;
    }
    size = bin_size(k);
    for (;;) {
        p = (void *)((uintptr_t)s->next + (-(uintptr_t)s->next & mask));
        if ((intptr_t)((uintptr_t)s->limit - (uintptr_t)p) >= (intptr_t)size)
            break;
        if (!add_span(s, size, mask))
            return NULL;
    }
    cut(s, p, p + size);
    return p;
}

void sta_seg_free(struct sta_seg *s, void *p, size_t size, size_t align)
{
    if (p)
        push(s, p, bin_for(size, align));
}

/*
 * What a shrinking block leaves is, from below, one block of its new power of
 * two, one of the next, and so on up to half of the old.
 */
bool sta_seg_resize(struct sta_seg *s, void *p, size_t size, size_t new_size,
                    size_t align)
{
    uint32_t old_k = bin_for(size, align);
    uint32_t k = bin_for(new_size, align);
    unsigned char *block = p;

    if (k >= STA_SEG_BINS)
        return false;
    if (k <= old_k) {
        for (; k < old_k; k++)
            push(s, block + bin_size(k), k);
        return true;
    }
    if (block + bin_size(old_k) != s->next ||
        bin_size(k) > (size_t)(s->limit - block))
        return false;
    s->next = block + bin_size(k);
    return true;
}

void *sta_seg_realloc(struct sta_seg *s, void *p, size_t size, size_t new_size,
                      size_t align)
{
    struct sta_allocator a = sta_seg_allocator(s);

    return sta_allocator_realloc(&a, p, size, new_size, align);
}

/* What a span has for blocks; they lie just below its header. */
static size_t bytes_in(const struct sta_seg_span *span)
{
    return (span->size & ~(size_t)(GRANULE - 1)) - GRANULE;
}

void sta_seg_reset(struct sta_seg *s)
{
    while (s->span) {
        struct sta_seg_span *span = s->span;
        size_t size = span->size;
        s->span = span->before;
        sta_source_give(&s->source, (unsigned char *)span - bytes_in(span),
                        size);
    }
    *s = (struct sta_seg){.source = s->source, .span_mask = s->span_mask};
}

void sta_seg_usage(const struct sta_seg *s, struct sta_usage *usage)
{
    size_t fresh = (size_t)(s->limit - s->next);

    *usage = (struct sta_usage){.live_blocks = STA_USAGE_UNKNOWN,
                                .free_bytes = fresh,
                                .largest_free_bytes = fresh,
                                .free_runs = fresh != 0};
    for (const struct sta_seg_span *span = s->span; span; span = span->before)
        usage->capacity_bytes += bytes_in(span);
    for (uint32_t k = 0; k < STA_SEG_BINS; k++) {
        for (const struct sta_seg_node *n = s->bins[k]; n; n = n->next) {
            usage->free_bytes += bin_size(k);
            usage->free_runs++;
            if (bin_size(k) > usage->largest_free_bytes)
                usage->largest_free_bytes = bin_size(k);
        }
    }
}

/* The span that p lies in, or NULL. */
static const struct sta_seg_span *span_of(const struct sta_seg *s,
                                          const void *p)
{
    const struct sta_seg_span *span = s->span;

    while (span && (uintptr_t)span - (uintptr_t)p - 1 >= bytes_in(span))
        span = span->before;
    return span;
}

/* Every free block lies in a span, and together they are no more than all. */
enum sta_err sta_seg_audit(const struct sta_seg *s)
{
    size_t room = 0;

    for (const struct sta_seg_span *span = s->span; span; span = span->before)
        room += bytes_in(span);
    if ((size_t)(s->limit - s->next) > room)
        return STA_ECORRUPT;
    room -= (size_t)(s->limit - s->next);
    for (uint32_t k = 0; k < STA_SEG_BINS; k++) {
        for (const struct sta_seg_node *n = s->bins[k]; n; n = n->next) {
            const struct sta_seg_span *span = span_of(s, n);
            if (!span || (uintptr_t)span - (uintptr_t)n < bin_size(k) ||
                bin_size(k) > room)
                return STA_ECORRUPT;
            room -= bin_size(k); /* so that a ring, too, comes to an end */
        }
    }
    return STA_OK;
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_seg_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    if (size)
        sta_seg_free(ctx, p, size, align);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    return size && ((uintptr_t)p & (align - 1)) == 0 &&
           sta_seg_resize(ctx, p, size, new_size, align);
}

static bool ops_owns(const void *ctx, const void *p)
{
    return span_of(ctx, p) != NULL;
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    uint32_t k = bin_for(size, 1);

    (void)ctx;
    return k < STA_SEG_BINS ? bin_size(k) : 0;
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_seg_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_seg_audit(ctx);
}

struct sta_allocator sta_seg_allocator(struct sta_seg *s)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .owns = ops_owns,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
    };

    return (struct sta_allocator){&ops, s};
}
