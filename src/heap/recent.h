/* SPDX-License-Identifier: MIT */
/*
 * Runs that were freed lately and are free as they were, with their
 * descriptors; see recent.c.
 *
 * Everything here is under sta_pages_lock.
 */
#ifndef STA_HEAP_RECENT_H
#define STA_HEAP_RECENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attr.h"
#include "heap/config.h"
#include "heap/slab.h"

enum { STA_RECENT_LISTS = STA_RUN_UNITS_MAX };

struct sta_recent {
    struct sta_slab *lists[STA_RECENT_LISTS]; /* newest first */
    uint32_t units;                           /* on them, in all */
    uint32_t pause; /* frees until runs are kept again */
};

extern struct sta_recent sta_recent STA_HIDDEN;

/* True when there are any. */
static inline bool sta_recent_any(void)
{
    return sta_recent.units != 0;
}

/* Asks for the cache lines that a run of `count` units needs here. */
static inline void sta_recent_expect(uint32_t count)
{
    sta_prefetch_own(&sta_recent.lists[count % STA_RECENT_LISTS]);
    sta_prefetch_own(&sta_recent.units);
}

/* Takes a run of `count` units, or with the slack below; NULL when there is
 * none. */
struct sta_slab *sta_recent_take(uint32_t count);

/*
 * Takes in a run that was freed, of no heap, that the map does not lead to any
 * more.  It is kept, or it and its descriptor go back to their region; so does
 * an older one that it takes the place of.
 */
void sta_recent_give(struct sta_slab *s);

/* Gives a free run and its descriptor back to their region. */
void sta_recent_release(struct sta_slab *s);

/* Gives up to `count` of them back; there are no more than 64. */
void sta_recent_flush(uint32_t count);

/* Returns how many units more than asked for a run may have that was freed
 * before: what would else wait is better used. */
static inline uint32_t sta_run_slack(uint32_t units)
{
    return units >= STA_RUN_SLACK_FROM ? 1 : 0;
}

#endif
