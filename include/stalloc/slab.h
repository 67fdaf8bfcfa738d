/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size on pages that the caller supplies.
 *
 * Choose it for many objects of a type: nodes, connections, messages. Every
 * operation takes constant time, an object costs one bit, and its memory is
 * never read or written by the owner's calls, so that constructed contents and
 * dirty cache lines stay alone. Do not choose it for mixed sizes: sta_zone is a
 * slab per size class; nor for a handful of objects: a page is the smallest
 * step.
 *
 *     static _Alignas(4096) unsigned char pages[2][4096];
 *     struct sta_slab slab;
 *     sta_slab_init(&slab, 48, 16, 4096);
 *     sta_slab_refill(&slab, pages[0]);
 *
 *     void *node = sta_slab_alloc(&slab);
 *     if (!node && sta_slab_refill(&slab, pages[1]) == STA_OK)
 *         node = sta_slab_alloc(&slab);
 *     sta_slab_free(&slab, node);
 *
 *     page, aligned to its size (here 4096 bytes, objects of 48)
 *     +------+------+------+-- ... --+------+--+-------------+--------+
 *     | slot | slot | slot |         | slot |  | 1 bit a slot| header |
 *     |   0  |   1  |   2  |         |  82  |  | free = 1    |        |
 *     +------+------+------+-- ... --+------+--+-------------+--------+
 *     the page of an object: its address, the low bits cleared
 *
 *     free -> [ freed: 16 ] <- swapped when one is full, the other empty ->
 *             [ loaded: 16 ] -> alloc           pages: 8 at a time, or 16
 *
 * Memory: struct sta_slab is below 400 bytes. Per page 48 bytes (32-bit: 32),
 * 1 bit a slot in words of 64, and 1 bit a word in words of 64; then what is
 * left over at the end, less than a slot. Objects of 8 bytes on 4 KiB: 97 % of
 * the page are objects; of 512 bytes on 2 MiB: 4094 objects, 99.95 %.
 *
 * Threads: one thread at a time, the owner; but any thread may free at any time
 * by sta_slab_free_remote(), which takes no lock.
 */
#ifndef STALLOC_SLAB_H
#define STALLOC_SLAB_H

#include <stalloc/allocator.h>

STA_BEGIN_DECLS

struct sta_slab;

/* The header of a page, at the page's end. */
struct sta_slab_page {
    /* private: see slab.c */
    struct sta_slab *owner;
    struct sta_slab_page *next, *prev; /* in the owner's list that fits */
    unsigned char *memory;             /* the page: its slot 0 */
    uint64_t filled;                   /* mid words that are not 0 */
    uint32_t used;                     /* slots handed out */
};

enum { STA_SLAB_MAGAZINE = 16 }; /* objects in each of the two */

struct sta_slab {
    /* owner thread only; private: see slab.c */
    void **loaded; /* objects that alloc takes from, the last one first */
    void **freed;  /* objects that free adds to */
    uint32_t loaded_count, freed_count;
    struct sta_slab_page *partial, *full, *empty; /* by page->used */
    size_t page_count, empty_count;        /* pages in all; in the list empty */
    size_t refused_count;                  /* frees that were none: see free */
    void *magazines[2][STA_SLAB_MAGAZINE]; /* one is loaded, one is freed */
    /* fixed after init */
    uint32_t slot_bytes;
    uint32_t slot_count; /* of a page */
    size_t page_bytes;
    size_t header_offset; /* of struct sta_slab_page in a page */
    size_t words_offset;  /* of the free bits: leaf words, then mid words */
    size_t mids_offset;
    uint64_t reciprocal; /* of slot_bytes: see slab.c */
    uint32_t shift;
    /* atomic: any thread; see slab.c */
    void *remote; /* objects freed elsewhere, linked through themselves */
};

/*
 * Sets a slab up for objects of `object_bytes` at multiples of `align`.
 *
 * A slot is the object rounded up to its alignment, and never smaller than a
 * pointer. page_bytes is a power of two; pages must be aligned to it. The slab
 * points into itself: it must stay where it is.
 *
 * Returns  STA_OK; STA_EINVAL when a page would not hold one object, or align
 *          or page_bytes is no power of two.
 */
enum sta_err sta_slab_init(struct sta_slab *s, size_t object_bytes,
                           size_t align, size_t page_bytes);

/*
 * Adds an empty page of s->page_bytes, contents indeterminate.
 *
 * Returns  STA_OK; STA_EINVAL when it is not aligned to its size.
 * Owner    the slab, until sta_slab_reclaim() passes it out.
 * Cost     O(bits of the page / 64): writes the last bytes of the page only.
 */
