/* SPDX-License-Identifier: MIT */
/*
 * What libstalloc offers beside the C library's own names: which malloc is
 * running, what it counts, and giving memory back.
 *
 * malloc, free, operator new and the others need no header of ours.  This one
 * is for programs that want to look; link them with -lstalloc, or look the
 * names up with dlsym() to work with and without the library.
 */
#ifndef STALLOC_MALLOC_H
#define STALLOC_MALLOC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { STA_STATS_VERSION = 1, STA_STATS_CLASSES = 48 };

/* Objects of one slot size. */
struct sta_stats_class {
    uint64_t slot_bytes;
    uint64_t live;        /* objects in the program's hands */
    uint64_t total;       /* objects ever allocated */
    uint64_t slabs;       /* page runs cut into such slots */
    uint64_t slabs_bytes; /* their length */
};

/*
 * Bytes of objects are of the slots and pages that hold them.  Slots cached
 * by other running threads count as live; the caller's own do not.
 */
struct sta_stats {
    uint32_t version; /* STA_STATS_VERSION; fields are only ever added */
    uint32_t size;    /* bytes that were filled in */

    /* objects */
    uint64_t live_bytes;
    uint64_t live_count;
    uint64_t total_bytes; /* ever allocated */
    uint64_t total_count;
    uint64_t freed_count;
    uint64_t refused_count; /* requests that ended in ENOMEM */

    /* the arena, bytes */
    uint64_t fixed_bytes;     /* STALLOC_ARENA_SIZE; 0: it grows */
    uint64_t reserved_bytes;  /* address space, metadata included */
    uint64_t committed_bytes; /* usable without asking the system */
    uint64_t used_bytes;      /* in page runs: slabs and large objects */
    uint64_t peak_bytes;      /* the largest used_bytes so far */
    uint64_t free_bytes;      /* committed and unused */
    uint64_t stale_bytes;     /* of these, still resident */
    uint64_t largest_free_bytes;
    uint64_t free_runs;
    uint64_t purged_bytes;       /* ever given back to the system */
    uint64_t purge_calls;        /* in so many calls */
    uint64_t faults_saved_bytes; /* reused while still resident */

    /* the process */
    uint64_t resident_bytes;
    uint64_t resident_peak_bytes;
    uint64_t lock_waits; /* contention: how often a thread had to wait */
    uint64_t heaps;      /* threads that allocated at the same time, at most */

    /* runs: objects that are pages of their own */
    struct sta_stats_class runs; /* slot_bytes is 0: any length */
    struct sta_stats_class classes[STA_STATS_CLASSES];
};

/* Returns the library's version, such as "0.1.0"; static storage. */
const char *sta_version(void);

/*
 * Returns 1 when malloc() of this process is libstalloc's, and 0 when another
 * one stands before it (the library was opened by dlopen, say).
 */
int sta_is_active(void);

/*
 * Fills in the first `size` bytes of the counters as they stand.
 *
 * Returns  0, or -1 with errno EINVAL when `size` cannot hold even the version.
 * Threads  any; what other threads do meanwhile may be counted or not.
 * Cost     O(slabs); takes the arena's lock.
 */
int sta_stats_get(struct sta_stats *out, size_t size);

/*
 * Writes the counters to a descriptor as "text" or "json" (libstalloc(7) has
 * the schema), without allocating.
 *
 * Returns  0, or -1 with errno EINVAL for another format, or that of write().
 * Threads  any.
 * Cost     as sta_stats_get().
 */
int sta_stats_print(int fd, const char *format);

/*
 * Gives free memory back to the system at once, all but `keep_bytes` of it:
 * that of the arena, of the calling thread, and of threads that have ended.
 *
 * Returns  the bytes given back.
 * Threads  any; what other running threads keep for themselves stays.
 * Cost     O(slabs), and a system call for each free run.
 */
size_t sta_trim(size_t keep_bytes);

#ifdef __cplusplus
}
#endif

#endif
