/* SPDX-License-Identifier: MIT */
/*
 * partly BUFFERS SIZE WRITTEN COUNT: buffers of which the start is written.
 *
 * Connections and files have buffers of a size that serves all of them, and use
 * little of it.  A random one of BUFFERS is replaced, COUNT times, and the
 * first WRITTEN bytes of each are written.  Where the system makes huge pages
 * of them all of each is resident.
 */
#include <string.h>

#include "bench.h"

int main(int argc, char **argv)
{
    size_t buffers = argument(argc, argv, 1, 5000);
    size_t size_bytes = argument(argc, argv, 2, 65536);
    size_t written_bytes = argument(argc, argv, 3, 1000);
    size_t count = argument(argc, argv, 4, 3000000);
    uint64_t state = random_start(0);
    char **buffer = demand(calloc(buffers, sizeof *buffer));

    for (size_t i = 0; i < count; i++) {
        size_t at = i < buffers ? i : random_below(&state, buffers);
        free(buffer[at]);
        buffer[at] = demand(malloc(size_bytes));
        memset(buffer[at], 1, written_bytes);
    }
    size_t live_kib = resident_kib();
    for (size_t i = 0; i < buffers; i++)
        free(buffer[i]);
    free(buffer);
    print_result("rss_live_kib", live_kib);
    print_resident_after_free();
    return 0;
}
