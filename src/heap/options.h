/* SPDX-License-Identifier: MIT */
/* The STALLOC_* variables: read once, validated, then sealed read-only. */
#ifndef STA_HEAP_OPTIONS_H
#define STA_HEAP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attr.h"
#include "heap/config.h"

enum sta_variant {
    STA_VARIANT_LOCAL,  /* a heap a thread */
    STA_VARIANT_MUTEX,  /* one heap under a lock */
    STA_VARIANT_SINGLE, /* one heap, one thread */
};

enum sta_format {
    STA_FORMAT_OFF,
    STA_FORMAT_TEXT,
    STA_FORMAT_JSON,
    STA_FORMAT_UNSET /* while the options are read */
};

enum sta_check {
    STA_CHECK_NOTHING,
    STA_CHECK_FREE,    /* what free() and realloc() are given */
    STA_CHECK_OBJECTS, /* what was written behind objects, too: guard.c */
    STA_CHECK_HARDENED /* and misuse is to fail even where it is not found */
};

enum sta_foreign { STA_FOREIGN_ABORT, STA_FOREIGN_IGNORE, STA_FOREIGN_FORWARD };

struct sta_options {
    /* The alignment makes it a page of its own, which is read-only once the
     * options are set. */
    _Alignas(4096) size_t arena_bytes; /* fixed size; 0: the arena grows */
    size_t slab_max;                   /* bytes; larger objects are page runs */
    size_t keep_bytes;                 /* STALLOC_PURGE=SIZE */
    enum sta_variant variant;
    enum sta_format stats;
    enum sta_foreign foreign;
    bool purge_auto;
    bool purge_never;
    bool huge;
    bool prefault;
    bool mlock;
    enum sta_check check;
    uint64_t secret;      /* of keys, canaries and random placement */
    uintptr_t key;        /* of free slots: free_slot.h */
    bool closed;          /* free pages have no access; see pages.c */
    uint32_t guard_units; /* closed ones behind each page run */
    size_t apart_most;    /* runs up to which pages are closed */
    bool verbose;
    bool strip_deepbind;
    bool watched; /* by memcheck; see watched.h */
    /* What serves a medium size: a class, or STA_CLASS_COUNT and the units of a
     * run. */
    uint8_t medium[STA_RUN_BYTES_MAX / STA_MEDIUM_STEP + 1];
    char stats_file[1024]; /* pattern; a copy, since programs that show a title
                            * in ps write over the environment; "": stderr */
};

extern struct sta_options sta_options STA_HIDDEN;

/*
 * Reads the environment; each variable that is unknown or has a bad value
 * gets one line on stderr and keeps its default.  Once, before all else.
 */
void sta_options_read(void);

/*
 * Sets what follows from the options: the key of free slots, whether free pages
 * are closed, and which list serves each medium size, pages when rounding to
 * them wastes at most an eighth, else a class.
 */
void sta_options_derive(void);

/* Returns the variant's name as STALLOC_VARIANT spells it. */
const char *sta_variant_name(enum sta_variant v);

#endif
