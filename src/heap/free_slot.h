/* SPDX-License-Identifier: MIT */
/*
 * What a free slot holds; a live one belongs to the program.
 *
 *     slot: | mark = slot + link | link = next + key | the rest as it was left
 *
 * The key is a secret of the process.  The mark covers the link, so that malloc
 * follows none that was written to; and the slot's own address, so that a copy
 * of the slot elsewhere has no mark.  It stands in front, where what runs over
 * from the slot before spoils it first.
 *
 * A live object may well begin with its own address and a number, and then that
 * number.  What no program has there is the first byte of the mark, where
 * addresses have 48 bits: it is the key's, and not that of an address, a small
 * number or text in UTF-8.  In 32 bits there is no byte to spare, and the key
 * is part of the sum once more.
 */
#ifndef STA_HEAP_FREE_SLOT_H
#define STA_HEAP_FREE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attr.h"
#include "heap/config.h"
#include "heap/options.h"

struct sta_slot {
    uintptr_t mark;
    uintptr_t link;
};

/* The first byte of a key, in words of 64 bits. */
#define STA_KEY_TAG       0xfbu
#define STA_KEY_TAG_SHIFT (8 * sizeof(uintptr_t) - 8)

static inline uintptr_t sta_slot_mark(const struct sta_slot *slot)
{
    uintptr_t more = sizeof slot->mark > 4 ? 0 : sta_options.key;
    return (uintptr_t)slot + slot->link + more;
}

/* True for a slot on a list that is as its free left it. */
static inline bool sta_slot_is_intact(const struct sta_slot *slot)
{
    return slot->mark == sta_slot_mark(slot);
}

/* True for each free slot, and for few others. */
STA_INLINE bool sta_slot_may_be_free(const struct sta_slot *slot)
{
    return sizeof slot->mark > 4
               ? slot->mark >> STA_KEY_TAG_SHIFT == STA_KEY_TAG
               : sta_slot_is_intact(slot);
}

/* True for a free slot. */
static inline bool sta_slot_is_free(const struct sta_slot *slot)
{
    return sta_slot_may_be_free(slot) && sta_slot_is_intact(slot);
}

static inline struct sta_slot *sta_slot_next(const struct sta_slot *slot)
{
    return (struct sta_slot *)(slot->link - sta_options.key);
}

/* Makes a slot a free one, in front of `next`. */
STA_INLINE void sta_slot_link(struct sta_slot *slot,
                              const struct sta_slot *next)
{
    slot->link = (uintptr_t)next + sta_options.key;
    slot->mark = sta_slot_mark(slot);
}

/*
 * The end of each list of free slots.  It has no mark, as a slot that was
 * written to after its free: one test on the fast path finds either.
 */
extern const struct sta_slot sta_slot_end STA_HIDDEN;

#define STA_SLOT_END ((struct sta_slot *)(uintptr_t)&sta_slot_end)

/* Ends the process for a slot that is not as its free left it; at level 0 its
 * list ends there instead, and the rest is lost. */
STA_COLD struct sta_slot *sta_slot_damaged(const struct sta_slot *slot);

/* Returns the slot behind a free one. */
static inline struct sta_slot *sta_slot_follow(const struct sta_slot *slot)
{
    return sta_likely(sta_slot_is_intact(slot)) ? sta_slot_next(slot)
                                                : sta_slot_damaged(slot);
}

/* Makes a slot a free one, the first of a list. */
STA_INLINE void sta_slot_push(struct sta_slot **list, struct sta_slot *slot)
{
    sta_slot_link(slot, *list);
    *list = slot;
}

/* Takes the first slot of a list that has one. */
static inline struct sta_slot *sta_slot_pop(struct sta_slot **list)
{
    struct sta_slot *slot = *list;
    *list = sta_slot_follow(slot);
    slot->mark = 0;
    return slot;
}

#endif
