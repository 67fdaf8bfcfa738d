/* SPDX-License-Identifier: MIT */
/*
 * Stacks of four classes, each fed by a larger one; the largest by a source.
 *
 *     class   unit    stack     its memory is            objects below
 *       3     4096    256 KiB   a span of the source     252 KiB
 *       2      512     32 KiB   8 units of class 3       4096 bytes
 *       1       64      4 KiB   1 unit of class 3         512 bytes
 *       0        8        512   1 unit of class 2          64 bytes
 *
 * A stack's memory is aligned to its size and begins with its header, a page.
 * So the stack of a block is found from above: the low bits of an address off,
 * there is the header of class 3; the block's start bit there leads to a block
 * or, when the bit is also in `children`, to the header of a smaller stack. At
 * most three steps; no size need be told, and an address at which no block
 * begins is seen.
 *
 * The stacks of a class hang in lists by longest free run: list 0 has the full
 * ones, list k those with 2^(k-1) units or more. An allocation of n units tries
 * the first stack of the list of n, where it may fit, and of each higher list,
 * where it is sure to fit but for its alignment: 7 tries at most. Only when the
 * source has nothing are lists walked.
 *
 * A stack that becomes empty goes back to the class above, or to the source,
 * unless it is the only empty one of its class: one that is emptied and filled
 * again and again must not be made anew each time.
 *
 * A block too large for class 3 is a span of its own, with a header of its own.
 * Where it has more than 256 KiB, an address in it may seem to lie in a span
 * that begins within it: a header is one only when it says where it is.
 *
 * Invariants:
 *   I1  A page is in the list of its longest free run.
 *   I2  Its first units, the header, are a block that nobody frees.
 *   I3  empty_count is the number of pages of a class with no other block.
 *   I4  children is a subset of start.
 *   I5  The header of a span has its own address as the stack's base.
 */
#include "stack_page.h"

void sta_stack_chain_init(struct sta_stack_chain *c, struct sta_source source)
{
    *c = (struct sta_stack_chain){.source = source};
    if (!source.give)
        c->source = sta_source_keeping(&c->keeper, source);
}

/* --- lists --------------------------------------------------------------- */

static void unlink_page(struct sta_stack_page *page)
{
    *page->link = page->next;
    if (page->next)
        page->next->link = page->link;
}

static void link_page(struct sta_stack_page **list, struct sta_stack_page *page)
{
    page->next = *list;
    page->link = list;
    if (page->next)
        page->next->link = &page->next;
    *list = page;
}

/*
 * list_for() the longest free run, without its length: how many of 1, 2, 4, ...
 * free units there are side by side. The header is in use, so never all 64.
 */
static unsigned list_of(const struct sta_stack_page *page)
{
    uint64_t runs = ~page->stack.used; /* where 2^list free units begin */
    unsigned list = 0;

    for (; runs != 0; list++)
        runs &= runs >> (1u << list);
    return list;
}

/* Puts a page into the list where it belongs now (I1). */
static void relist(struct sta_stack_chain *c, struct sta_stack_page *page)
{
    unsigned list = list_of(page);

    if (list == page->list)
        return;
    unlink_page(page);
    page->list = (unsigned char)list;
    link_page(&c->lists[page->size_class][list], page);
}

/* --- pages --------------------------------------------------------------- */

/* The page at the beginning of the span that p lies in. */
static struct sta_stack_page *top_page(const void *p)
{
    return (void *)((uintptr_t)p & ~(uintptr_t)(STA_STACK_BLOCK_BYTES - 1));
}

static struct span_page *span_of(struct sta_stack_page *page)
{
    return (struct span_page *)page;
}

/* Takes a span from the source, and makes its header. */
static struct sta_stack_page *add_span(struct sta_stack_chain *c, size_t bytes,
                                       unsigned size_class)
{
    struct span_page *span =
        sta_source_get(&c->source, &bytes, STA_STACK_BLOCK_BYTES);

    if (!span)
        return NULL;
    *span = (struct span_page){.page.stack.base = (void *)span, /* I5 */
                               .page.size_class = (unsigned char)size_class,
                               .span_bytes = bytes};
    c->source_bytes += bytes;
    return &span->page;
}

static void give_span(struct sta_stack_chain *c, struct sta_stack_page *page)
{
    size_t bytes = span_of(page)->span_bytes;

    c->source_bytes -= bytes;
    page->stack.base = NULL; /* whatever comes to lie here: I5 */
    sta_source_give(&c->source, page, bytes);
}

