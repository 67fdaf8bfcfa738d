/* SPDX-License-Identifier: MIT */
/*
 * Runs that were freed lately and are kept whole (heap/recent.c).
 *
 * They are free, and must be as good as free to whoever needs other memory than
 * just them: what could go wrong is that the heap grows beside them, that an
 * object cannot grow over one in place, or that one is not zero where calloc
 * takes it to be.  Each case begins with nothing kept and ends with an audit.
 */
#include <string.h>

#include "heap/check.h"
#include "heap/guard.h"
#include "heap/heap.h"
#include "heap/recent.h"
#include "heap/trim.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"

enum { UNITS = STA_RUN_UNITS_MAX + 8, BYTES = UNITS * STA_UNIT_BYTES };

static void *alloc_units(size_t units)
{
    /* A compiler that knows the size would look at what only smaller ones come
     * to, and warn of it (gcc -O3). */
    volatile size_t bytes = units * STA_UNIT_BYTES;
    void *p = sta_heap_alloc(bytes);
    REQUIRE(p != NULL);
    memset(p, 0xa5, bytes);
    return p;
}

/* Three runs in a row, of which the last stays in use. */
static void three_in_a_row(void *run[3])
{
    for (int i = 0; i < 3; i++)
        run[i] = alloc_units(UNITS);
    REQUIRE((char *)run[1] == (char *)run[0] + BYTES);
    REQUIRE((char *)run[2] == (char *)run[1] + BYTES);
}

static void free_all(void *const *run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sta_heap_free(run[i]);
}

static void the_same_length_gets_the_run_that_was_freed_last(void)
{
    void *run[3];
    three_in_a_row(run);
    uint32_t in_index = sta_runs_free_units(&sta_regions[0].runs);
    size_t used = sta_pages_used();
    sta_heap_free(run[0]);
    sta_heap_free(run[1]);
    CHECK(sta_recent.units == 2 * UNITS);
    CHECK(sta_runs_free_units(&sta_regions[0].runs) == in_index);
    CHECK(sta_pages_used() == used - 2 * UNITS);
    CHECK(heap_audit(NULL, 0));
    CHECK(alloc_units(UNITS) == run[1]);
    CHECK(alloc_units(UNITS) == run[0]);
    CHECK(sta_recent.units == 0);
    free_all(run, 3); /* no more than two are kept */
    CHECK(sta_recent.units == 2 * UNITS);
    CHECK(sta_runs_free_units(&sta_regions[0].runs) == in_index + UNITS);
}

static void a_run_serves_one_unit_less(void)
{
    void *run[3];
    three_in_a_row(run);
    sta_heap_free(run[0]);
    CHECK(alloc_units(UNITS - 1) == run[0]);
    CHECK(sta_heap_usable(run[0]) == BYTES);
    CHECK(sta_heap_realloc(run[0], BYTES - STA_UNIT_BYTES - 1) == run[0]);
    sta_heap_check_size("free", run[0], BYTES - STA_UNIT_BYTES - 1, 16);
    free_all(run, 3);
}

static void a_kept_run_is_zero_for_calloc(void)
{
    static const char zero[BYTES];
    void *run[3];
    three_in_a_row(run);
    sta_heap_free(run[0]);
    CHECK(sta_heap_alloc_zero(BYTES) == run[0]);
    CHECK(memcmp(run[0], zero, BYTES) == 0);
    free_all(run, 3);
}

static void kept_runs_merge_before_the_heap_grows(void)
{
    void *run[3];
    three_in_a_row(run);
    uint32_t top = sta_regions[0].stale.used_top;
    sta_heap_free(run[0]);
    sta_heap_free(run[1]);
    CHECK(alloc_units(2 * UNITS) == run[0]);
    CHECK(sta_regions[0].stale.used_top == top);
    CHECK(sta_recent.units == 0);
    sta_heap_free(run[0]); /* the next one is likely to need new units too */
    CHECK(sta_recent.units == 0);
    sta_heap_free(run[2]);
}

static void an_object_grows_over_a_kept_run(void)
{
    void *run[3];
    three_in_a_row(run);
    sta_heap_free(run[1]);
    CHECK(sta_recent.units == UNITS);
    CHECK(sta_heap_realloc(run[0], BYTES + BYTES / 2) == run[0]);
    CHECK(sta_recent.units == 0);
    sta_heap_free(run[0]);
    sta_heap_free(run[2]);
}

static void a_longer_run_on_a_heaps_list_serves_one_unit_less(void)
{
    void *p = alloc_units(STA_RUN_SLACK_FROM + 1);
    sta_heap_free(p);
    CHECK(alloc_units(STA_RUN_SLACK_FROM) == p);
    sta_heap_free(p);
}

static void trim_gives_all_of_them_back(void)
{
    void *run[3];
    three_in_a_row(run);
    sta_heap_free(run[1]);
    CHECK(sta_recent.units == UNITS);
    CHECK(sta_heap_trim(0) > 0); /* whole pages of the system */
    CHECK(sta_recent.units == 0);
    sta_heap_free(run[0]);
    sta_heap_free(run[2]);
}

int main(void)
{
    static void (*const cases[])(void) = {
        the_same_length_gets_the_run_that_was_freed_last,
        a_run_serves_one_unit_less,
        a_kept_run_is_zero_for_calloc,
        kept_runs_merge_before_the_heap_grows,
        an_object_grows_over_a_kept_run,
        a_longer_run_on_a_heaps_list_serves_one_unit_less,
        trim_gives_all_of_them_back,
    };
    sta_heap_free(sta_heap_alloc(1));
    if (sta_guard_active())
        return CHECK_SKIP; /* nothing is kept there */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_context("case %zu", i);
        sta_heap_trim(0);
        sta_recent.pause = 0;
        cases[i]();
        CHECK(heap_audit(NULL, 0));
    }
    return check_status();
}
