/* SPDX-License-Identifier: MIT */
/*
 * Tells Valgrind's memcheck which bytes of a pool are handed out, so that it
 * finds an overflow and a use after free inside memory that it would otherwise
 * take for one large live block.
 *
 * An allocator over the caller's memory declares its pool once, each block as
 * it comes and goes, and opens a free piece before it reads or writes a header
 * kept inside. Requests are by the pool's address.  malloc has no pool: its
 * objects are told one by one (heap/watched.c).
 *
 * Only --enable-valgrind defines STA_VALGRIND; else the requests are nothing,
 * by the macros below.  A request is a few instructions that do nothing outside
 * Valgrind.
 */
#ifndef STA_CORE_ANNOTATE_H
#define STA_CORE_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(STA_VALGRIND) && STA_VALGRIND

#include <valgrind/memcheck.h>

/* Whether requests are made at all.  A constant, so that no compiler leaves
 * what depends on it in. */
enum { STA_NOTES = 1 };

#else

enum { STA_NOTES = 0 };

#define VALGRIND_GET_VBITS(p, bits, size)         ((void)(p), (void)(bits), 0)
#define VALGRIND_MEMPOOL_EXISTS(pool)             0
#define VALGRIND_CREATE_MEMPOOL(pool, zone, zero) (void)(pool)
#define VALGRIND_DESTROY_MEMPOOL(pool)            (void)(pool)
#define VALGRIND_MEMPOOL_ALLOC(pool, p, size)                                  \
    (void)(pool), (void)(p), (void)(size)
#define VALGRIND_MEMPOOL_FREE(pool, p)            (void)(pool), (void)(p)
#define VALGRIND_MEMPOOL_CHANGE(pool, p, q, size) (void)(pool), (void)(p)
#define VALGRIND_MALLOCLIKE_BLOCK(p, size, r, z)                               \
    (void)(p), (void)(size), (void)(z)
#define VALGRIND_FREELIKE_BLOCK(p, r)        (void)(p)
#define VALGRIND_MAKE_MEM_DEFINED(p, size)   ((void)(p), (size))
#define VALGRIND_MAKE_MEM_UNDEFINED(p, size) ((void)(p), (size))
#define VALGRIND_MAKE_MEM_NOACCESS(p, size)  ((void)(p), (size))
#define VALGRIND_DISABLE_ERROR_REPORTING     (void)0
#define VALGRIND_ENABLE_ERROR_REPORTING      (void)0

#endif

/* True when memcheck, and not another tool of Valgrind's, runs this process. */
static inline bool sta_note_memcheck(void)
{
    char probe = 0;
    unsigned char bits;
    return VALGRIND_GET_VBITS(&probe, &bits, sizeof probe) != 0;
}

/* A pool begins: its memory is closed until blocks are handed out. */
static inline void sta_note_pool(const void *pool, const void *memory,
                                 size_t size)
{
    /* An arena that is set up again, or another one in its place: Valgrind
     * itself gives up when a pool is created twice. */
    if (VALGRIND_MEMPOOL_EXISTS(pool))
        VALGRIND_DESTROY_MEMPOOL(pool);
    VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
    (void)VALGRIND_MAKE_MEM_NOACCESS(memory, size);
}

/* A pool ends, and with it all its blocks. */
static inline void sta_note_pool_end(const void *pool)
{
    VALGRIND_DESTROY_MEMPOOL(pool);
}

/* p was handed out with size bytes, contents undefined. */
static inline void sta_note_alloc(const void *pool, const void *p, size_t size)
{
    VALGRIND_MEMPOOL_ALLOC(pool, p, size);
}

/* p came back: memcheck keeps the stack of this call for its reports. */
static inline void sta_note_free(const void *pool, const void *p)
{
    VALGRIND_MEMPOOL_FREE(pool, p);
}

/* p changed its size where it is; new bytes are undefined. */
static inline void sta_note_resize(const void *pool, const char *p,
                                   size_t old_size, size_t size)
{
    VALGRIND_MEMPOOL_CHANGE(pool, p, p, size);
    if (size > old_size)
        (void)VALGRIND_MAKE_MEM_UNDEFINED(p + old_size, size - old_size);
    else
        (void)VALGRIND_MAKE_MEM_NOACCESS(p + size, old_size - size);
}

/* The allocator itself may read and write these bytes of a free piece. */
static inline void sta_note_open(const void *p, size_t size)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, size);
}

/* Nobody may touch these bytes until they are handed out. */
static inline void sta_note_close(const void *p, size_t size)
{
    (void)VALGRIND_MAKE_MEM_NOACCESS(p, size);
}

/* From here to sta_note_speak() this thread touches what it may not touch as a
 * program, and nothing is said of it.  Such stretches may nest. */
static inline void sta_note_hush(void)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
}

static inline void sta_note_speak(void)
{
    VALGRIND_ENABLE_ERROR_REPORTING;
}

/* An object of malloc's was handed out: its bytes are open, and undefined
 * unless `zero`. */
static inline void sta_note_object(const void *p, size_t size, bool zero)
{
    VALGRIND_MALLOCLIKE_BLOCK(p, size, 0, zero);
}

/* It was freed; of what is no such object memcheck says so. */
static inline void sta_note_object_end(const void *p)
{
    VALGRIND_FREELIKE_BLOCK(p, 0);
}

/* An address in these bytes is no reason to call an object reachable. */
static inline void sta_note_hide(const void *p, size_t size)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, size);
}

#endif
