/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's entry, and a main that replays what it found.
 *
 * scripts/fuzz builds this with clang's -fsanitize=fuzzer, which brings its own
 * main; the weak one here then gives way. In `make check` the corpus, a line of
 * hexadecimal digits an input, is replayed, which needs no clang:
 *
 *     fuzz [CORPUS.txt]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/embed/ops.h"
#include "tests/lib/check.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    ops_run(bytes, size);
    if (check_failures)
        abort();
    return 0;
}

/* Reads a line of digits; returns the bytes, 0 for a comment. */
static size_t parse(const char *line, unsigned char *bytes)
{
    size_t size = 0;
    unsigned value;

    if (*line == '#')
        return 0;
    while (sscanf(line + 2 * size, "%2x", &value) == 1)
        bytes[size++] = (unsigned char)value;
    return size;
}

__attribute__((weak)) int main(int argc, char **argv)
{
    static char line[1 << 12], path[1 << 12];
    static unsigned char bytes[sizeof line / 2];
    const char *top = getenv("abs_top_srcdir");
    unsigned count = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/embed/corpus.txt", top ? top : ".");
    file = fopen(argc > 1 ? argv[1] : path, "r");
    if (!file) {
        perror(argc > 1 ? argv[1] : path);
        return CHECK_FAIL;
    }
    while (fgets(line, sizeof line, file)) {
        size_t size = parse(line, bytes);

        if (size) {
            ops_run(bytes, size);
            count++;
        }
        if (check_failures)
            fprintf(stderr, "tests/embed/fuzz: %s", line);
    }
    fclose(file);
    CHECK(count > 0);
    return check_status();
}
