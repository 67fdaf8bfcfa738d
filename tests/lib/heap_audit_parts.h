/* SPDX-License-Identifier: MIT */
/* What the two halves of the audit share; see heap_audit.c. */
#ifndef TESTS_LIB_HEAP_AUDIT_PARTS_H
#define TESTS_LIB_HEAP_AUDIT_PARTS_H

#include "heap/heap.h"

/* What was found of the slots of one descriptor. */
struct tally {
    uint32_t on_slab, elsewhere, live;
};

/* The picture of one region; the next audit draws in the same memory. */
struct picture {
    struct tally *tallies; /* one a descriptor */
    uint32_t *holders;     /* descriptor of each unit, 0 for none */
    unsigned char *places; /* one each 16 bytes, cleared where slots begin */
    uint32_t slabs, units; /* so many fit */
};

extern struct picture audit_pictures[STA_REGIONS_MAX];

/* Reports a fault unless `holds`; the message's arguments cost nothing then. */
#define HOLDS(holds, ...) ((holds) ? (void)0 : audit_fault(__VA_ARGS__))

void audit_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Names a slab in a message. */
const char *audit_name(const struct sta_slab *s);

/* Enters a region's descriptors in its picture; returns the units in use. */
uint32_t audit_region(const struct sta_region *r);

/* The units of a heap's slabs against its count of them; an idle heap keeps
 * nothing unless they are few. */
void audit_slab_units(const struct sta_heap *h);

static inline uint32_t audit_index(const struct sta_slab *s)
{
    return (uint32_t)(s - sta_regions[s->region].slabs);
}

static inline bool audit_in_use(const struct sta_slab *s)
{
    return sta_slab_state(s) != STA_SLAB_NONE;
}

#endif
