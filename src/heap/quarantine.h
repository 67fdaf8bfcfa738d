/* SPDX-License-Identifier: MIT */
/*
 * Quarantine: freed objects wait here before their memory is used again, so
 * that a write to one is found, and a second free of it.
 *
 * A ring, oldest first.  At level 3 the newcomer changes places with any that
 * waits: which one comes out next is then nobody's guess.
 *
 * The caller holds the lock of the heap that the quarantine belongs to.
 */
#ifndef STA_HEAP_QUARANTINE_H
#define STA_HEAP_QUARANTINE_H

#include <stddef.h>
#include <stdint.h>

#include "heap/config.h"

struct sta_waiting {
    void *object;
    size_t bytes;
};

struct sta_quarantine {
    size_t bytes;      /* of all that wait */
    size_t bytes_most; /* fixed */
    uint32_t first;    /* index of the oldest */
    uint32_t count;
    struct sta_waiting ring[STA_QUARANTINE_OBJECTS];
};

/* Makes it empty.  The ring's memory is not touched. */
static inline void sta_quarantine_init(struct sta_quarantine *q,
                                       size_t bytes_most)
{
    q->bytes = 0;
    q->bytes_most = bytes_most;
    q->first = 0;
    q->count = 0;
}

/* Returns the index of the `nth` oldest in the ring. */
static inline uint32_t sta_quarantine_at(const struct sta_quarantine *q,
                                         uint32_t nth)
{
    return (q->first + nth) % STA_QUARANTINE_OBJECTS;
}

/* Adds an object in place of the `nth` oldest, which becomes the newest; or as
 * the newest, when nth is the count.  There is room: see sta_quarantine_due. */
static inline void sta_quarantine_add(struct sta_quarantine *q, void *object,
                                      size_t bytes, uint32_t nth)
{
    struct sta_waiting *newest = &q->ring[sta_quarantine_at(q, q->count++)];
    struct sta_waiting *chosen = &q->ring[sta_quarantine_at(q, nth)];
    *newest = *chosen;
    *chosen = (struct sta_waiting){object, bytes};
    q->bytes += bytes;
}

/* Takes the oldest out; NULL when none waits. */
static inline void *sta_quarantine_take(struct sta_quarantine *q)
{
    if (q->count == 0)
        return NULL;
    struct sta_waiting oldest = q->ring[q->first];
    q->ring[q->first].object = NULL; /* a search for leaks reads this */
    q->first = sta_quarantine_at(q, 1);
    q->count--;
    q->bytes -= oldest.bytes;
    return oldest.object;
}

/* Takes the oldest out if more wait than may, or no more could; else NULL. */
static inline void *sta_quarantine_due(struct sta_quarantine *q)
{
    bool full = q->bytes > q->bytes_most || q->count == STA_QUARANTINE_OBJECTS;
    return full ? sta_quarantine_take(q) : NULL;
}

#endif
