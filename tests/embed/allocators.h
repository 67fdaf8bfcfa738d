/* SPDX-License-Identifier: MIT */
/*
 * Every allocator of the family, made alike: what the conformance suite, the
 * random operations and the fuzzer run over.
 *
 * Nothing here or in what includes it needs a C library, so that the suite also
 * runs where the family is meant to: in WebAssembly and on bare machines.
 */
#ifndef TESTS_EMBED_ALLOCATORS_H
#define TESTS_EMBED_ALLOCATORS_H

#include <stalloc/allocator.h>
#include <stalloc/source.h>

enum {
    ANY_ORDER = 1, /* freed in any order, all can be had again in one piece */
    GROWS = 2,     /* asks its source for more */
    GIVES = 4      /* has given its source everything back when asked */
};

struct subject {
    const char *name;
    /* Sets it up in static memory; ops is NULL when the source refuses. */
    struct sta_allocator (*make)(struct sta_source source);
    /* Gives back to the source what it holds without need; may be NULL. */
    void (*trim)(void);
    size_t size_max;  /* the largest request that an empty one must serve */
    size_t align_max; /* the largest alignment that it must serve */
    unsigned traits;
};

extern const struct subject subjects[];
extern const unsigned subject_count;

/* The memory all subjects live in, as a source: fresh at each call. */
struct sta_source test_source(void);
size_t test_source_bytes_out(void);

/* The first byte of that memory and its size: the map of the oracle. */
const unsigned char *test_memory(void);
enum { TEST_MEMORY_BYTES = 1 << 21 };

#endif
