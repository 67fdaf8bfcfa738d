/* SPDX-License-Identifier: MIT */
/*
 * A chain asks its first allocator, then its second; blocks go back to the
 * owner, which the first one's `owns` tells. After abgros/stalloc AllocChain.
 *
 * Nothing is said here of moving a block that cannot grow: the generic
 * sta_allocator_realloc() over the chain does it, from either to either.
 */
#include <stalloc/chain.h>

static const struct sta_allocator *owner(const struct sta_chain *chain,
                                         const void *p)
{
    return sta_allocator_owns(&chain->first, p) ? &chain->first
                                                : &chain->second;
}

static void *chain_alloc(void *ctx, size_t size, size_t align)
{
    struct sta_chain *chain = ctx;
    void *p = sta_allocator_alloc(&chain->first, size, align);

    return p ? p : sta_allocator_alloc(&chain->second, size, align);
}

static void chain_free(void *ctx, void *p, size_t size, size_t align)
{
    sta_allocator_free(owner(ctx, p), p, size, align);
}

static bool chain_resize(void *ctx, void *p, size_t size, size_t new_size,
                         size_t align)
{
    return sta_allocator_resize(owner(ctx, p), p, size, new_size, align);
}

static bool chain_owns(const void *ctx, const void *p)
{
    const struct sta_chain *chain = ctx;

    return sta_allocator_owns(&chain->first, p) ||
           sta_allocator_owns(&chain->second, p);
}

static size_t chain_usable_size(const void *ctx, const void *p)
{
    const struct sta_allocator *a = owner(ctx, p);

    return a->ops->usable_size(a->ctx, p);
}

/* What a request gets at least, whoever serves it; 0 when neither does. */
static size_t chain_good_size(const void *ctx, size_t size)
{
    const struct sta_chain *chain = ctx;
    size_t first = sta_allocator_good_size(&chain->first, size);
    size_t second = sta_allocator_good_size(&chain->second, size);

    if (!first || !second)
        return first + second;
    return first < second ? first : second;
}

static size_t sum(size_t a, size_t b)
{
    return a == STA_USAGE_UNKNOWN || b == STA_USAGE_UNKNOWN ? STA_USAGE_UNKNOWN
                                                            : a + b;
}

static void chain_usage(const void *ctx, struct sta_usage *usage)
{
    const struct sta_chain *chain = ctx;
    struct sta_usage a = sta_allocator_usage(&chain->first);
    struct sta_usage b = sta_allocator_usage(&chain->second);

    usage->capacity_bytes = sum(a.capacity_bytes, b.capacity_bytes);
    usage->free_bytes = sum(a.free_bytes, b.free_bytes);
    usage->free_runs = sum(a.free_runs, b.free_runs);
    usage->live_blocks = sum(a.live_blocks, b.live_blocks);
    usage->largest_free_bytes = a.largest_free_bytes;
    if (a.largest_free_bytes < b.largest_free_bytes)
        usage->largest_free_bytes = b.largest_free_bytes;
}

static enum sta_err chain_audit(const void *ctx)
{
    const struct sta_chain *chain = ctx;
    enum sta_err err = sta_allocator_audit(&chain->first);

    return err ? err : sta_allocator_audit(&chain->second);
}

static void chain_dump(const void *ctx, const struct sta_writer *out)
{
    const struct sta_chain *chain = ctx;

    sta_writer_text(out, "chain: first\n");
    sta_allocator_dump(&chain->first, out);
    sta_writer_text(out, "chain: second\n");
    sta_allocator_dump(&chain->second, out);
}

enum sta_err sta_chain_init(struct sta_chain *chain, struct sta_allocator first,
                            struct sta_allocator second)
{
    static const struct sta_allocator_ops ops = {
        .alloc = chain_alloc,
        .free = chain_free,
        .resize = chain_resize,
        .owns = chain_owns,
        .usable_size = chain_usable_size,
        .good_size = chain_good_size,
        .usage = chain_usage,
        .audit = chain_audit,
        .dump = chain_dump,
    };

    if (!first.ops->owns)
        return STA_EINVAL;
    chain->ops = ops;
    if (!second.ops->owns)
        chain->ops.owns = NULL;
    if (!first.ops->usable_size || !second.ops->usable_size)
        chain->ops.usable_size = NULL;
    chain->first = first;
    chain->second = second;
    return STA_OK;
}
