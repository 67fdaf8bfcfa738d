/* SPDX-License-Identifier: MIT */
/*
 * Ranges with 64-bit offsets: range_body.h, read with other names.
 *
 * C has no templates. The text is ordinary C in the names of sta_range, so that
 * it can be read, searched and stepped through; here each name gets its twin.
 */
#include <stalloc/range64.h>

#include "core/attr.h"
#include "core/bits.h"
#include "divide.h"

typedef uint64_t range_size;

#define RANGE_SIZE_MAX  UINT64_MAX
#define RANGE_SIZE_BITS 64
#define BIN_COUNT       STA_RANGE64_BINS

#define sta_range                 sta_range64
#define sta_range_node            sta_range64_node
#define sta_range_block           sta_range64_block
#define sta_range_run             sta_range64_run
#define sta_range_iter            sta_range64_iter
#define sta_range_count           sta_range64_count
#define sta_range_init            sta_range64_init
#define sta_range_alloc           sta_range64_alloc
#define sta_range_alloc_back      sta_range64_alloc_back
#define sta_range_alloc_aligned   sta_range64_alloc_aligned
#define sta_range_alloc_at        sta_range64_alloc_at
#define sta_range_free            sta_range64_free
#define sta_range_resize          sta_range64_resize
#define sta_range_grow_capacity   sta_range64_grow_capacity
#define sta_range_shrink_capacity sta_range64_shrink_capacity
#define sta_range_reset           sta_range64_reset
#define sta_range_clone           sta_range64_clone
#define sta_range_size            sta_range64_size
#define sta_range_largest         sta_range64_largest
#define sta_range_next_free       sta_range64_next_free
#define sta_range_histogram       sta_range64_histogram
#define sta_range_audit           sta_range64_audit
#define sta_range_dump            sta_range64_dump

static_assert(sizeof(struct sta_range_node) == 40, "five words");
static_assert(sizeof(struct sta_range) < 11 * 1024 + 200, "11 KiB");
static_assert(STA_RANGE64_BINS == 1024 + ((64 - 10) << 5), "bin_of");
static_assert(STA_RANGE64_BIN_WORDS * 64 == STA_RANGE64_BINS, "a bit a bin");

static range_size range_rest(range_size n, range_size d)
{
    uint64_t rest;

    sta_divide64(n, d, &rest);
    return rest;
}

#include "range_body.h"
#include "range_report.h"
