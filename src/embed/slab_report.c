/* SPDX-License-Identifier: MIT */
/*
 * What can be learnt of a slab: ownership, figures, audit and dump; and the
 * slab as a struct sta_allocator. Invariants I1 to I4 are in slab.c.
 */
#include "slab_page.h"

#include "core/bits.h"

bool sta_slab_owns(const struct sta_slab *s, const void *p)
{
    size_t offset = (uintptr_t)p & (s->page_bytes - 1);

    return offset < (size_t)s->slot_count * s->slot_bytes &&
           sta_slab_page_of(s, p)->owner == s;
}

static size_t count_used(const struct sta_slab_page *list)
{
    size_t used = 0;

    for (; list; list = list->next)
        used += list->used;
    return used;
}

void sta_slab_usage(const struct sta_slab *s, struct sta_usage *usage)
{
    size_t slots = s->page_count * s->slot_count;
    size_t used = count_used(s->partial) + count_used(s->full) -
                  s->loaded_count - s->freed_count;

    usage->capacity_bytes = slots * s->slot_bytes;
    usage->live_blocks = used;
    usage->free_bytes = (slots - used) * s->slot_bytes;
    usage->largest_free_bytes = slots > used ? s->slot_bytes : 0;
    usage->free_runs = STA_USAGE_UNKNOWN;
}

/* I1 and I2 for one page. */
static bool page_agrees(const struct sta_slab *s,
                        const struct sta_slab_page *page)
{
    const uint64_t *leaves = leaf_words(s, page), *mids = mid_words(s, page);
    uint32_t free_count = 0;

    for (uint32_t w = 0; w < leaf_count(s); w++) {
        bool marked = (mids[w / 64] >> (w % 64)) & 1;

        free_count += sta_popcount64(leaves[w]);
        if (marked != (leaves[w] != 0))
            return false;
    }
    for (uint32_t m = 0; m < mid_count(s); m++)
        if (((page->filled >> m) & 1) != (mids[m] != 0))
            return false;
    return page->owner == s && free_count + page->used == s->slot_count;
}

/* I3 for a list: counts its pages, all of `least` to `most` used slots. */
static bool list_agrees(const struct sta_slab *s,
                        const struct sta_slab_page *page, uint32_t least,
                        uint32_t most, size_t *count)
{
    const struct sta_slab_page *prev = NULL;

    for (; page; prev = page, page = page->next, ++*count)
        if (page->prev != prev || page->used < least || page->used > most ||
            !page_agrees(s, page))
            return false;
    return true;
}

/* I4 for one magazine: its objects are out, and none is there twice. */
static bool magazine_agrees(const struct sta_slab *s, void *const *magazine,
                            uint32_t count, void *const *other,
                            uint32_t other_count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot;

        if (!sta_slab_slot_of(s, magazine[i], &slot))
            return false;
        if (leaf_words(s, sta_slab_page_of(s, magazine[i]))[slot / 64] >>
                (slot % 64) &
            1)
            return false;
        for (uint32_t j = 0; j < i; j++)
            if (magazine[j] == magazine[i])
                return false;
        for (uint32_t j = 0; j < other_count; j++)
            if (other[j] == magazine[i])
                return false;
    }
    return true;
}

enum sta_err sta_slab_audit(const struct sta_slab *s)
{
    size_t count = 0, empty_count = 0;

    if (s->refused_count)
        return STA_ECORRUPT;
    if (!list_agrees(s, s->full, s->slot_count, s->slot_count, &count) ||
        !list_agrees(s, s->partial, 1, s->slot_count - 1, &count) ||
        !list_agrees(s, s->empty, 0, 0, &empty_count))
        return STA_ECORRUPT;
    if (empty_count != s->empty_count || count + empty_count != s->page_count)
        return STA_ECORRUPT;
    if (!magazine_agrees(s, s->loaded, s->loaded_count, s->freed,
                         s->freed_count) ||
        !magazine_agrees(s, s->freed, s->freed_count, NULL, 0))
        return STA_ECORRUPT;
    return STA_OK;
}

static void dump_list(const struct sta_slab *s, const struct sta_writer *out,
                      const char *name, const struct sta_slab_page *page)
{
    for (; page; page = page->next) {
        sta_writer_text(out, name);
        sta_writer_number(out, page->used);
        sta_writer_text(out, " of ");
        sta_writer_number(out, s->slot_count);
        sta_writer_text(out, " used\n");
    }
}

void sta_slab_dump(const struct sta_slab *s, const struct sta_writer *out)
{
    sta_writer_text(out, "slab of ");
    sta_writer_number(out, s->page_count);
    sta_writer_text(out, " pages, slots of ");
    sta_writer_number(out, s->slot_bytes);
    sta_writer_text(out, " bytes, ");
    sta_writer_number(out, s->loaded_count + s->freed_count);
    sta_writer_text(out, " in magazines\n");
    dump_list(s, out, "\tpartial: ", s->partial);
    dump_list(s, out, "\tfull: ", s->full);
    dump_list(s, out, "\tempty: ", s->empty);
}

/* --- as an allocator ------------------------------------------------------ */

static bool fits(const struct sta_slab *s, size_t size, size_t align)
{
    return size && size <= s->slot_bytes && sta_is_power_of_two(align) &&
           align <= s->page_bytes && s->slot_bytes % align == 0;
}

static void *ops_alloc(void *ctx, size_t size, size_t align)
{
    return fits(ctx, size, align) ? sta_slab_alloc(ctx) : NULL;
}

static void ops_free(void *ctx, void *p, size_t size, size_t align)
{
    (void)size, (void)align;
    sta_slab_free(ctx, p);
}

static bool ops_resize(void *ctx, void *p, size_t size, size_t new_size,
                       size_t align)
{
    (void)p, (void)size;
    return fits(ctx, new_size, align);
}

/* True when p lies in the slots, of `bytes` in all, of a page of the list. */
static bool is_on(const struct sta_slab_page *page, const void *p, size_t bytes)
{
    while (page && (uintptr_t)p - (uintptr_t)page->memory >= bytes)
        page = page->next;
    return page != NULL;
}

/* A chain asks this of any address, where sta_slab_owns() may not read. */
static bool ops_owns(const void *ctx, const void *p)
{
    const struct sta_slab *s = ctx;
    size_t bytes = (size_t)s->slot_count * s->slot_bytes;

    return is_on(s->partial, p, bytes) || is_on(s->full, p, bytes) ||
           is_on(s->empty, p, bytes);
}

static size_t ops_usable_size(const void *ctx, const void *p)
{
    (void)p;
    return sta_slab_object_bytes(ctx);
}

static size_t ops_good_size(const void *ctx, size_t size)
{
    const struct sta_slab *s = ctx;

    return size && size <= s->slot_bytes ? s->slot_bytes : 0;
}

static void ops_usage(const void *ctx, struct sta_usage *usage)
{
    sta_slab_usage(ctx, usage);
}

static enum sta_err ops_audit(const void *ctx)
{
    return sta_slab_audit(ctx);
}

static void ops_dump(const void *ctx, const struct sta_writer *out)
{
    sta_slab_dump(ctx, out);
}

struct sta_allocator sta_slab_allocator(struct sta_slab *s)
{
    static const struct sta_allocator_ops ops = {
        .alloc = ops_alloc,
        .free = ops_free,
        .resize = ops_resize,
        .owns = ops_owns,
        .usable_size = ops_usable_size,
        .good_size = ops_good_size,
        .usage = ops_usage,
        .audit = ops_audit,
        .dump = ops_dump,
    };

    return (struct sta_allocator){&ops, s};
}
