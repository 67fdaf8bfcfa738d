/* SPDX-License-Identifier: MIT */
/*
 * The bump allocator: the pieces of pieces.h, spans that can be given back, and
 * marks.
 *
 * While nothing is freed there is one piece, the rest of the newest span, and
 * its lower end is the pointer that moves up. Frees in reverse order lower it.
 *
 * A span begins with a header, one granule, by which rewind finds the spans
 * that came after the mark. Spans need not be neighbours.
 *
 * A mark sets the list aside, all but its largest piece, which serves what
 * follows; the rewind frees that piece anew, as it was. So nothing that a block
 * from before the mark could have is touched in between.
 */
#include <stalloc/bump.h>

#include "pieces.h"

struct sta_bump_span {
    struct sta_bump_span *before;
    size_t size; /* as the source gave it */
};

static_assert(sizeof(struct sta_bump_span) == GRANULE, "a header is one");

void sta_bump_init(struct sta_bump *b, struct sta_source source,
                   size_t span_size)
{
    *b = (struct sta_bump){.source = source, .span_mask = span_mask(span_size)};
}

/* Frees a new span, in which the block fits, into the list. */
static inline bool add_span(struct sta_bump *b, size_t size, size_t mask)
{
    size_t got = ((size + mask + GRANULE - 1) | b->span_mask) + 1;
    struct sta_bump_span *span = sta_source_get(&b->source, &got, GRANULE);

    if (!span)
        return false;
    span->before = b->span;
    span->size = got;
    b->span = span;
    /* Less what rounding up adds: an odd end is left out. */
    sta_bump_free(b, span + 1, got - (2 * GRANULE - 1));
    return true;
}

void *sta_bump_alloc(struct sta_bump *b, size_t size, size_t align)
{
    size_t mask = align - 1;
    void *p;

    if (!is_request(size, mask))
        return NULL;
    size = round_up(size);
    mask &= ~(size_t)(GRANULE - 1);
    do
        p = take(&b->head.next, size, mask);
    while (!p && add_span(b, size, mask));
    return p;
}

void sta_bump_free(struct sta_bump *b, void *p, size_t size)
{
    if (p)
        give(&b->head, p, round_up(size));
}

bool sta_bump_resize(struct sta_bump *b, void *p, size_t size, size_t new_size)
{
    return resize(&b->head, p, size, new_size);
}

void *sta_bump_realloc(struct sta_bump *b, void *p, size_t size,
                       size_t new_size, size_t align)
{
    struct sta_allocator a = sta_bump_allocator(b);

    return sta_allocator_realloc(&a, p, size, new_size, align);
}

struct sta_bump_point sta_bump_mark(struct sta_bump *b)
{
    struct sta_piece **largest = &b->head.next, **link = largest;
    struct sta_bump_point mark = {.span = b->span};

    for (; *link; link = &(*link)->next) {
        if ((*link)->size > (*largest)->size)
            largest = link;
    }
    if (*largest) {
        mark.piece = *largest;
        mark.size = mark.piece->size;
        *largest = mark.piece->next;
        mark.piece->next = NULL;
    }
    mark.free = b->head.next;
    b->head.next = mark.piece;
    return mark;
}

/* Gives back the spans that are newer than `oldest`. */
static void give_spans(struct sta_bump *b, const struct sta_bump_span *oldest)
{
    while (b->span != oldest) {
        struct sta_bump_span *span = b->span;
        b->span = span->before;
        sta_source_give(&b->source, span, span->size);
    }
}

void sta_bump_rewind(struct sta_bump *b, struct sta_bump_point mark)
{
    give_spans(b, mark.span);
    b->head.next = mark.free;
    sta_bump_free(b, mark.piece, mark.size);
}

void sta_bump_reset(struct sta_bump *b)
{
    give_spans(b, NULL);
    b->head.next = NULL;
}

/* What a span has for blocks; they lie behind its header. */
static size_t bytes_in(const struct sta_bump_span *span)
{
    return (span->size & ~(size_t)(GRANULE - 1)) - GRANULE;
}

/* The span that p lies in, or NULL. */
static const struct sta_bump_span *span_of(const struct sta_bump *b,
                                           const void *p)
{
    const struct sta_bump_span *span = b->span;

    while (span && (uintptr_t)p - (uintptr_t)(span + 1) >= bytes_in(span))
        span = span->before;
    return span;
}

void sta_bump_usage(const struct sta_bump *b, struct sta_usage *usage)
{
    usage->live_blocks = STA_USAGE_UNKNOWN;
    usage->capacity_bytes = 0;
    for (const struct sta_bump_span *s = b->span; s; s = s->before)
        usage->capacity_bytes += bytes_in(s);
    tell_pieces(b->head.next, usage);
}

/* Beside what holds of all pieces: each lies in one span. */
enum sta_err sta_bump_audit(const struct sta_bump *b)
{
    if (!pieces_hold(&b->head))
        return STA_ECORRUPT;
    for (const struct sta_piece *p = b->head.next; p; p = p->next) {
        const struct sta_bump_span *span = span_of(b, p);
        if (!span ||
            p->size > bytes_in(span) - ((uintptr_t)p - (uintptr_t)(span + 1)))
            return STA_ECORRUPT;
    }
    return STA_OK;
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_bump_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)align;
    if (size)
        sta_bump_free(ctx, p, size);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    return size && ((uintptr_t)p & (align - 1)) == 0 &&
           sta_bump_resize(ctx, p, size, new_size);
}

static bool ops_owns(const void *ctx, const void *p)
{
    return span_of(ctx, p) != NULL;
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    (void)ctx;
    return good_size(size);
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_bump_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_bump_audit(ctx);
}

struct sta_allocator sta_bump_allocator(struct sta_bump *b)
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

    return (struct sta_allocator){&ops, b};
}
