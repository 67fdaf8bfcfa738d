/* SPDX-License-Identifier: MIT */
/*
 * Size classes over slabs, and a pager under them.
 *
 * The classes are those of the malloc library (core/sizeclass.h), continued by
 * the same formula to 128 KiB. Which slab a block came from follows from its
 * size and alignment alone, so that a free looks nothing up: the caller says
 * both, and the slab refuses an address that is not its own.
 *
 * An alignment is had by taking a class whose slots are multiples of it: slots
 * begin at the page's beginning, and pages are aligned to their size. A power
 * of two comes at the latest three classes on.
 *
 * I1  a class's slab keeps at most one empty page after a free, if there is a
 *     pager; sta_zone_trim() leaves none.
 * I2  large_bytes is the sum of what the pager handed out for large blocks.
 *
 * Concurrency: as slab.c; blocks of the pager that others free wait in
 * remote_large with their size, until the owner next uses the pager.
 */
#include <stalloc/zone.h>

#include "core/attr.h"
#include "core/bits.h"
#include "core/sizeclass.h"

enum { SLOTS_MIN = 8, NO_CLASS = STA_ZONE_CLASSES };

static_assert((int)STA_ZONE_CLASSES >= (int)STA_CLASS_COUNT,
              "the formula goes on");

static_assert(sizeof(struct sta_zone) < 24 * 1024, "what zone.h says");

/* A large block that another thread freed. */
struct freed {
    struct freed *next;
    size_t size;
};

/* --- classes -------------------------------------------------------------- */

/* The class of a request, or NO_CLASS when the pager serves it. */
static uint32_t class_of(const struct sta_zone *z, size_t size, size_t align)
{
    uint32_t c;

    if (size > sta_class_bytes(STA_ZONE_CLASSES - 1))
        return NO_CLASS;
    c = sta_class_of(size);
    if (align > 16)
        while (c < z->class_count && (sta_class_bytes(c) & (align - 1)))
            c++;
    return c < z->class_count ? c : NO_CLASS;
}

/*
 * The slab of a request that the class table answers: small, and aligned to 1,
 * 2, 4, 8 or 16, which every class is. Else NULL.
 */
STA_INLINE struct sta_slab *fast_slab(struct sta_zone *z, size_t size,
                                      size_t align)
{
    const uint32_t aligns = 1u << 1 | 1u << 2 | 1u << 4 | 1u << 8 | 1u << 16;

    if (size - 1 >= z->fast_bytes || align > 16 || !(aligns >> align & 1))
        return NULL;
    return &z->slabs[sta_class_table[(size + 15) / 16]];
}

static bool is_small(const struct sta_zone *z, uint32_t c)
{
    return sta_class_bytes(c) <= z->small_page_bytes / SLOTS_MIN;
}

static bool is_request(const struct sta_zone *z, size_t size, size_t align)
{
    return size && sta_is_power_of_two(align) &&
           size <= SIZE_MAX - z->small_page_bytes;
}

/* What the pager is asked for a block that is in no class. */
static size_t large_bytes(const struct sta_zone *z, size_t size)
{
    return sta_round_up(size, z->small_page_bytes);
}

enum sta_err sta_zone_init(struct sta_zone *z,
                           const struct sta_zone_config *config)
{
    enum { SMALL = 4096, LARGE = 2 << 20, SMALL_MIN = 512 };
    size_t small = config->small_page_bytes, large = config->large_page_bytes;

    if (!small)
        small = SMALL;
    if (!large)
        large = small > LARGE ? small : LARGE;
    if (!sta_is_power_of_two(small) || !sta_is_power_of_two(large) ||
        small < SMALL_MIN || small > large || large > UINT32_MAX)
        return STA_EINVAL;
    z->small_page_bytes = small;
    z->large_page_bytes = large;
    z->pager = config->pager.get ? config->pager : sta_source_none();
    if (config->pager.get && !config->pager.give)
        z->pager = sta_source_keeping(&z->keeper, config->pager);
    z->large_bytes = z->large_count = 0;
    z->remote_large = NULL;
    for (z->class_count = 0; z->class_count < STA_ZONE_CLASSES;
         z->class_count++) {
        uint32_t c = z->class_count, bytes = sta_class_bytes(c);

        if (bytes > large / SLOTS_MIN)
            break;
        sta_slab_init(&z->slabs[c], bytes, 16, is_small(z, c) ? small : large);
    }
    z->fast_bytes = z->class_count ? sta_class_bytes(z->class_count - 1) : 0;
    if (z->fast_bytes > STA_CLASS_TABLE_MAX)
        z->fast_bytes = STA_CLASS_TABLE_MAX;
    return STA_OK;
}

