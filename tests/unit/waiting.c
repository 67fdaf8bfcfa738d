/* SPDX-License-Identifier: MIT */
/*
 * How many freed runs wait in their heap for the next request (heap/large.c).
 *
 * A batch of objects that all go and come again is to wait whole, up to a
 * bound: through the arena each takes ten times as long.  Where most of the
 * memory stays in use, runs that wait are memory that others could have.
 */
#include "heap/guard.h"
#include "heap/heap.h"
#include "heap/trim.h"
#include "tests/lib/check.h"

enum { UNITS = 5, BYTES = UNITS * STA_UNIT_BYTES, MOST = 1024 };

static void alloc_all(void **run, size_t count, size_t bytes)
{
    for (size_t i = 0; i < count; i++)
        REQUIRE((run[i] = sta_heap_alloc(bytes)) != NULL);
}

static void free_all(void *const *run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sta_heap_free(run[i]);
}

/* Makes and frees so many runs, so often that no more is learnt of it. */
static void batches(size_t count)
{
    static void *run[MOST];
    for (int round = 0; round < 16; round++) {
        alloc_all(run, count, BYTES);
        free_all(run, count);
    }
}

static void a_batch_that_comes_again_waits_whole(void)
{
    batches(80);
    CHECK(sta_self->run_units >= 80 * UNITS);
}

/* 8 MiB that come and go are taken for a program that shrinks now and then. */
static void it_outlasts_one_epoch_of_shrinking(void)
{
    enum { COUNT = 1000, SIZE = 2 * STA_UNIT_BYTES };
    static void *run[COUNT];
    for (int round = 0; round < 64; round++) {
        alloc_all(run, COUNT, SIZE);
        free_all(run, COUNT);
        CHECK(round < 32 || sta_self->run_units >= 2 * COUNT);
    }
}

static void what_waits_is_bounded(void)
{
    batches(MOST);
    CHECK(sta_self->run_units <=
          STA_RUN_KEEP_UNITS + STA_RUN_WISH_MAX + 2 * STA_RUN_UNITS_MAX);
}

static void a_small_part_of_what_is_in_use_waits_no_longer(void)
{
    static void *used[MOST];
    alloc_all(used, MOST, BYTES);
    batches(80);
    CHECK(sta_self->run_units <= STA_RUN_KEEP_UNITS +
                                     sta_pages_used() / STA_RUN_KEEP_SHARE +
                                     STA_RUN_UNITS_MAX);
    free_all(used, MOST);
}

static void trim_forgets_it(void)
{
    static void *run[80];
    batches(80);
    sta_heap_trim(0);
    CHECK(sta_self->run_units == 0);
    alloc_all(run, 80, BYTES);
    free_all(run, 80);
    CHECK(sta_self->run_units <= STA_RUN_KEEP_UNITS + STA_RUN_UNITS_MAX);
}

int main(void)
{
    static void (*const cases[])(void) = {
        a_batch_that_comes_again_waits_whole,
        it_outlasts_one_epoch_of_shrinking,
        what_waits_is_bounded,
        a_small_part_of_what_is_in_use_waits_no_longer,
        trim_forgets_it,
    };
    sta_heap_free(sta_heap_alloc(1));
    if (sta_guard_active())
        return CHECK_SKIP; /* nothing waits there */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_context("case %zu", i);
        sta_heap_trim(0);
        cases[i]();
    }
    return check_status();
}
