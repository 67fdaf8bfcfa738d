/* SPDX-License-Identifier: MIT */
/* What a stack chain tells of itself, and it by the family's interface. */
#include "stack_page.h"

/*
 * Adds one page to the sum. What blocks can have of a page is all but its
 * header; a smaller stack is no block, but what it has is counted where it is.
 */
static void add_usage(const struct sta_stack_page *page, struct sta_usage *sum)
{
    const struct sta_stack *s = &page->stack;
    size_t header = sta_stack_usable_size(s, page);
    struct sta_usage one;

    sta_stack_usage(s, &one);
    sum->capacity_bytes +=
        page->size_class == TOP ? one.capacity_bytes - header : 0 - header;
    sum->free_bytes += one.free_bytes;
    sum->free_runs += one.free_runs;
    if (one.largest_free_bytes > sum->largest_free_bytes)
        sum->largest_free_bytes = one.largest_free_bytes;
}

void sta_stack_chain_usage(const struct sta_stack_chain *c,
                           struct sta_usage *usage)
{
    *usage = (struct sta_usage){.live_blocks = c->live_count};
    for (unsigned k = 0; k < STA_STACK_CLASSES * STA_STACK_LISTS; k++) {
        const struct sta_stack_page *page =
            c->lists[k / STA_STACK_LISTS][k % STA_STACK_LISTS];
        for (; page; page = page->next)
            add_usage(page, usage);
    }
    for (const struct sta_stack_page *page = c->large; page; page = page->next)
        usage->capacity_bytes += large_bytes(page);
}

static bool page_holds(const struct sta_stack_page *page, unsigned size_class,
                       unsigned list)
{
    const struct sta_stack *s = &page->stack;
    size_t header = (HEADER_BYTES - 1) >> unit_log2_of(size_class);

    return page->size_class == size_class && page->list == list &&
           list_for(sta_stack_longest(s)) == list && /* I1 */
           sta_stack_usable_size(s, page) >> s->unit_log2 == header + 1 &&
           (const void *)s->base == page && (page->children & 1) == 0 &&
           (page->children & ~s->start) == 0 && /* I4 */
           sta_stack_audit(s) == STA_OK;
}

enum sta_err sta_stack_chain_audit(const struct sta_stack_chain *c)
{
    size_t live = 0;

    for (unsigned k = 0; k < STA_STACK_CLASSES; k++) {
        unsigned empty = 0;
        for (unsigned list = 0; list < STA_STACK_LISTS; list++) {
            const struct sta_stack_page *page = c->lists[k][list];
            for (; page; page = page->next) {
                if (!page_holds(page, k, list))
                    return STA_ECORRUPT;
                empty += is_empty(page);
                live += sta_popcount64(page->stack.start & ~page->children) - 1;
            }
        }
        if (empty != c->empty_count[k])
            return STA_ECORRUPT; /* I3 */
    }
    for (const struct sta_stack_page *page = c->large; page;
         page = page->next) {
        if ((const void *)page->stack.base != page)
            return STA_ECORRUPT; /* I5 */
        live++;
    }
    return live == c->live_count ? STA_OK : STA_ECORRUPT;
}

/* --- the family's interface ---------------------------------------------- */

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return sta_stack_chain_alloc(ctx, size, align);
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)size, (void)align;
    sta_stack_chain_free(ctx, p);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    (void)size;
    return ((uintptr_t)p & (align - 1)) == 0 &&
           sta_stack_chain_resize(ctx, p, new_size);
}

static size_t ops_usable_size(const void *ctx, const void *p)
{
    return sta_stack_chain_usable_size(ctx, p);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    unsigned size_class = class_for(size, 1);

    (void)ctx;
    if (size == 0 || size > SIZE_MAX / 2)
        return 0;
    if (size_class == LARGE)
        return size;
    return sta_round_up(size, (size_t)1 << unit_log2_of(size_class));
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_stack_chain_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_stack_chain_audit(ctx);
}

struct sta_allocator sta_stack_chain_allocator(struct sta_stack_chain *c)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .usable_size = ops_usable_size,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
    };

    return (struct sta_allocator){&ops, c};
}
