/* SPDX-License-Identifier: MIT */
/*
 * Counting, tracing and failing: three decorators that differ only in what they
 * do about alloc, free and resize. Each begins with its table and the allocator
 * inside; the questions are passed on by one set of functions for all three.
 */
#include <stalloc/watch.h>

#include "core/attr.h"
#include "forward.h"

/* How each of the three structs begins. */
struct watch {
    struct sta_allocator_ops ops;
    struct sta_allocator inner;
};

static_assert(
    offsetof(struct sta_counting, inner) == offsetof(struct watch, inner) &&
        offsetof(struct sta_tracing, inner) == offsetof(struct watch, inner) &&
        offsetof(struct sta_failing, inner) == offsetof(struct watch, inner),
    "the three begin alike");

static const struct sta_allocator *inner_of(const void *ctx)
{
    return (const struct sta_allocator *)(const void *)((const char *)ctx +
                                                        offsetof(struct watch,
                                                                 inner));
}

static bool watch_owns(const void *ctx, const void *p)
{
    return sta_allocator_owns(inner_of(ctx), p);
}

static size_t watch_usable_size(const void *ctx, const void *p)
{
    return inner_of(ctx)->ops->usable_size(inner_of(ctx)->ctx, p);
}

static size_t watch_good_size(const void *ctx, size_t size)
{
    return sta_allocator_good_size(inner_of(ctx), size);
}

static void watch_usage(const void *ctx, struct sta_usage *usage)
{
    *usage = sta_allocator_usage(inner_of(ctx));
}

static enum sta_err watch_audit(const void *ctx)
{
    return sta_allocator_audit(inner_of(ctx));
}

static void watch_dump(const void *ctx, const struct sta_writer *out)
{
    sta_allocator_dump(inner_of(ctx), out);
}

/* The table of a decorator that answers no question itself. */
static struct sta_allocator_ops
make_ops(void *(*alloc)(void *, size_t, size_t),
         void (*free)(void *, void *, size_t, size_t),
         bool (*resize)(void *, void *, size_t, size_t, size_t),
         const struct sta_allocator_ops *inner)
{
    struct sta_allocator_ops ops = {
        .alloc = alloc,
        .free = free,
        .resize = resize,
        .owns = watch_owns,
        .usable_size = watch_usable_size,
        .good_size = watch_good_size,
        .usage = watch_usage,
        .audit = watch_audit,
        .dump = watch_dump,
    };

    sta_forward_limit(&ops, inner);
    return ops;
}

/* --- counting ------------------------------------------------------------- */

static void add_live(struct sta_counting *c, size_t size)
{
    c->live_bytes += size;
    if (c->live_bytes > c->peak_bytes)
        c->peak_bytes = c->live_bytes;
}

/* The size by which a block counts: what can also be known of it when it is
 * freed by STA_SIZE_UNKNOWN. */
static size_t counted_size(const struct sta_counting *c, const void *p,
                           size_t size)
{
    return c->inner.ops->usable_size
               ? c->inner.ops->usable_size(c->inner.ctx, p)
               : size;
}

static void *counting_alloc(void *ctx, size_t size, size_t align)
{
    struct sta_counting *c = ctx;
    void *p = sta_allocator_alloc(&c->inner, size, align);

    if (!p) {
        c->fail_count++;
        return NULL;
    }
    c->alloc_count++;
    add_live(c, counted_size(c, p, size));
    return p;
}

static void counting_free(void *ctx, void *p, size_t size, size_t align)
{
    struct sta_counting *c = ctx;

    c->free_count++;
    c->live_bytes -= counted_size(c, p, size);
    sta_allocator_free(&c->inner, p, size, align);
}

static bool counting_resize(void *ctx, void *p, size_t size, size_t new_size,
                            size_t align)
{
    struct sta_counting *c = ctx;
    size_t old_size = counted_size(c, p, size);

    if (!sta_allocator_resize(&c->inner, p, size, new_size, align))
        return false;
    c->resize_count++;
    c->live_bytes -= old_size;
    add_live(c, counted_size(c, p, new_size));
    return true;
}

