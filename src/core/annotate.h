/* SPDX-License-Identifier: MIT */
/*
 * Tells Valgrind's memcheck which bytes of a pool are handed out, so that it
 * finds an overflow and a use after free inside memory that it would otherwise
 * take for one large live block.
 *
 * An allocator over the caller's memory declares its pool once, each block as
 * it comes and goes, and opens a free piece before it reads or writes a header
 * kept inside. Requests are by the pool's address; they cost nothing unless
 * configured with --enable-valgrind, which defines STA_VALGRIND: the functions
 * below are then empty. Under --enable-valgrind a request is a few instructions
 * that do nothing outside Valgrind.
 */
#ifndef STA_CORE_ANNOTATE_H
#define STA_CORE_ANNOTATE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef STA_VALGRIND

#include <valgrind/memcheck.h>

/* True when requests are made at all. */
static inline bool sta_note_enabled(void)
{
    return true;
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

#else

static inline bool sta_note_enabled(void)
{
    return false;
}

static inline void sta_note_pool(const void *pool, const void *memory,
                                 size_t size)
{
    (void)pool, (void)memory, (void)size;
}

static inline void sta_note_pool_end(const void *pool)
{
    (void)pool;
}

static inline void sta_note_alloc(const void *pool, const void *p, size_t size)
{
    (void)pool, (void)p, (void)size;
}

static inline void sta_note_free(const void *pool, const void *p)
{
    (void)pool, (void)p;
}

static inline void sta_note_resize(const void *pool, const char *p,
                                   size_t old_size, size_t size)
{
    (void)pool, (void)p, (void)old_size, (void)size;
}

static inline void sta_note_open(const void *p, size_t size)
{
    (void)p, (void)size;
}

static inline void sta_note_close(const void *p, size_t size)
{
    (void)p, (void)size;
}

#endif

#endif
