/* SPDX-License-Identifier: MIT */
/* Ranges with 32-bit offsets: range_body.h, read with its own names. */
#include <stalloc/range.h>

#include "core/attr.h"
#include "core/bits.h"

typedef uint32_t range_size;

#define RANGE_SIZE_MAX  UINT32_MAX
#define RANGE_SIZE_BITS 32
#define BIN_COUNT       STA_RANGE_BINS

static_assert(sizeof(struct sta_range_node) == 32, "half a cache line");
static_assert(sizeof(struct sta_range) < 7 * 1024 + 100, "7 KiB");
static_assert(sizeof(struct sta_range_block) == 8, "a handle of two words");
static_assert(STA_RANGE_BINS == 1024 + ((32 - 10) << 5), "bin_of");
static_assert(STA_RANGE_BIN_WORDS * 64 == STA_RANGE_BINS, "a bit a bin");

static range_size range_rest(range_size n, range_size d)
{
    return n % d;
}

#include "range_body.h"
#include "range_report.h"
