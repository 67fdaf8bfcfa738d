/* SPDX-License-Identifier: MIT */
/*
 * A main for a fuzz target without libFuzzer: it replays the inputs that are
 * kept, and some random ones, the same each time.
 *
 *     heap [FILE]      the default is tests/fuzz/heap.txt for that program
 *
 * A line is an input in hexadecimal digits; what follows a "#" is a comment.
 */
#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/lib/check.h"
#include "tests/lib/rng.h"

enum { INPUT_MAX = 1 << 12, RANDOM_INPUTS = 100, RANDOM_MAX = 300 };

static unsigned char bytes[INPUT_MAX];

/* Reads a line of digits; returns how many bytes they are. */
static size_t parse(const char *line)
{
    size_t size = 0;
    unsigned value;

    while (size < INPUT_MAX && *line != '#' &&
           sscanf(line, "%2x", &value) == 1) {
        bytes[size++] = (unsigned char)value;
        line += 2;
    }
    return size;
}

/* Returns how many inputs the file had. */
static unsigned replay(const char *path)
{
    static char line[2 * INPUT_MAX + 200];
    unsigned count = 0;
    FILE *file = fopen(path, "r");

    if (!file) {
        perror(path);
        return 0;
    }
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        size_t size = parse(line);

        check_context("%s:%u", strrchr(path, '/'), number);
        if (size > 0)
            LLVMFuzzerTestOneInput(bytes, size);
        count += size > 0;
    }
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    static char path[INPUT_MAX];
    const char *top = getenv("abs_top_srcdir");
    const char *name = strrchr(argv[0], '/');
    /* The percent that will do where each is slow, as under an emulator. */
    const char *share = getenv("STA_TEST_SHARE");
    unsigned inputs =
        RANDOM_INPUTS * (share ? (unsigned)atoi(share) : 100) / 100;
    struct rng r = {1};

    snprintf(path, sizeof path, "%s/tests/fuzz/%s.txt", top ? top : ".",
             name ? name + 1 : argv[0]);
    REQUIRE(replay(argc > 1 ? argv[1] : path) > 0);
    for (unsigned i = 0; i < inputs && argc < 2; i++) {
        size_t size = 1 + rng_below(&r, RANDOM_MAX);

        for (size_t k = 0; k < size; k++)
            bytes[k] = (unsigned char)rng_next(&r);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    return check_status();
}
