/* SPDX-License-Identifier: MIT */
/*
 * The door of mixed.c to the heap: its own names.  A sanitizer keeps malloc for
 * itself, so this is how it gets to see our heap at work.
 */
#ifndef TESTS_STRESS_DOOR_HEAP_H
#define TESTS_STRESS_DOOR_HEAP_H

#include "heap/heap.h"
#include "heap/stats.h"

#define door_alloc           sta_heap_alloc
#define door_zero            sta_heap_alloc_zero
#define door_aligned(a, n)   sta_heap_alloc_aligned(n, a)
#define door_realloc(old, n) sta_heap_realloc(old, n)
#define door_free            sta_heap_free
#define door_usable          sta_heap_usable

static inline int door_can_be_bounded(void)
{
    return 1;
}

static inline void door_report(void)
{
    sta_stats_write(2, STA_FORMAT_TEXT);
}

#endif
