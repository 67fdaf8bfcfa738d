/* SPDX-License-Identifier: MIT */
/* Where the free bits of a page of a slab stand; the drawing is in slab.c. */
#ifndef STA_EMBED_SLAB_PAGE_H
#define STA_EMBED_SLAB_PAGE_H

#include <stalloc/slab.h>

static inline uint64_t *leaf_words(const struct sta_slab *s,
                                   const struct sta_slab_page *page)
{
    return (uint64_t *)(void *)(page->memory + s->words_offset);
}

static inline uint64_t *mid_words(const struct sta_slab *s,
                                  const struct sta_slab_page *page)
{
    return (uint64_t *)(void *)(page->memory + s->mids_offset);
}

static inline uint32_t leaf_count(const struct sta_slab *s)
{
    return (s->slot_count + 63) / 64;
}

static inline uint32_t mid_count(const struct sta_slab *s)
{
    return (leaf_count(s) + 63) / 64;
}

static inline struct sta_slab_page *sta_slab_page_of(const struct sta_slab *s,
                                                     const void *p)
{
    uintptr_t memory = (uintptr_t)p & ~(uintptr_t)(s->page_bytes - 1);

    return (struct sta_slab_page *)(memory + s->header_offset);
}

/*
 * The number of the slot that begins at p; false when none of s does.
 *
 * offset / slot_bytes is offset * R >> k with R = ceil(2^k / slot_bytes) and
 * k = 32 + log2(slot_bytes), rounded down. R is too large by less than 1, the
 * product by less than offset < 2^31 < 2^k / slot_bytes: it does not reach the
 * next slot. And R <= 2^32, so that the product fits 64 bits. core/slot.h has a
 * cheaper way for slabs up to 64 KiB; pages here may have 2 GiB.
 */
static inline bool sta_slab_slot_of(const struct sta_slab *s, const void *p,
                                    uint32_t *slot)
{
    size_t offset = (uintptr_t)p & (s->page_bytes - 1);

    *slot = (uint32_t)((offset * s->reciprocal) >> s->shift);
    return (size_t)*slot * s->slot_bytes == offset && *slot < s->slot_count &&
           sta_slab_page_of(s, p)->owner == s;
}

#endif
