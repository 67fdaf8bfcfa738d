/* SPDX-License-Identifier: MIT */
/*
 * A region that has as many slabs and runs as it can describe has free pages
 * that it cannot hand out.  The next request is served by another region, as
 * when the pages are out, and by the first one again when it can.
 *
 * It takes 128 GiB to come to that; so the count is set here.
 */
#include "heap/descriptors.h"
#include "heap/heap.h"
#include "tests/lib/check.h"

enum { BYTES = 100000 };

int main(void)
{
    struct sta_region *first = &sta_regions[0];
    void *before = sta_heap_alloc(BYTES);
    REQUIRE(before != NULL && sta_slab_of(before)->region == 0);

    uint32_t used = first->slab_used;
    uint32_t unused = first->unused.count;
    first->slab_used = STA_DESCRIPTORS_MOST;
    first->unused.count = 0;
    void *beside = sta_heap_alloc(BYTES);
    REQUIRE(beside != NULL);
    CHECK(sta_slab_of(beside)->region == 1);
    first->slab_used = used;
    first->unused.count = unused;

    void *again = sta_heap_alloc(BYTES);
    REQUIRE(again != NULL);
    CHECK(sta_slab_of(again)->region == 0);
    sta_heap_free(beside);
    CHECK(sta_region_count == 1);
    sta_heap_free(again);
    sta_heap_free(before);
    return check_status();
}
