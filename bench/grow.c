/* SPDX-License-Identifier: MIT */
/*
 * grow BUFFERS STEP SIZE_MAX COUNT: buffers that grow by realloc.
 *
 * Strings that are appended to and vectors that fill up.  Each step makes a
 * random one of BUFFERS larger by STEP bytes and writes what was gained; at
 * SIZE_MAX it is freed and starts anew.  One buffer with large steps asks
 * whether a run grows in place or moves by mremap, many with small steps
 * whether realloc sees that the slot already has room.
 */
#include <string.h>

#include "bench.h"

struct buffer {
    char *data;
    size_t size_bytes;
};

static void extend(struct buffer *b, size_t step_bytes)
{
    b->data = demand(realloc(b->data, b->size_bytes + step_bytes));
    memset(b->data + b->size_bytes, 1, step_bytes);
    b->size_bytes += step_bytes;
}

int main(int argc, char **argv)
{
    size_t buffers = argument(argc, argv, 1, 100);
    size_t step_bytes = argument(argc, argv, 2, 40);
    size_t size_max = argument(argc, argv, 3, 16384);
    size_t count = argument(argc, argv, 4, 10000000);
    uint64_t state = random_start(0);
    struct buffer *buffer = demand(calloc(buffers, sizeof *buffer));

    for (size_t i = 0; i < count; i++) {
        struct buffer *b = &buffer[random_below(&state, buffers)];
        if (b->size_bytes + step_bytes > size_max) {
            free(b->data);
            *b = (struct buffer){NULL, 0};
        }
        extend(b, step_bytes);
    }
    for (size_t i = 0; i < buffers; i++)
        free(buffer[i].data);
    free(buffer);
    print_resident_after_free();
    return 0;
}
