/* SPDX-License-Identifier: MIT */
/*
 * Every tunable of the malloc replacement: its unit, and why it is what it is.
 * What a user may change at run time is in options.h instead.
 *
 * In the order in which an object meets them: units, slabs and runs, frees of
 * what other threads made, what is kept, what goes back to the system; then
 * levels 2 and 3, and the reservations below it all.
 */
#ifndef STA_HEAP_CONFIG_H
#define STA_HEAP_CONFIG_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "core/runs.h"
#include "core/sizeclass.h"
#include "core/slot.h"

/* The unit of the page arena.  System pages may be larger (os/vm.h rounds). */
enum { STA_UNIT_LOG2 = 12, STA_UNIT_BYTES = 1 << STA_UNIT_LOG2 };

/* --- Slabs --------------------------------------------------------------- */

/* Default and bounds of STALLOC_SLAB_MAX, bytes. */
#define STA_SLAB_MAX_DEFAULT STA_CLASS_SIZE_MAX
#define STA_SLAB_MAX_LEAST   STA_CLASS_TABLE_MAX

enum {
    /* A slab's length in units: offsets inside it must stay exact (slot.h),
     * and a slab that one object pins should not pin much. */
    STA_SLAB_UNITS_MAX = 16,

    /* No slab but a bin's first is more than this share of an arena of fixed
     * size. */
    STA_SLAB_SHARE = 1024,

    /* A full slab waits for this share of its slots to be free. */
    STA_FULL_SHARE = 16,

    /* While a heap has up to so many units of slabs (4 MiB) a free looks at the
     * slot itself, to see a double free at once.  Beyond, it is not in the
     * cache any more, and to wait for it takes longer than all the rest
     * (DECISIONS, D27). */
    STA_EAGER_UNITS = 1024,

    /* At exit so many free slots are looked at for one that was freed twice
     * meanwhile, some milliseconds at most; and more as long as it takes up to
     * this share of the processor time that the process had, but no longer than
     * that (last_look.c). */
    STA_LAST_SLOTS = 32768,
    STA_LAST_SHARE = 100,
    STA_LAST_NS_MOST = 1000000000
};

static_assert(STA_SLAB_UNITS_MAX * STA_UNIT_BYTES == STA_SLAB_BYTES_MAX,
              "slot arithmetic is exact for whole slabs only");

/* --- Runs ---------------------------------------------------------------- */

enum {
    /* Freed runs of up to this many units (128 KiB) wait in their heap for the
     * next request of the same length. */
    STA_RUN_UNITS_MAX = 32,

    /* Units that a heap keeps in this way: 256 KiB, and its part of a share of
     * all in use or of 7.75 MiB that it was short of.  1 MiB for all is no
     * faster on any row and costs ripgrep 4 % of its peak. */
    STA_RUN_KEEP_UNITS = 64,
    STA_RUN_WISH_MAX = 1984,
    STA_RUN_KEEP_SHARE = 16,

    /* From so many units on a run that waits serves a request for one unit
     * less; an eighth at most is idle then. */
    STA_RUN_SLACK_FROM = 8,

    /* The arena keeps freed runs of this many units in all (1 MiB) whole for
     * the next request of their length; after a request that needed new memory
     * none of so many that are freed (recent.c). */
    STA_RECENT_UNITS = 256,
    STA_RECENT_PAUSE = 256
};

#define STA_RUN_BYTES_MAX ((size_t)STA_RUN_UNITS_MAX << STA_UNIT_LOG2)

/* Sizes from STA_CLASS_TABLE_MAX to STA_RUN_BYTES_MAX find their list in steps
 * of so many bytes; every class above the first is a multiple of it. */
#define STA_MEDIUM_STEP 256

/* realloc moves runs of this many bytes and more by mremap, not by copying. */
#define STA_MOVE_LEAST ((size_t)256 << 10)

/* --- Frees of what other threads made ------------------------------------ */

enum {
    /* They gather in a thread by slab: in so many parcels, which fit in a unit,
     * and up to so many bytes; then they go, a parcel at a time.  With half of
     * the bytes each has fewer slots when it goes (bench/server 288 to 348 ms),
     * with a quarter handoff shows it too (128 to 182); twice as many gain
     * nothing. */
    STA_PARCELS = 128,
    STA_OUTBOX_UNITS = 32,

    /* A refill takes so many bytes or more of what is gathered of its class:
     * fewer would mean a slow call for every few slots.  256 to 4,096 do. */
    STA_REUSE_BYTES = 1024,

