/* SPDX-License-Identifier: MIT */
/*
 * What the heap's fuzz target knows of the objects that live, for itself: a
 * list of them, their contents, and a map of who holds which 16 bytes.
 */
#ifndef TESTS_FUZZ_HEAP_LIVE_H
#define TESTS_FUZZ_HEAP_LIVE_H

#include <string.h>

#include "heap/guard.h"
#include "tests/lib/check.h"
#include "tests/lib/heap_audit.h"

enum {
    LIVE_MAX = 2000,
    WHOLE = 4096, /* bytes up to which an object is filled wholly */
    SOME = 64,    /* bytes at the start of further pages */
    PLACES = 16,  /* so many of these at most: each costs a page fault */
    MAP_BYTES = 1 << 24
};

static struct object {
    unsigned char *p;
    size_t size, usable;
    unsigned char fill;
} live[LIVE_MAX];
static size_t live_count;
static unsigned char held[MAP_BYTES / 16]; /* 1 where an object lies */

/* Claims or gives up the bytes of an object in the map. */
static void hold(const unsigned char *p, size_t bytes, bool claim)
{
    uintptr_t offset = (uintptr_t)p - sta_regions[0].base;

    if (offset >= MAP_BYTES || bytes > MAP_BYTES - offset)
        return;
    unsigned char *map = held + offset / 16;
    size_t cells = (bytes + 15) / 16;
    for (size_t i = 0; claim && i < cells; i++)
        REQUIRE(map[i] == 0);
    memset(map, claim, cells);
}

/* The distance from one place that is filled to the next: whole pages. */
static size_t stride(const struct object *b)
{
    return (b->size / PLACES / WHOLE + 1) * WHOLE;
}

/* Bytes from `at` on that are filled, up to the next that may not be. */
static size_t filled_at(const struct object *b, size_t at)
{
    size_t end = b->size <= WHOLE ? b->size : at + SOME;

    return end < b->size ? end : b->size;
}

static void fill(struct object *b)
{
    static unsigned serial;

    b->fill = (unsigned char)(++serial | 1);
    for (size_t at = 0; at < b->size; at += stride(b))
        memset(b->p + at, b->fill, filled_at(b, at) - at);
    if (b->size)
        b->p[b->size - 1] = b->fill;
}

/* Checks what was filled of the first `kept` bytes, now at `p`. */
static void check_contents(const struct object *b, const unsigned char *p,
                           size_t kept)
{
    for (size_t at = 0; at < kept; at += stride(b))
        for (size_t i = at; i < filled_at(b, at) && i < kept; i++)
            REQUIRE(p[i] == b->fill);
    if (kept == b->size && kept > 0)
        REQUIRE(p[kept - 1] == b->fill);
}

/* A new object. */
static void enter(unsigned char *p, size_t size, size_t align)
{
    struct object *b = &live[live_count++];

    *b = (struct object){p, size, sta_heap_usable(p), 0};
    REQUIRE((uintptr_t)p % align == 0);
    REQUIRE(sta_guard_active() ? b->usable == size : b->usable >= size);
    hold(p, b->usable, true);
    fill(b);
}

/* It is an object no more. */
static void leave(size_t i)
{
    hold(live[i].p, live[i].usable, false);
    live[i] = live[--live_count];
}

/* True when a live object begins there. */
static bool is_live(const void *p)
{
    for (size_t i = 0; i < live_count; i++)
        if (live[i].p == p)
            return true;
    return false;
}

/* The audit is to find these objects and no others. */
static void audit(void)
{
    static const void *starts[LIVE_MAX];

    for (size_t i = 0; i < live_count; i++)
        starts[i] = live[i].p;
    REQUIRE(heap_audit(starts, live_count));
}

#endif
