/* SPDX-License-Identifier: MIT */
/*
 * An audit of every structure of the heap, for tests that link it by its
 * internal door: the fuzzer and the soak.
 */
#ifndef TESTS_LIB_HEAP_AUDIT_H
#define TESTS_LIB_HEAP_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Checks regions, runs, stale bits, map, descriptors, slabs, bins and heaps
 * against each other, and all of them against the `count` objects that the
 * program has: each must be one live object, and there may be no other.  With
 * `live` NULL the objects are not known.
 *
 * Returns  true; else false, with a line on standard error for each fault.
 * Threads  none may be in a call of the heap meanwhile, and the caller sees
 *          what they did (a barrier).
 * Cost     O(all); takes memory from the C library.
 */
bool heap_audit(const void *const *live, size_t count);

/* True when free units that are not stale read as zero, as calloc believes. */
bool heap_audit_zero(void);

#endif