enum sta_err sta_slab_refill(struct sta_slab *s, void *page);

/* The slow halves of sta_slab_alloc() and sta_slab_free(). */
void *sta_slab_alloc_slow(struct sta_slab *s);
void sta_slab_free_slow(struct sta_slab *s, void *p);

/*
 * Allocates an object.
 *
 * Returns  the object, contents indeterminate; NULL when all pages are full:
 *          refill the slab and ask again.
 * Owner    the caller, until it is freed.
 * Threads  the owner.
 * Cost     O(1), plus what other threads have freed since the last time the
 *          magazines ran empty.
 * After    gz/rust-slabmalloc SCAllocator; Bonwick, USENIX 1994 (slabs) and
 *          Bonwick and Adams, USENIX 2001 (two magazines).
 */
static inline void *sta_slab_alloc(struct sta_slab *s)
{
    uint32_t count = s->loaded_count;

    if (__builtin_expect(count == 0, 0))
        return sta_slab_alloc_slow(s);
    s->loaded_count = --count;
    return s->loaded[count];
}

/*
 * Frees an object.
 *
 * Misuse   what is no object of the slab's, or was freed before, is found when
 *          the magazine is emptied into the pages, and then left out and
 *          counted in refused_count; sta_slab_audit() reports it at any time.
 *          sta_slab_free_checked() finds it at once. Until it is found alloc
 *          may hand it out. p must be readable memory, not NULL.
 * Threads  the owner.
 * Cost     O(1).
 */
static inline void sta_slab_free(struct sta_slab *s, void *p)
{
    uint32_t count = s->freed_count;

    if (__builtin_expect(count == STA_SLAB_MAGAZINE, 0)) {
        sta_slab_free_slow(s, p);
        return;
    }
    s->freed[count] = p;
    s->freed_count = count + 1;
}

/*
 * Frees an object after looking whether it is one.
 *
 * Returns  false when p is no object of the slab's that is handed out: a double
 *          free, an address inside an object, another slab's. Nothing changes
 *          then. p must lie in readable memory all the same.
 * Threads  the owner.
 * Cost     O(1), some ten times that of sta_slab_free().
 */
bool sta_slab_free_checked(struct sta_slab *s, void *p);

/*
 * Frees an object from a thread that is not the owner.
 *
 * The object is in use until the owner finds it, at the latest when its pages
 * are full or it calls sta_slab_collect().
 *
 * Returns  false when p does not begin an object of the slab's.
 * Misuse   a double free is not seen before the owner collects.
 * Threads  any, without a lock.
 * Cost     O(1) but for others freeing at the same moment; writes one pointer
 *          into the object.
 */
bool sta_slab_free_remote(struct sta_slab *s, void *p);

/* Takes in what other threads have freed; returns the number of objects. */
size_t sta_slab_collect(struct sta_slab *s);

/*
 * Passes out up to `max_pages` empty pages; they are then the caller's again.
 *
 * Empties the magazines first: free objects in them hold their pages.
 *
 * Returns  the number of calls of give_page.
 * Cost     O(pages passed out), and a sta_slab_collect().
 */
size_t sta_slab_reclaim(struct sta_slab *s, size_t max_pages,
                        void (*give_page)(void *ctx, void *page), void *ctx);

/* True when p lies in a slot of a page of s; what would be the page that p is
 * on, page_bytes in all, must be readable memory. */
bool sta_slab_owns(const struct sta_slab *s, const void *p);

/* The bytes an object of s may use. */
static inline size_t sta_slab_object_bytes(const struct sta_slab *s)
{
    return s->slot_bytes;
}

/* The figures of a moment; O(pages). */
void sta_slab_usage(const struct sta_slab *s, struct sta_usage *usage);

/* Checks every invariant; STA_ECORRUPT when one is broken, or an object was
 * freed that was not out. O(slots / 64). */
enum sta_err sta_slab_audit(const struct sta_slab *s);

/* Writes the state, and a line per page. */
void sta_slab_dump(const struct sta_slab *s, const struct sta_writer *out);

/*
 * The slab as an allocator of anything that fits an object: size up to the
 * slot's, alignment up to that of the slots. It does not refill. Its `owns`,
 * which may be asked of any address, looks through the pages: O(pages).
 */
struct sta_allocator sta_slab_allocator(struct sta_slab *s);

STA_END_DECLS

#endif