    /* One refill in so many sends what is gathered home instead (gather.c). */
    STA_HOME_SHARE = 8,

    /* Of the slots of others that a heap freed it forgets a share with each
     * refill, and it mixes while so many are left (gather.c): four from one
     * refill to the next, of which each serves a hundred calls or so. */
    STA_MIXED_SHARE = 16,
    STA_MIXED_LEAST = 64,

    /* Slots that go straight to their bin's own list between two refills: of
     * full slabs of few slots, and all that a heap frees while it mixes (with a
     * quarter server takes 20 % longer, four times as many gain nothing). */
    STA_LOAN_UNITS = 16
};

/* --- What heaps keep ----------------------------------------------------- */

enum {
    /* Units of empty slabs that a heap keeps: 384 KiB. */
    STA_SPARE_UNITS = 96,

    /* Neither these nor the runs that it keeps, what gathers there for others
     * or a bin's loan may be more than this share of an arena of fixed size,
     * nor all heaps' more than the second. */
    STA_CACHE_SHARE = 64,
    STA_CACHE_SHARE_OF_ALL = 8,

    /* A heap whose thread ends keeps what it has for the next thread if that is
     * no more than so many units (512 KiB), and fewer heaps than that are idle:
     * 2 MiB in all. */
    STA_IDLE_UNITS = 128,
    STA_IDLE_HEAPS = 4,

    /* A bin that needs a slab looks at so many heaps for one that is idle and
     * has it; to look at 2,000 takes longer than all else that it does. */
    STA_ADOPT_LOOKS = 16,

    /* While the program shrinks a free puts so many slots back in their slabs
     * (trim.c). */
    STA_SHRINK_SLOTS = 32,

    /* A malloc for which the heap grows puts back 4 slots, of larger ones a
     * slot for each 32 bytes that they have, up to as many as above. */
    STA_GROWTH_SLOTS = 4,
    STA_GROWTH_SLOT_BYTES = 32,

    /* A partial slab is looked at again when this share of it is in use. */
    STA_THIN_SHARE = 8,

    /* A slab is worth a look for free pages when no more slots than this are in
     * use for each of its units: with 4 at random places one in fifty is free.
     */
    STA_THIN_SLOTS = 4
};

/* --- What goes back to the system ---------------------------------------- */

enum {
    /* Stale memory kept within an epoch (stale.c): 2 MiB and a share of what is
     * in use; more, up to 64 MiB, when a purge proved a mistake.  While the
     * program shrinks it is less, and 8 MiB of what was a mistake outlast so
     * many epochs. */
    STA_KEEP_UNITS = 512,
    STA_KEEP_SHARE = 2,
    STA_KEEP_UNITS_SHRINKING = 64,
    STA_KEEP_SHARE_SHRINKING = 16,
    STA_GRACE_UNITS = 16384,
    STA_GRACE_UNITS_SHRINKING = 2048,
    STA_GRACE_EPOCHS = 4,

    /* A round has 8 MiB or more (rounds.c).  The program works in rounds when
     * one came again soon, or as many as half the square of its 16 MiB: of 32
     * MiB two, of 64 MiB eight, of 128 MiB and more 32.  Then up to 256 MiB are
     * kept. */
    STA_ROUND_UNITS = 2048,
    STA_ROUNDS_SHARE_UNITS = 4096,
    STA_ROUNDS_MOST = 32,
    STA_ROUNDS_KEEP_UNITS = 65536,

    /* The least length of an epoch is 4 MiB of frees, else as much as is in
     * use, and at least so many frees. */
    STA_EPOCH_UNITS = 1024,
    STA_EPOCH_FREES = 64,

    /* After so many epochs of shrinking slabs give pages back, too. */
    STA_SHRUNK_EPOCHS = 2,

    /* A free gives back so many units and four times what it freed. */
    STA_PURGE_UNITS = 256,

    /* Nothing goes until so many units are to go, 128 KiB: single pages are
     * worth no system call each. */
    STA_PURGE_SLACK = 32,

    /* It takes so many steps, and as many more for each 128 KiB that it freed;
     * while the program shrinks twice as many: a look through the bits of so
     * many units takes one, a system call as many as are there at least. */
    STA_PURGE_STEPS = 4,
    STA_PURGE_STEP_UNITS = 32,
    STA_PURGE_LOOK_UNITS = 16384
};

/* What is soon, for a round: a second, by a rough clock. */
#define STA_ROUND_NS UINT64_C(1000000000)

