/* SPDX-License-Identifier: MIT */
/*
 * Slabs: a bit per slot, and two levels of bits over them.
 *
 * The page of an object is its address with the low bits cleared; everything
 * the slab knows of a page stands at its end, so that slots begin at the page's
 * beginning and keep any alignment up to the page's.
 *
 *     filled (one word)      1 0 0 ...              a bit a mid word
 *     mid words              |1 0 1 1 ...|          a bit a leaf word
 *     leaf words             |0..| |0..0| |1..| ..  a bit a slot, 1 = free
 *
 * 64 * 64 * 64 slots are the most: 2 MiB of 8-byte objects.
 *
 * Above the pages are two magazines of 16 objects, one that alloc takes from
 * and one that free adds to. A pair of alloc and free writes two counts, and
 * waits for neither: with one stack, or one word of bits, each call would wait
 * for what the last one stored, which is twice as slow. The pages are asked for
 * 8 objects when both are empty, and get 16 when both are in use.
 *
 * I1  a mid bit is 1 exactly when its leaf word is not 0; a bit of `filled`
 *     exactly when its mid word is not 0.
 * I2  page->used + ones in its leaf words = slot_count. Objects in a magazine
 *     count as used.
 * I3  a page is in `full` (used == slot_count), in `empty` (used == 0) or in
 *     `partial`: moved at once.
 * I4  no object is twice in the magazines, nor in one and free in its page.
 *
 * Concurrency: `remote` is a stack of objects linked through their first word.
 * Any thread pushes with release; the owner takes all at once with acquire, so
 * that what a thread wrote before it freed is seen by who gets the object next,
 * and no element can come back under a push (no ABA: nothing pops one). All the
 * rest is the owner's alone; a remote free reads only what is fixed while the
 * object lives.
 *
 * Slabs: Bonwick, USENIX Summer 1994; magazines: Bonwick and Adams, USENIX
 * 2001. Bits in place of a list keep the objects cold and tell a double free.
 */
#include "slab_page.h"

#include "core/attr.h"
#include "core/bits.h"
#include "divide.h"

enum { SLOTS_MAX = 64 * 64 * 64 };

/* What slab.h says of memory. */
static_assert(sizeof(struct sta_slab) < 400, "a slab");
static_assert(sizeof(struct sta_slab_page) <= 48, "a page's header");

/* --- lists of pages ------------------------------------------------------- */

static void push(struct sta_slab_page **list, struct sta_slab_page *page)
{
    page->prev = NULL;
    page->next = *list;
    if (page->next)
        page->next->prev = page;
    *list = page;
}

static void unlink_page(struct sta_slab_page **list, struct sta_slab_page *page)
{
    if (page->next)
        page->next->prev = page->prev;
    if (page->prev)
        page->prev->next = page->next;
    else
        *list = page->next;
}

/* Enters a page where its count says: I3. */
static void file(struct sta_slab *s, struct sta_slab_page *page)
{
    if (page->used == s->slot_count)
        push(&s->full, page);
    else if (page->used)
        push(&s->partial, page);
    else {
        push(&s->empty, page);
        s->empty_count++;
    }
}

/* Moves a page whose `used` was another to the list of its count: I3. */
static void refile(struct sta_slab *s, struct sta_slab_page *page,
                   uint32_t used_before)
{
    if (used_before == s->slot_count)
        unlink_page(&s->full, page);
    else if (used_before)
        unlink_page(&s->partial, page);
    else {
        unlink_page(&s->empty, page);
        s->empty_count--;
    }
    file(s, page);
}

/* --- set-up --------------------------------------------------------------- */

