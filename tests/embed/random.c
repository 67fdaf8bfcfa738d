/* SPDX-License-Identifier: MIT */
/*
 * Random lives of every allocator: what the fuzzer does, without its patience
 * and with a seed that can be named.
 *
 *     random [SEED [COUNT]]
 */
#include <stdlib.h>

#include "tests/embed/allocators.h"
#include "tests/embed/ops.h"
#include "tests/lib/check.h"
#include "tests/lib/rng.h"

enum { BYTES = 4000 };

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0) : 8;
    static unsigned char bytes[BYTES];

    for (uint64_t s = seed; s < seed + count; s++) {
        struct rng rng = {s};

        for (unsigned which = 0; which < subject_count; which++) {
            bytes[0] = (unsigned char)which;
            for (size_t i = 1; i < sizeof bytes; i++)
                bytes[i] = (unsigned char)rng_next(&rng);
            ops_run(bytes, sizeof bytes);
            if (check_failures)
                fprintf(stderr, "tests/embed/random: seed %llu\n",
                        (unsigned long long)s);
        }
    }
    return check_status();
}
