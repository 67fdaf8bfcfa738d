/* SPDX-License-Identifier: MIT */
/*
 * An allocator behind a lock: every call takes the lock, makes one call of the
 * allocator inside, and gives it back. A block that moves is three such calls,
 * which is enough: between them it belongs to the caller alone.
 */
#include <stalloc/sync.h>

#include "forward.h"

const struct sta_allocator *sta_sync_begin(struct sta_sync *sync)
{
    sync->lock.lock(sync->lock.ctx);
    return &sync->inner;
}

void sta_sync_end(struct sta_sync *sync)
{
    sync->lock.unlock(sync->lock.ctx);
}

/* Questions lock too: the struct is not theirs to change, the lock is. */
static struct sta_sync *begin_question(const void *ctx)
{
    struct sta_sync *sync = (struct sta_sync *)(uintptr_t)ctx;

    sta_sync_begin(sync);
    return sync;
}

static void *sync_alloc(void *ctx, size_t size, size_t align)
{
    void *p = sta_allocator_alloc(sta_sync_begin(ctx), size, align);

    sta_sync_end(ctx);
    return p;
}

static void sync_free(void *ctx, void *p, size_t size, size_t align)
{
    sta_allocator_free(sta_sync_begin(ctx), p, size, align);
    sta_sync_end(ctx);
}

static bool sync_resize(void *ctx, void *p, size_t size, size_t new_size,
                        size_t align)
{
    bool ok =
        sta_allocator_resize(sta_sync_begin(ctx), p, size, new_size, align);

    sta_sync_end(ctx);
    return ok;
}

static bool sync_owns(const void *ctx, const void *p)
{
    struct sta_sync *sync = begin_question(ctx);
    bool owns = sta_allocator_owns(&sync->inner, p);

    sta_sync_end(sync);
    return owns;
}

static size_t sync_usable_size(const void *ctx, const void *p)
{
    struct sta_sync *sync = begin_question(ctx);
    size_t size = sync->inner.ops->usable_size(sync->inner.ctx, p);

    sta_sync_end(sync);
    return size;
}

static size_t sync_good_size(const void *ctx, size_t size)
{
    struct sta_sync *sync = begin_question(ctx);

    size = sta_allocator_good_size(&sync->inner, size);
    sta_sync_end(sync);
    return size;
}

static void sync_usage(const void *ctx, struct sta_usage *usage)
{
    struct sta_sync *sync = begin_question(ctx);

    *usage = sta_allocator_usage(&sync->inner);
    sta_sync_end(sync);
}

static enum sta_err sync_audit(const void *ctx)
{
    struct sta_sync *sync = begin_question(ctx);
    enum sta_err err = sta_allocator_audit(&sync->inner);

    sta_sync_end(sync);
    return err;
}

static void sync_dump(const void *ctx, const struct sta_writer *out)
{
    struct sta_sync *sync = begin_question(ctx);

    sta_allocator_dump(&sync->inner, out);
    sta_sync_end(sync);
}

void sta_sync_init(struct sta_sync *sync, struct sta_allocator inner,
                   struct sta_lock_ops lock)
{
    static const struct sta_allocator_ops ops = {
        .alloc = sync_alloc,
        .free = sync_free,
        .resize = sync_resize,
        .owns = sync_owns,
        .usable_size = sync_usable_size,
        .good_size = sync_good_size,
        .usage = sync_usage,
        .audit = sync_audit,
        .dump = sync_dump,
    };

    sync->ops = ops;
    sta_forward_limit(&sync->ops, inner.ops);
    sync->inner = inner;
    sync->lock = lock;
}