/* --- pages ---------------------------------------------------------------- */

/* Exactly `size` bytes, or NULL: a span of another size goes back. */
static void *get_exactly(struct sta_zone *z, size_t size, size_t align)
{
    size_t got = size;
    void *p = sta_source_get(&z->pager, &got, align);

    if (p && got != size) {
        sta_source_give(&z->pager, p, got);
        return NULL;
    }
    return p;
}

/* The same; what empty pages hold back may be what is missing. */
static void *page_in(struct sta_zone *z, size_t size, size_t align)
{
    void *p = get_exactly(z, size, align);

    return !p && sta_zone_trim(z) ? get_exactly(z, size, align) : p;
}

/* Takes in the large blocks that other threads freed. */
static void collect_large(struct sta_zone *z)
{
    struct freed *f;

    if (!__atomic_load_n(&z->remote_large, __ATOMIC_RELAXED))
        return;
    /* acquire: pairs with the release in sta_zone_free_remote() */
    f = __atomic_exchange_n(&z->remote_large, NULL, __ATOMIC_ACQUIRE);
    while (f) {
        struct freed *next = f->next;

        z->large_bytes -= f->size;
        z->large_count--;
        sta_source_give(&z->pager, f, f->size);
        f = next;
    }
}

static void *alloc_large(struct sta_zone *z, size_t size, size_t align)
{
    size_t bytes = large_bytes(z, size);
    void *p;

    collect_large(z);
    p = page_in(z, bytes,
                align > z->small_page_bytes ? align : z->small_page_bytes);
    if (p) {
        z->large_bytes += bytes;
        z->large_count++;
    }
    return p;
}

struct giver {
    struct sta_zone *zone;
    size_t page_bytes;
};

static void give_page(void *ctx, void *page)
{
    struct giver *giver = ctx;

    sta_source_give(&giver->zone->pager, page, giver->page_bytes);
}

/* Returns up to max_pages empty pages of a slab to the pager; their bytes. */
static size_t page_out(struct sta_zone *z, struct sta_slab *s, size_t max_pages)
{
    struct giver giver = {z, s->page_bytes};

    if (!z->pager.give)
        return 0;
    return s->page_bytes * sta_slab_reclaim(s, max_pages, give_page, &giver);
}

/* --- blocks --------------------------------------------------------------- */

STA_NOINLINE static void *alloc_slow(struct sta_zone *z, size_t size,
                                     size_t align)
{
    struct sta_slab *s;
    uint32_t c;
    void *p;

    if (!is_request(z, size, align))
        return NULL;
    c = class_of(z, size, align);
    if (c == NO_CLASS)
        return alloc_large(z, size, align);
    s = &z->slabs[c];
    p = sta_slab_alloc(s);
    if (p)
        return p;
    p = page_in(z, s->page_bytes, s->page_bytes);
    if (!p)
        return NULL;
    sta_slab_refill(s, p);
    return sta_slab_alloc(s);
}

void *sta_zone_alloc(struct sta_zone *z, size_t size, size_t align)
{
    struct sta_slab *s = fast_slab(z, size, align);

    if (sta_likely(s && s->loaded_count))
        return sta_slab_alloc(s);
    return alloc_slow(z, size, align);
}

static bool free_large(struct sta_zone *z, void *p, size_t size)
{
    size_t bytes = large_bytes(z, size);

    collect_large(z);
    if (bytes > z->large_bytes)
        return false;
    z->large_bytes -= bytes;
    z->large_count--;
    sta_source_give(&z->pager, p, bytes);
    return true;
}