/* Lays out a page for slot_bytes; false when there is no room for a slot. */
static bool lay_out(struct sta_slab *s)
{
    size_t header = s->page_bytes - sizeof(struct sta_slab_page), count;

    if (s->page_bytes < sizeof(struct sta_slab_page))
        return false;
    count = header / s->slot_bytes;
    s->header_offset = header;
    s->slot_count = (uint32_t)(count < SLOTS_MAX ? count : SLOTS_MAX);
    for (; s->slot_count; s->slot_count--) {
        size_t bits = ((size_t)leaf_count(s) + mid_count(s)) * sizeof(uint64_t);

        if ((size_t)s->slot_count * s->slot_bytes + bits <= header) {
            s->words_offset = header - bits;
            s->mids_offset = header - mid_count(s) * sizeof(uint64_t);
            return true;
        }
    }
    return false;
}

enum sta_err sta_slab_init(struct sta_slab *s, size_t object_bytes,
                           size_t align, size_t page_bytes)
{
    size_t slot_bytes = object_bytes;
    struct sta_slab made;
    uint64_t rest;

    if (!object_bytes || !sta_is_power_of_two(align) ||
        !sta_is_power_of_two(page_bytes) || object_bytes > page_bytes ||
        align > page_bytes || page_bytes > UINT32_MAX)
        return STA_EINVAL;
    if (slot_bytes < sizeof(void *))
        slot_bytes = sizeof(void *); /* a remote free's link */
    if (align < _Alignof(void *))
        align = _Alignof(void *);
    slot_bytes = sta_round_up(slot_bytes, align);
    made = (struct sta_slab){.slot_bytes = (uint32_t)slot_bytes,
                             .page_bytes = page_bytes};
    if (slot_bytes > page_bytes || !lay_out(&made))
        return STA_EINVAL;
    *s = made;
    s->shift = 32 + sta_log2(slot_bytes);
    s->reciprocal =
        sta_divide64(((uint64_t)1 << s->shift) - 1, slot_bytes, &rest) + 1;
    s->loaded = s->magazines[0];
    s->freed = s->magazines[1];
    return STA_OK;
}

/* Sets `count` bits from the beginning of words on. */
static void fill(uint64_t *words, uint32_t count)
{
    for (; count >= 64; count -= 64)
        *words++ = ~UINT64_C(0);
    if (count)
        *words = sta_ones64(0, count);
}

enum sta_err sta_slab_refill(struct sta_slab *s, void *memory)
{
    struct sta_slab_page *page;
    uint64_t filled = 0;

    if (!memory || ((uintptr_t)memory & (s->page_bytes - 1)))
        return STA_EINVAL;
    page = (void *)((unsigned char *)memory + s->header_offset);
    fill(&filled, mid_count(s));
    *page =
        (struct sta_slab_page){.owner = s, .memory = memory, .filled = filled};
    fill(leaf_words(s, page), s->slot_count);
    fill(mid_words(s, page), leaf_count(s));
    s->page_count++;
    file(s, page);
    return STA_OK;
}

/* --- objects and pages ---------------------------------------------------- */

/* The lowest free slot of a page that is not full, no longer free. */
static void *take_slot(const struct sta_slab *s, struct sta_slab_page *page)
{
    uint32_t m = sta_ctz64(page->filled);
    uint64_t *mid = &mid_words(s, page)[m];
    uint32_t w = m * 64 + sta_ctz64(*mid);
    uint64_t *leaf = &leaf_words(s, page)[w];
    uint32_t slot = w * 64 + sta_ctz64(*leaf);

    *leaf &= *leaf - 1;
    if (!*leaf) {
        *mid &= *mid - 1;
        if (!*mid)
            page->filled &= page->filled - 1;
    }
    page->used++;
    return page->memory + (size_t)slot * s->slot_bytes;
}

/* Gives an object back to its page; false when it is not handed out. */
static bool put_slot(struct sta_slab *s, void *p)
{
    struct sta_slab_page *page = sta_slab_page_of(s, p);
    uint32_t slot, w;
    uint64_t *leaf, *mid;

    if (!sta_slab_slot_of(s, p, &slot))
        return false;
    w = slot / 64;
    leaf = &leaf_words(s, page)[w];
    if (*leaf >> (slot % 64) & 1)
        return false;
    *leaf |= (uint64_t)1 << (slot % 64);
    mid = &mid_words(s, page)[w / 64];
    *mid |= (uint64_t)1 << (w % 64);
    page->filled |= (uint64_t)1 << (w / 64);
    page->used--;
    if (page->used == 0 || page->used == s->slot_count - 1)
        refile(s, page, page->used + 1);
    return true;
}

