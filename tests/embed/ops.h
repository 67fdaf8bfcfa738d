/* SPDX-License-Identifier: MIT */
/*
 * A string of bytes as a life of an allocator: the one driver of the random
 * test and of the fuzzer, so that what either finds replays in the other.
 */
#ifndef TESTS_EMBED_OPS_H
#define TESTS_EMBED_OPS_H

#include <stddef.h>

/*
 * Byte 0 picks the allocator; each further group of bytes is an operation. All
 * is checked against a byte-map oracle, with an audit after each operation.
 */
void ops_run(const unsigned char *bytes, size_t size);

#endif
