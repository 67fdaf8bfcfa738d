/* SPDX-License-Identifier: MIT */
/*
 * What orderly-allocator (O) and OffsetAllocator (F) get wrong, by the ids of
 * the study that found it; each must go right in sta_range.
 */
#include <stalloc/range.h>

#include "tests/lib/check.h"

enum { NODES = STA_RANGE_NODES(8) };

static struct sta_range range;
static struct sta_range_node nodes[NODES];

static void init(uint32_t capacity, uint32_t live_max)
{
    REQUIRE(sta_range_init(&range, capacity, nodes,
                           STA_RANGE_NODES(live_max)) == STA_OK);
}

/* An aligned request for the whole of a fresh space was refused. */
static void O1_whole_space_at_its_own_alignment(void)
{
    struct sta_range_block b;

    init(4096, 8);
    b = sta_range_alloc_aligned(&range, 4096, 4096);
    CHECK(!sta_range_is_none(b) && b.offset == 0);
}

/* A double free after merging went through and made two runs overlap. */
static void O2_double_free_after_merging(void)
{
    struct sta_range_block x, y, z;

    init(4096, 8);
    x = sta_range_alloc(&range, 64);
    y = sta_range_alloc(&range, 64);
    z = sta_range_alloc(&range, 64);
    CHECK(sta_range_free(&range, x) == STA_OK);
    CHECK(sta_range_free(&range, y) == STA_OK);
    CHECK(sta_range_free(&range, y) == STA_EINVAL);
    CHECK(sta_range_available(&range) == 4096 - 64);
    CHECK(sta_range_audit(&range) == STA_OK);
    CHECK(sta_range_size(&range, z) == 64);
}

/* Freeing what lies outside the space raised the free units above it. */
static void O4_free_outside_the_space(void)
{
    struct sta_range_block b;

    init(100, 8);
    b = (struct sta_range_block){500, 7};
    CHECK(sta_range_free(&range, b) == STA_EINVAL);
    b = (struct sta_range_block){0, 1}; /* a free run's own node */
    CHECK(sta_range_free(&range, b) == STA_EINVAL);
    b = (struct sta_range_block){0, UINT32_MAX};
    CHECK(sta_range_free(&range, b) == STA_EINVAL);
    CHECK(sta_range_available(&range) == 100);
    CHECK(sta_range_audit(&range) == STA_OK);
}

/* All of a space that is not a bin's size was refused. */
static void F1_whole_space_of_any_size(void)
{
    init(12345, 8);
    CHECK(!sta_range_is_none(sta_range_alloc(&range, 12345)));
}

/* The rest of a space was refused although it was exactly what was asked. */
static void F2_exact_rest(void)
{
    init(324, 8);
    CHECK(!sta_range_is_none(sta_range_alloc(&range, 255)));
    CHECK(!sta_range_is_none(sta_range_alloc(&range, 67)));
}

/* With room for two blocks not even one could be had. */
static void F3_as_many_blocks_as_promised(void)
{
    init(1000, 2);
    CHECK(!sta_range_is_none(sta_range_alloc(&range, 1)));
    CHECK(!sta_range_is_none(sta_range_alloc_at(&range, 500, 1)));
    CHECK(sta_range_audit(&range) == STA_OK);
}

int main(void)
{
    O1_whole_space_at_its_own_alignment();
    O2_double_free_after_merging();
    O4_free_outside_the_space();
    F1_whole_space_of_any_size();
    F2_exact_rest();
    F3_as_many_blocks_as_promised();
    return check_status();
}