struct sta_allocator sta_counting_init(struct sta_counting *c,
                                       struct sta_allocator inner)
{
    *c = (struct sta_counting){
        .ops =
            make_ops(counting_alloc, counting_free, counting_resize, inner.ops),
        .inner = inner,
    };
    return (struct sta_allocator){&c->ops, c};
}

/* --- tracing -------------------------------------------------------------- */

static void write_address(const struct sta_writer *out, const void *p)
{
    char digits[2 + 2 * sizeof(uintptr_t)];
    size_t first = sizeof digits;
    uintptr_t rest = (uintptr_t)p;

    do {
        digits[--first] = "0123456789abcdef"[rest % 16];
        rest /= 16;
    } while (rest);
    digits[--first] = 'x';
    digits[--first] = '0';
    out->put(out->ctx, digits + first, sizeof digits - first);
}

static void write_size(const struct sta_writer *out, const char *before,
                       size_t size)
{
    sta_writer_text(out, before);
    sta_writer_number(out, size);
}

static void *tracing_alloc(void *ctx, size_t size, size_t align)
{
    struct sta_tracing *t = ctx;
    void *p = sta_allocator_alloc(&t->inner, size, align);

    write_size(&t->out, "alloc ", size);
    write_size(&t->out, " align ", align);
    sta_writer_text(&t->out, " = ");
    write_address(&t->out, p);
    sta_writer_text(&t->out, "\n");
    return p;
}

static void tracing_free(void *ctx, void *p, size_t size, size_t align)
{
    struct sta_tracing *t = ctx;

    sta_writer_text(&t->out, "free ");
    write_address(&t->out, p);
    write_size(&t->out, " ", size);
    write_size(&t->out, " align ", align);
    sta_writer_text(&t->out, "\n");
    sta_allocator_free(&t->inner, p, size, align);
}

static bool tracing_resize(void *ctx, void *p, size_t size, size_t new_size,
                           size_t align)
{
    struct sta_tracing *t = ctx;
    bool ok = sta_allocator_resize(&t->inner, p, size, new_size, align);

    sta_writer_text(&t->out, "resize ");
    write_address(&t->out, p);
    write_size(&t->out, " ", size);
    write_size(&t->out, " to ", new_size);
    write_size(&t->out, " align ", align);
    sta_writer_text(&t->out, ok ? " = yes\n" : " = no\n");
    return ok;
}

struct sta_allocator sta_tracing_init(struct sta_tracing *t,
                                      struct sta_allocator inner,
                                      struct sta_writer out)
{
    *t = (struct sta_tracing){
        .ops = make_ops(tracing_alloc, tracing_free, tracing_resize, inner.ops),
        .inner = inner,
        .out = out,
    };
    return (struct sta_allocator){&t->ops, t};
}

/* --- failing -------------------------------------------------------------- */

static bool fails_now(struct sta_failing *f)
{
    if (f->countdown) {
        f->countdown--;
        return false;
    }
    if (f->once)
        f->countdown = SIZE_MAX;
    return true;
}

static void *failing_alloc(void *ctx, size_t size, size_t align)
{
    struct sta_failing *f = ctx;

    return fails_now(f) ? NULL : sta_allocator_alloc(&f->inner, size, align);
}

static void failing_free(void *ctx, void *p, size_t size, size_t align)
{
    struct sta_failing *f = ctx;

    sta_allocator_free(&f->inner, p, size, align);
}

static bool failing_resize(void *ctx, void *p, size_t size, size_t new_size,
                           size_t align)
{
    struct sta_failing *f = ctx;

    return !fails_now(f) &&
           sta_allocator_resize(&f->inner, p, size, new_size, align);
}

struct sta_allocator sta_failing_init(struct sta_failing *f,
                                      struct sta_allocator inner, size_t count,
                                      bool once)
{
    *f = (struct sta_failing){
        .ops = make_ops(failing_alloc, failing_free, failing_resize, inner.ops),
        .inner = inner,
        .countdown = count,
        .once = once,
    };
    return (struct sta_allocator){&f->ops, f};
}