STA_NOINLINE static bool free_slow(struct sta_zone *z, void *p, size_t size,
                                   size_t align)
{
    struct sta_slab *s;
    uint32_t c;

    if (!p || !is_request(z, size, align))
        return false;
    c = class_of(z, size, align);
    if (c == NO_CLASS)
        return free_large(z, p, size);
    s = &z->slabs[c];
    sta_slab_free(s, p);
    /* Its magazine may empty several pages; the other is flushed, too. */
    while (s->empty_count > 1 && page_out(z, s, 1) != 0)
        continue;
    return true;
}

bool sta_zone_free(struct sta_zone *z, void *p, size_t size, size_t align)
{
    struct sta_slab *s = fast_slab(z, size, align);

    if (sta_likely(s && p && s->freed_count < STA_SLAB_MAGAZINE)) {
        sta_slab_free(s, p);
        return true;
    }
    return free_slow(z, p, size, align);
}

bool sta_zone_free_remote(struct sta_zone *z, void *p, size_t size,
                          size_t align)
{
    struct freed *f = p;
    void *head;
    uint32_t c;

    if (!p || !is_request(z, size, align))
        return false;
    c = class_of(z, size, align);
    if (c != NO_CLASS)
        return sta_slab_free_remote(&z->slabs[c], p);
    f->size = large_bytes(z, size);
    head = __atomic_load_n(&z->remote_large, __ATOMIC_RELAXED);
    /* release: pairs with the acquire that takes the list */
    do
        f->next = head;
    while (!__atomic_compare_exchange_n(&z->remote_large, &head, p, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return true;
}

bool sta_zone_resize(struct sta_zone *z, void *p, size_t size, size_t new_size,
                     size_t align)
{
    uint32_t c;

    if (!p || !is_request(z, size, align) || !is_request(z, new_size, align))
        return false;
    c = class_of(z, size, align);
    if (c != class_of(z, new_size, align))
        return false;
    return c != NO_CLASS || large_bytes(z, size) == large_bytes(z, new_size);
}

void *sta_zone_realloc(struct sta_zone *z, void *p, size_t size,
                       size_t new_size, size_t align)
{
    struct sta_allocator a = sta_zone_allocator(z);

    return sta_allocator_realloc(&a, p, size, new_size, align);
}

size_t sta_zone_good_size(const struct sta_zone *z, size_t size, size_t align)
{
    uint32_t c;

    if (!is_request(z, size, align))
        return 0;
    c = class_of(z, size, align);
    if (c != NO_CLASS)
        return sta_class_bytes(c);
    return z->pager.get == sta_source_none().get ? 0 : large_bytes(z, size);
}

size_t sta_zone_page_bytes(const struct sta_zone *z, size_t size, size_t align)
{
    uint32_t c =
        is_request(z, size, align) ? class_of(z, size, align) : NO_CLASS;

    return c == NO_CLASS ? 0 : z->slabs[c].page_bytes;
}

enum sta_err sta_zone_refill(struct sta_zone *z, size_t size, size_t align,
                             void *page, size_t page_bytes)
{
    if (!page_bytes || page_bytes != sta_zone_page_bytes(z, size, align))
        return STA_EINVAL;
    return sta_slab_refill(&z->slabs[class_of(z, size, align)], page);
}

size_t sta_zone_reclaim(struct sta_zone *z, size_t page_bytes, size_t max_pages,
                        void (*give)(void *ctx, void *page), void *ctx)
{
    size_t count = 0;

    for (uint32_t c = 0; c < z->class_count && count < max_pages; c++)
        if (z->slabs[c].page_bytes == page_bytes)
            count +=
                sta_slab_reclaim(&z->slabs[c], max_pages - count, give, ctx);
    return count;
}

size_t sta_zone_trim(struct sta_zone *z)
{
    size_t bytes = 0;

    collect_large(z);
    for (uint32_t c = 0; c < z->class_count; c++)
        bytes += page_out(z, &z->slabs[c], SIZE_MAX);
    return bytes;
}