static void *take(struct sta_stack_chain *c, unsigned size_class, size_t size,
                  size_t align, bool is_child);

/* Makes an empty stack of a class; NULL when the source refuses. */
static struct sta_stack_page *add_page(struct sta_stack_chain *c,
                                       unsigned size_class)
{
    unsigned log2 = unit_log2_of(size_class);
    size_t bytes = (size_t)64 << log2;
    struct sta_stack_page *page =
        size_class == TOP
            ? add_span(c, bytes, TOP)
            : take(c, size_class == 0 ? 2 : TOP, bytes, bytes, true);

    if (!page)
        return NULL;
    if (size_class != TOP)
        *page =
            (struct sta_stack_page){.size_class = (unsigned char)size_class};
    sta_stack_init(&page->stack, page, log2);
    sta_stack_alloc(&page->stack, HEADER_BYTES, 1); /* I2 */
    page->list = (unsigned char)list_of(page);
    link_page(&c->lists[size_class][page->list], page);
    c->empty_count[size_class]++;
    return page;
}

/* A block in a stack of a class. */
struct found {
    struct sta_stack_page *page;
    unsigned char *p;
};

/*
 * Takes a block from the stacks there are: from the smallest list in which one
 * may have room, and of each list the first page only, unless `all`.
 */
static struct found take_here(struct sta_stack_chain *c, unsigned size_class,
                              size_t size, size_t align, bool all)
{
    size_t count = ((size - 1) >> unit_log2_of(size_class)) + 1;
    struct found at = {NULL, NULL};

    for (unsigned k = list_for((unsigned)count); k < STA_STACK_LISTS; k++) {
        for (at.page = c->lists[size_class][k]; at.page;
             at.page = all ? at.page->next : NULL) {
            at.p = sta_stack_alloc(&at.page->stack, size, align);
            if (at.p)
                return at;
        }
    }
    return at;
}

/*
 * Takes a block of a class, from a new stack if need be. In the worst case the
 * classes above follow: class 0 asks class 2, that class 3, that the source.
 */
static void *take(struct sta_stack_chain *c, unsigned size_class, size_t size,
                  size_t align, bool is_child)
{
    struct found at = take_here(c, size_class, size, align, false);

    if (!at.p) {
        at.page = add_page(c, size_class);
        if (at.page)
            at.p = sta_stack_alloc(&at.page->stack, size, align);
        else
            at = take_here(c, size_class, size, align, true);
    }
    if (!at.p)
        return NULL;
    if (sta_is_power_of_two(at.page->stack.start ^ 1)) /* its only block */
        c->empty_count[size_class]--;
    if (is_child)
        at.page->children |= UINT64_C(1) << ((at.p - at.page->stack.base) >>
                                             unit_log2_of(size_class));
    relist(c, at.page);
    return at.p;
}

/* Where a block is: its stack, and the stacks that this one lies in. */
struct place {
    struct sta_stack_page *page, *parents[2];
    unsigned depth;
    uint32_t unit; /* the start of what p lies in */
};

/*
 * Finds the innermost stack in whose memory p lies, which is in a span. What is
 * free behind a small stack is taken for its memory, and one of its units for
 * that which p lies in: no block begins there, as p is too far off.
 */
static struct place find(const void *p)
{
    struct place at = {.page = top_page(p)};

    for (;;) {
        struct sta_stack *s = &at.page->stack;
        uint32_t unit =
            (uint32_t)(((uintptr_t)p - (uintptr_t)s->base) >> s->unit_log2);
        at.unit = sta_log2(s->start & sta_ones64(0, unit % 64 + 1)); /* I2 */
        if ((at.page->children >> at.unit & 1) == 0)
            return at;
        at.parents[at.depth++] = at.page;
        at.page = (void *)(s->base + ((size_t)at.unit << s->unit_log2));
    }
}

/* Finds the block that begins at p; false when none does. Of a large one only
 * the page is set. */
static bool find_block(const void *p, struct place *at)
{
    struct sta_stack_page *page = top_page(p);

    if (!p || page->stack.base != (unsigned char *)page)
        return false; /* I5 */
    if (page->size_class == LARGE) {
        at->page = page;
        return (uintptr_t)p - (uintptr_t)page == span_of(page)->offset;
    }
    *at = find(p);
    return at->unit != 0 && (uintptr_t)p - (uintptr_t)at->page->stack.base ==
                                (uintptr_t)at->unit
                                    << at->page->stack.unit_log2;
}

static void release(struct sta_stack_chain *c, struct place *at);

