/* SPDX-License-Identifier: MIT */
/*
 * Objects of any size: a slab per size class, on pages that the caller supplies
 * or a source pages in.
 *
 * Choose it as the general allocator of a kernel, a runtime or a thread: mixed
 * sizes, constant time, memory that comes in pages and goes back in pages. Do
 * not choose it for a few kilobytes in all (sta_arena: each class in use holds
 * a page) nor for one size (sta_slab).
 *
 *     static struct sta_zone zone;
 *     struct sta_zone_config config = {
 *         .small_page_bytes = 4096,
 *         .large_page_bytes = 65536,
 *         .pager = sta_source_mmap(),
 *     };
 *     sta_zone_init(&zone, &config);
 *
 *     char *p = sta_zone_alloc(&zone, 100, 1);
 *     p = sta_zone_realloc(&zone, p, 100, 5000, 1);
 *     sta_zone_free(&zone, p, 5000, 1);
 *
 *     size   16 32 .. 512 | 640 .. 8192            | larger
 *            classes on   | classes on             | straight from the pager,
 *            small pages  | large pages            | in small pages
 *            [slab][slab] | [slab][slab] ...       | get(size) ... give(size)
 *                    \_________|____ pages ____ pager, or sta_zone_refill()
 *
 * Memory: struct sta_zone is below 24 KiB. A block is rounded up to its class:
 * to 16 bytes below 256, to 32 below 512, then by at most a fifth of itself;
 * see sta_slab for a page's own overhead. An alignment above the class's picks
 * a larger class. A class in use holds at least one page.
 *
 * Threads: one thread at a time, the owner; any thread may free at any time by
 * sta_zone_free_remote(), which takes no lock. A zone a thread scales.
 */
#ifndef STALLOC_ZONE_H
#define STALLOC_ZONE_H

#include <stalloc/slab.h>
#include <stalloc/source.h>

STA_BEGIN_DECLS

enum { STA_ZONE_CLASSES = 60 }; /* 16 bytes to 128 KiB */

struct sta_zone_config {
    /* Powers of two; small <= large. 0 means 4 KiB and 2 MiB. */
    size_t small_page_bytes;
    size_t large_page_bytes;
    /*
     * Where pages come from and go to; it must hand over exactly what it is
     * asked for in multiples of small_page_bytes, which for sta_source_mmap()
     * is at least a page of the system's. One that takes nothing back
     * is put into sta_source_keeping(). All zero: nowhere, and the caller
     * refills.
     */
    struct sta_source pager;
};

struct sta_zone {
    /* fixed after init; private: see zone.c */
    size_t small_page_bytes, large_page_bytes;
    struct sta_source pager;
    struct sta_source_keeper keeper; /* around one that takes nothing back */
    uint32_t class_count;
    size_t fast_bytes; /* sizes up to this have a class of the table */
    /* owner thread only */
    size_t large_bytes, large_count; /* outside the classes, by the pager */
    struct sta_slab slabs[STA_ZONE_CLASSES];
    /* atomic: any thread */
    void *remote_large;
};

/*
 * Sets a zone up; it holds no page yet, and must stay where it is.
 *
 * Sizes up to an eighth of the large page are served from slabs: those up to an
 * eighth of the small page from small pages.
 *
 * Returns  STA_OK; STA_EINVAL when a page size is no power of two, small is
 *          larger than large or below 512, or large above 2 GiB.
 */
enum sta_err sta_zone_init(struct sta_zone *z,
                           const struct sta_zone_config *config);

/*
 * Allocates `size` bytes at a multiple of `align`.
 *
 * Returns  the block; NULL when there is no page for it: without a pager,
 *          refill and ask again. NULL too when size is 0 or align no power of
 *          two, and when the pager cannot align so.
 * Cost     O(1), plus the pager's when it takes a page; once it refuses, empty
 *          pages of all classes are given back, and it is asked again.
 * After    gz/rust-slabmalloc ZoneAllocator.
 */
void *sta_zone_alloc(struct sta_zone *z, size_t size, size_t align);

/*
 * Frees a block. A second empty page of a class goes back to the pager; the
 * first is kept, so that a block freed and had again costs no page.
 *
 * Returns  false when no block has that size and alignment: nothing changes.
 * Misuse   in a class as sta_slab_free(), seen by sta_zone_audit(); of a block
 *          straight from the pager it is the pager's to see.
 */
bool sta_zone_free(struct sta_zone *z, void *p, size_t size, size_t align);

/* As sta_zone_free(), from any thread, without a lock. */
bool sta_zone_free_remote(struct sta_zone *z, void *p, size_t size,
                          size_t align);

/* Gives a block another size where it is, if its class holds that too. */
bool sta_zone_resize(struct sta_zone *z, void *p, size_t size, size_t new_size,
                     size_t align);

/* Gives a block another size, moving it if need be; NULL: p is as before. */
void *sta_zone_realloc(struct sta_zone *z, void *p, size_t size,
                       size_t new_size, size_t align);

/* The bytes a request gets; 0 when it can never be had. */
size_t sta_zone_good_size(const struct sta_zone *z, size_t size, size_t align);

/* The page size that a request is served from; 0: straight from the pager. */
size_t sta_zone_page_bytes(const struct sta_zone *z, size_t size, size_t align);

/*
 * Adds a page for requests of that size and alignment.
 *
 * Returns  STA_OK; STA_EINVAL when it is not of sta_zone_page_bytes(), or not
 *          aligned to that.
 */
enum sta_err sta_zone_refill(struct sta_zone *z, size_t size, size_t align,
                             void *page, size_t page_bytes);

/*
 * Passes out up to `max_pages` empty pages of that size.
 *
 * Returns  the number of calls of give_page.
 */
size_t sta_zone_reclaim(struct sta_zone *z, size_t page_bytes, size_t max_pages,
                        void (*give_page)(void *ctx, void *page), void *ctx);

/* Gives all empty pages back to the pager; returns their bytes. */
size_t sta_zone_trim(struct sta_zone *z);

/* The figures of a moment; O(pages). */
void sta_zone_usage(const struct sta_zone *z, struct sta_usage *usage);

/* Checks every slab; STA_ECORRUPT when one is broken. */
enum sta_err sta_zone_audit(const struct sta_zone *z);

/* Writes a line per class in use. */
void sta_zone_dump(const struct sta_zone *z, const struct sta_writer *out);

/* The zone as an allocator; sized free only, and no `owns`. */
struct sta_allocator sta_zone_allocator(struct sta_zone *z);

STA_END_DECLS

#endif