/* Empties `freed` into the pages. */
static void flush_freed(struct sta_slab *s)
{
    while (s->freed_count)
        if (!put_slot(s, s->freed[--s->freed_count]))
            s->refused_count++;
}

static void swap_magazines(struct sta_slab *s)
{
    void **loaded = s->loaded;
    uint32_t loaded_count = s->loaded_count;

    s->loaded = s->freed;
    s->loaded_count = s->freed_count;
    s->freed = loaded;
    s->freed_count = loaded_count;
}

/* Fills the empty magazine from the first page that has free slots. */
static void load(struct sta_slab *s)
{
    enum { WANTED = STA_SLAB_MAGAZINE / 2 };
    struct sta_slab_page *page = s->partial ? s->partial : s->empty;
    uint32_t used, count;

    if (!page)
        return;
    used = page->used;
    count = s->slot_count - used;
    if (count > WANTED)
        count = WANTED;
    s->loaded_count = count;
    while (count) /* downwards, so that the lowest is handed out first */
        s->loaded[--count] = take_slot(s, page);
    if (used == 0 || page->used == s->slot_count)
        refile(s, page, used);
}

STA_COLD void *sta_slab_alloc_slow(struct sta_slab *s)
{
    if (s->freed_count)
        swap_magazines(s);
    else {
        sta_slab_collect(s);
        load(s);
    }
    return s->loaded_count ? s->loaded[--s->loaded_count] : NULL;
}

STA_COLD void sta_slab_free_slow(struct sta_slab *s, void *p)
{
    if (s->loaded_count == 0)
        swap_magazines(s);
    else
        flush_freed(s);
    s->freed[s->freed_count++] = p;
}

static bool is_in(void *const *magazine, uint32_t count, const void *p)
{
    while (count)
        if (magazine[--count] == p)
            return true;
    return false;
}

bool sta_slab_free_checked(struct sta_slab *s, void *p)
{
    return !is_in(s->loaded, s->loaded_count, p) &&
           !is_in(s->freed, s->freed_count, p) && put_slot(s, p);
}

/* --- frees by other threads ----------------------------------------------- */

bool sta_slab_free_remote(struct sta_slab *s, void *p)
{
    void *head;
    uint32_t slot;

    if (!sta_slab_slot_of(s, p, &slot))
        return false;
    head = __atomic_load_n(&s->remote, __ATOMIC_RELAXED);
    do
        __builtin_memcpy(p, &head, sizeof head);
    /* release: pairs with the acquire in sta_slab_collect() */
    while (!__atomic_compare_exchange_n(&s->remote, &head, p, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return true;
}

size_t sta_slab_collect(struct sta_slab *s)
{
    size_t count = 0;
    void *p, *next;

    if (!__atomic_load_n(&s->remote, __ATOMIC_RELAXED))
        return 0;
    /* acquire: pairs with the release in sta_slab_free_remote() */
    p = __atomic_exchange_n(&s->remote, NULL, __ATOMIC_ACQUIRE);
    for (; p; p = next, count++) {
        __builtin_memcpy(&next, p, sizeof next);
        if (!put_slot(s, p)) {
            s->refused_count++;
            break; /* freed twice: from here on the list runs in a ring */
        }
    }
    return count;
}

size_t sta_slab_reclaim(struct sta_slab *s, size_t max_pages,
                        void (*give_page)(void *ctx, void *page), void *ctx)
{
    size_t count = 0;

    sta_slab_collect(s);
    flush_freed(s);
    swap_magazines(s);
    flush_freed(s);
    for (; s->empty && count < max_pages; count++) {
        struct sta_slab_page *page = s->empty;

        unlink_page(&s->empty, page);
        s->empty_count--;
        s->page_count--;
        page->owner = NULL;
        give_page(ctx, page->memory);
    }
    return count;
}