/* Offset in a region from which memory asks for huge pages, in whole blocks.
 * The block in use last costs a megabyte on average, and two at most: from 8
 * MiB on it is 10 % of some programs' peak (lua), and saves them no time that
 * shows; from 64 MiB on xmllint takes a fifth more time. */
#define STA_HUGE_FROM  ((size_t)16 << 20)
#define STA_HUGE_BYTES ((size_t)2 << 20)
#define STA_HUGE_UNITS ((uint32_t)(STA_HUGE_BYTES >> STA_UNIT_LOG2))

/* So many slabs and runs tell whether the program writes all of its objects;
 * none counts as more than 256 KiB. */
enum { STA_HUGE_LOOKS = 64, STA_HUGE_LOOK_UNITS = 64 };

/* A run that skips more than this share of its length, to be aligned, has no
 * huge pages at its ends. */
enum { STA_HUGE_SKIP_SHARE = 32 };

/* Mappings into which that may divide all regions: an eighth of the 65,530 that
 * a process has, which are 16 GiB if a part of each second block is free. */
#define STA_HUGE_EDGES 8192

/* Places at which mappings meet, in all regions, since realloc moved the pages
 * of a run: an eighth of those that a process has. */
#define STA_SEAMS 8192

/* A run of this many bytes that calloc() need not clear may be sparse. */
#define STA_SPARSE_LEAST (STA_HUGE_BYTES / 4)

/* So many bytes are purged, not cleared, if few of their pages hold anything;
 * about so many are looked at.  To clear a page takes a twentieth of the time
 * of a fault, and makes it resident. */
#define STA_PURGE_TO_CLEAR ((size_t)4 << 20)
#define STA_SPARSE_LOOKS   64

/* --- Levels 2 and 3 of STALLOC_CHECK ------------------------------------- */

enum {
    /* Threads share so many heaps there. */
    STA_GUARD_HEAPS = 4,

    /* So many freed objects wait in a heap at most, and so many bytes of slots;
     * runs wait without their pages, so that it costs addresses only.  Neither
     * is more than a share of an arena of fixed size. */
    STA_QUARANTINE_OBJECTS = 1024,
    STA_QUARANTINE_SLOT_BYTES = 256 << 10,
    STA_QUARANTINE_RUN_BYTES = 64 << 20,
    STA_QUARANTINE_SHARE = 64,

    /* Closed pages divide the heap into two mappings for each run in use.  With
     * more runs than so many eighths of the mappings that a process may have no
     * more are closed: the program wants some for its threads and files. */
    STA_APART_EIGHTHS = 3,

    /* They are again with fewer than one in so many of these: more than wait in
     * quarantine, which are in use until then. */
    STA_APART_AGAIN = 4
};

/* --- Reservations -------------------------------------------------------- */

/* So many at most: they halve when address space is short. */
enum { STA_REGIONS_MAX = 64 };

/* The largest fixed arena: 4 TiB, as the index counts its units in 31 bits, or
 * half of what 32 bits address. */
#define STA_ARENA_MOST                                                         \
    ((size_t)(SIZE_MAX >> 1 < UINT64_C(1) << 42 ? SIZE_MAX >> 1                \
                                                : UINT64_C(1) << 42))

static_assert(STA_ARENA_MOST >> STA_UNIT_LOG2 <= STA_RUNS_UNITS_MAX,
              "the index has a number for each unit");

/* A region that can grow reserves this multiple of physical memory; where
 * addresses are scarce, half a GiB of 32 bits, further ones follow. */
#define STA_RESERVE_FACTOR 2
#define STA_REGION_MOST                                                        \
    (SIZE_MAX / 8 < STA_ARENA_MOST ? SIZE_MAX / 8 : STA_ARENA_MOST)

/* The least size of the n-th region: 256 KiB, doubled every four, so that small
 * ones, made while address space was short, never use the number of them up. */
#define STA_REGION_LEAST(n) ((size_t)1 << (18 + (n) / 4))

/* Each step of committing memory doubles what is there, within these bounds.  A
 * step is the longest call but for page faults; what it is ahead costs neither
 * memory nor time, but is locked by mlockall() and counts for overcommit. */
#define STA_COMMIT_LEAST ((size_t)1 << 20)
#define STA_COMMIT_MOST  ((size_t)64 << 20)

/* Units in front of the arena for heaps of so many threads at a time, half as
 * many if all free what others made; in the arena itself each would stand in
 * the way of large runs for ever. */
#define STA_OWN_UNITS 64

#endif
