/* SPDX-License-Identifier: MIT */
/* The pages of a stack chain: stack_chain.c says what they are. */
#ifndef STA_EMBED_STACK_PAGE_H
#define STA_EMBED_STACK_PAGE_H

#include <stalloc/stack.h>

#include "core/attr.h"
#include "core/bits.h"

struct sta_stack_page {
    struct sta_stack stack; /* over the page's own memory */
    uint64_t children;      /* of stack.start, those that are stacks */
    struct sta_stack_page *next;
    struct sta_stack_page **link; /* what points here */
    unsigned char size_class, list;
};

/* The page at the beginning of a span; there is room for more. */
struct span_page {
    struct sta_stack_page page;
    size_t span_bytes; /* as the source gave them */
    size_t offset;     /* of a large block in its span */
};

enum {
    LARGE = STA_STACK_CLASSES, /* the class of what is no stack */
    TOP = STA_STACK_CLASSES - 1,
    HEADER_BYTES = 64,
    LARGE_HEADER_BYTES = 128,
    ALIGN_MAX = 128 * 1024,
    EMPTY_LIST = 6 /* of stacks with 32 to 63 free units in a row */
};

static_assert(sizeof(struct sta_stack_page) <= HEADER_BYTES, "as documented");
static_assert(sizeof(struct span_page) <= LARGE_HEADER_BYTES, "a large header");

/* log2 of the bytes of a unit: 8, 64, 512 and 4096. */
static inline unsigned unit_log2_of(unsigned size_class)
{
    return 3 + 3 * size_class;
}

/* The list for a longest free run of so many units. */
static inline unsigned list_for(unsigned units)
{
    return units == 0 ? 0 : sta_log2(units) + 1;
}

/* True when a page has no block but its header. */
static inline bool is_empty(const struct sta_stack_page *page)
{
    return page->stack.start == 1;
}

/* The class for a size and an alignment, or LARGE. */
static inline unsigned class_for(size_t size, size_t align)
{
    size_t most = size > align ? size : align;
    unsigned size_class = 0;

    while (size_class < TOP && most >= (size_t)8 << unit_log2_of(size_class))
        size_class++;
    /* In an empty stack the first aligned place is unit `align`, or unit 1. */
    if (size_class == TOP &&
        size > STA_STACK_BLOCK_BYTES - (align > 4096 ? align : 4096))
        return LARGE;
    return size_class;
}

/* What a large block has of its span. */
static inline size_t large_bytes(const struct sta_stack_page *page)
{
    const struct span_page *span = (const void *)page;

    return span->span_bytes - span->offset;
}

#endif
