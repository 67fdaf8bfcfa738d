/* SPDX-License-Identifier: MIT */
/*
 * The arena in band: free runs of blocks linked in address order, each
 * described by four bytes in its own first block.
 *
 *     list    first 2
 *     block   0   1   2            3   4   5   6            7
 *             #   #   next 6       .   .   #   next 0       .
 *                     after 3                  after 0
 *
 * A run says how many blocks lie behind its end instead of how long it is. So
 * its description stays true when blocks are taken from its front, and taking
 * them is a copy of four bytes; and all-zero memory describes what a new arena
 * is: one run from block 0 to the end, with no successor.
 *
 * The four bytes are one number, `after` below and `next` above, and so is the
 * list: a short store before a longer load costs more than the rest of a call.
 *
 * Invariants, for an arena that is not full:
 *   I1  first is a run. Block 0 is nobody's successor: next 0 is none.
 *   I2  A run ends before its successor begins: two runs never touch.
 *   I3  A run that reaches the end has no successor.
 *
 * Not thread safe. Everything is O(free runs), and O(1) at the lowest run; no
 * block in use and no byte of a free run behind its first four is read.
 *
 * Knuth, TAOCP 1, 2.5, algorithms A and B; in-band nodes after abgros/stalloc,
 * where a full arena was a length and "empty" a link, and both could be wrong.
 */
#include "arena_parts.h"

#include "core/attr.h"

static_assert(sizeof(struct sta_arena_list) == 4, "all there is");

static unsigned char *run_at(const struct sta_arena *a, size_t i)
{
    return a->blocks + (i << a->block_log2);
}

static uint32_t read_run(const struct sta_arena *a, size_t i)
{
    uint32_t run;

    if (sta_arena_is_noted(a))
        sta_note_open(run_at(a, i), sizeof run);
    __builtin_memcpy(&run, run_at(a, i), sizeof run);
    if (sta_arena_is_noted(a))
        sta_note_close(run_at(a, i), sizeof run);
    return run;
}

/* Describes the run that begins at i and ends before `end`. */
static void write_run(struct sta_arena *a, size_t i, size_t end, size_t next)
{
    uint32_t run = (uint32_t)(next << 16 | (a->block_count - end));

    if (sta_arena_is_noted(a))
        sta_note_open(run_at(a, i), sizeof run);
    __builtin_memcpy(run_at(a, i), &run, sizeof run);
    if (sta_arena_is_noted(a))
        sta_note_close(run_at(a, i), sizeof run);
}

/* A place in the list: a run, and the one before it. */
struct place {
    size_t before; /* STA_ARENA_NONE when i is the lowest run */
    size_t i;      /* STA_ARENA_NONE behind the highest run */
    size_t end;
    size_t next; /* 0 for none */
};

static struct place place_at(const struct sta_arena *a, size_t before, size_t i)
{
    uint32_t run = read_run(a, i);

    return (struct place){before, i, a->block_count - (run & 0xFFFF),
                          run >> 16};
}

static struct place lowest_place(const struct sta_arena *a)
{
    if (a->list->first == STA_ARENA_FULL)
        return (struct place){STA_ARENA_NONE, STA_ARENA_NONE, 0, 0};
    return place_at(a, STA_ARENA_NONE, a->list->first);
}

static struct place next_place(const struct sta_arena *a, struct place at)
{
    if (at.next == 0)
        return (struct place){at.i, STA_ARENA_NONE, 0, 0};
    return place_at(a, at.i, at.next);
}

/* Makes `next` follow the run `before`, or be the lowest; 0 for none. */
static void link_after(struct sta_arena *a, size_t before, size_t next)
{
    if (before == STA_ARENA_NONE) {
        a->list->first = next == 0 ? STA_ARENA_FULL : (uint32_t)next;
        return;
    }
    struct place at = place_at(a, STA_ARENA_NONE, before);
    write_run(a, before, at.end, next);
}

/* Takes `count` blocks at `first` out of the run at `at`, which has them. */
static void cut(struct sta_arena *a, struct place at, size_t first,
                size_t count)
{
    size_t next = at.next;

    if (first + count < at.end) {
        next = first + count;
        write_run(a, next, at.end, at.next);
    }
    if (first > at.i)
        write_run(a, at.i, first, next);
    else
        link_after(a, at.before, next);
}

size_t sta_arena_list_take(struct sta_arena *a, size_t count, size_t align)
{
    struct place at = lowest_place(a);

    for (; at.i != STA_ARENA_NONE; at = next_place(a, at)) {
        size_t gap = -(sta_arena_phase(a) + at.i) & (align - 1);
        size_t length = at.end - at.i;
        if (gap <= length && count <= length - gap) {
            cut(a, at, at.i + gap, count);
            return at.i + gap;
        }
    }
    return STA_ARENA_NONE;
}

bool sta_arena_list_take_at(struct sta_arena *a, size_t first, size_t count)
{
    struct place at = lowest_place(a);

    while (at.i != STA_ARENA_NONE && at.i < first)
        at = next_place(a, at);
    if (at.i != first || count > at.end - first)
        return false;
    cut(a, at, first, count);
    return true;
}

bool sta_arena_list_give(struct sta_arena *a, size_t first, size_t count)
{
    struct place before = {STA_ARENA_NONE, STA_ARENA_NONE, 0, 0};
    struct place at = lowest_place(a);
    size_t end = first + count;
    size_t next = 0;

    while (at.i != STA_ARENA_NONE && at.i < first) {
        before = at;
        at = next_place(a, at);
    }
    if (before.end > first || (at.i != STA_ARENA_NONE && at.i < end))
        return false;
    if (at.i != STA_ARENA_NONE) {
        next = at.i == end ? at.next : at.i;
        end = at.i == end ? at.end : end;
    }
    if (before.i != STA_ARENA_NONE && before.end == first) {
        write_run(a, before.i, end, next);
        return true;
    }
    write_run(a, first, end, next);
    if (before.i != STA_ARENA_NONE)
        write_run(a, before.i, before.end, first);
    else
        a->list->first = (uint32_t)first;
    return true;
}

size_t sta_arena_list_next(const struct sta_arena *a, size_t from,
                           size_t *count)
{
    struct place at = lowest_place(a);

    while (at.i != STA_ARENA_NONE && at.i < from)
        at = next_place(a, at);
    if (at.i != STA_ARENA_NONE)
        *count = at.end - at.i;
    return at.i;
}

size_t sta_arena_list_behind(const struct sta_arena *a, size_t i, size_t *count)
{
    struct place at = next_place(a, place_at(a, STA_ARENA_NONE, i));

    if (at.i != STA_ARENA_NONE)
        *count = at.end - at.i;
    return at.i;
}

void sta_arena_list_clear(struct sta_arena *a)
{
    a->list->first = 0;
    write_run(a, 0, a->block_count, 0);
}

enum sta_err sta_arena_list_audit(const struct sta_arena *a)
{
    size_t i = a->list->first;
    size_t free_from = 0; /* where the next run may begin */

    if (i == STA_ARENA_FULL)
        return STA_OK;
    for (;;) {
        /* Before it is read: a broken link must not lead out of the arena. */
        if (i < free_from || i >= a->block_count)
            return STA_ECORRUPT; /* I2 */
        struct place at = place_at(a, STA_ARENA_NONE, i);
        if (at.end <= i || at.end > a->block_count)
            return STA_ECORRUPT;
        if (at.next == 0)
            return STA_OK; /* I1 */
        free_from = at.end + 1;
        i = at.next; /* I3: it is below block_count, so at.end was */
    }
}
