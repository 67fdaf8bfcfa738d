/* SPDX-License-Identifier: MIT */
/*
 * The system's memory as a source: the one object of the family that calls a C
 * library, linked only where sta_source_mmap is named.
 *
 * A span is a whole number of pages. An alignment above a page is had by
 * mapping too much and unmapping both ends.
 */
#include <stalloc/source.h>

#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
    long bytes = sysconf(_SC_PAGESIZE);

    return bytes > 0 ? (size_t)bytes : 4096;
}

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void *mmap_get(void *ctx, size_t *size, size_t align)
{
    size_t page = page_bytes(), wanted, spare, gap;
    unsigned char *p;

    (void)ctx;
    if (!*size || !align || (align & (align - 1)) || *size > SIZE_MAX - page)
        return NULL;
    wanted = (*size + page - 1) & ~(page - 1);
    spare = align > page ? align - page : 0;
    if (wanted > SIZE_MAX - spare)
        return NULL;
    p = map(wanted + spare);
    if (!p)
        return NULL;
    gap = (size_t)(-(uintptr_t)p & (align - 1));
    if (gap)
        munmap(p, gap);
    if (spare - gap)
        munmap(p + gap + wanted, spare - gap);
    *size = wanted;
    return p + gap;
}

static void mmap_give(void *ctx, void *p, size_t size)
{
    (void)ctx;
    munmap(p, size);
}

struct sta_source sta_source_mmap(void)
{
    return (struct sta_source){.get = mmap_get, .give = mmap_give};
}
