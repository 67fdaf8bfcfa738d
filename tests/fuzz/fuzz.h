/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target: libFuzzer's entry, which replay.c calls too.
 *
 * scripts/fuzz links a target with libFuzzer, `make check` with replay.c.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

/* The bytes that are left of an input; beyond its end all are 0. */
struct input {
    const unsigned char *bytes;
    size_t left;
};

static inline unsigned next_byte(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->bytes++;
}

#endif