/* Frees the block or the stack at p; a stack to spare goes back. */
static void drop(struct sta_stack_chain *c, struct place *at, void *p)
{
    struct sta_stack_page *page = at->page;
    size_t unit = (size_t)((unsigned char *)p - page->stack.base) >>
                  page->stack.unit_log2;

    page->children &= ~(UINT64_C(1) << unit);
    sta_stack_free(&page->stack, p);
    relist(c, page);
    if (is_empty(page) && c->empty_count[page->size_class]++ != 0)
        release(c, at);
}

/* Gives an empty stack back to where it came from; at most three in a row. */
static void release(struct sta_stack_chain *c, struct place *at)
{
    struct sta_stack_page *page = at->page;

    unlink_page(page);
    c->empty_count[page->size_class]--;
    if (at->depth == 0) {
        give_span(c, page);
        return;
    }
    at->page = at->parents[--at->depth];
    drop(c, at, page);
}

/*
 * Gives every empty stack back, from the smallest class on, as it may be all
 * that the next had; true when there was one. A full heap comes here for each
 * request that it refuses: where there is none, nothing is looked through.
 */
static bool release_empty(struct sta_stack_chain *c)
{
    bool any = false;

    for (unsigned k = 0; k < STA_STACK_CLASSES; k++) {
        struct sta_stack_page *page = c->lists[k][EMPTY_LIST], *next;
        for (; page && c->empty_count[k] != 0; page = next) {
            struct place at;
            next = page->next;
            if (!is_empty(page))
                continue;
            at = find(page);
            release(c, &at);
            any = true;
        }
    }
    return any;
}

size_t sta_stack_chain_trim(struct sta_stack_chain *c)
{
    size_t before = c->source_bytes;

    release_empty(c);
    return before - c->source_bytes;
}

/* --- blocks -------------------------------------------------------------- */

static void *alloc_large(struct sta_stack_chain *c, size_t size, size_t align)
{
    size_t offset = align > LARGE_HEADER_BYTES ? align : LARGE_HEADER_BYTES;
    struct sta_stack_page *page;

    if (size > SIZE_MAX / 2)
        return NULL;
    page = add_span(c, offset + size, LARGE);
    if (!page)
        return NULL;
    span_of(page)->offset = offset;
    link_page(&c->large, page);
    return (unsigned char *)page + offset;
}

static void *alloc(struct sta_stack_chain *c, size_t size, size_t align)
{
    unsigned size_class = class_for(size, align);

    return size_class == LARGE ? alloc_large(c, size, align)
                               : take(c, size_class, size, align, false);
}

void *sta_stack_chain_alloc(struct sta_stack_chain *c, size_t size,
                            size_t align)
{
    void *p;

    if (size == 0 || !sta_is_power_of_two(align) || align > ALIGN_MAX)
        return NULL;
    p = alloc(c, size, align);
    /* What empty stacks hold back may be what is missing. */
    if (!p && release_empty(c))
        p = alloc(c, size, align);
    if (p)
        c->live_count++;
    return p;
}

size_t sta_stack_chain_usable_size(const struct sta_stack_chain *c,
                                   const void *p)
{
    struct place at;

    (void)c;
    if (!find_block(p, &at))
        return 0;
    return at.page->size_class == LARGE
               ? large_bytes(at.page)
               : sta_stack_usable_size(&at.page->stack, p);
}

enum sta_err sta_stack_chain_free(struct sta_stack_chain *c, void *p)
{
    struct place at;

    if (!p)
        return STA_OK;
    if (!find_block(p, &at))
        return STA_EINVAL;
    c->live_count--;
    if (at.page->size_class == LARGE) {
        unlink_page(at.page);
        give_span(c, at.page);
    } else {
        drop(c, &at, p);
    }
    return STA_OK;
}

bool sta_stack_chain_resize(struct sta_stack_chain *c, void *p, size_t new_size)
{
    struct place at;

    if (new_size == 0 || !find_block(p, &at))
        return false;
    if (at.page->size_class == LARGE)
        return new_size <= large_bytes(at.page);
    if (!sta_stack_resize(&at.page->stack, p, new_size))
        return false;
    relist(c, at.page);
    return true;
}

void *sta_stack_chain_realloc(struct sta_stack_chain *c, void *p,
                              size_t new_size, size_t align)
{
    struct sta_allocator a = sta_stack_chain_allocator(c);

    return sta_allocator_realloc(&a, p, sta_stack_chain_usable_size(c, p),
                                 new_size, align);
}
