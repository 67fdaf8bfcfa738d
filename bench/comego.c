/* SPDX-License-Identifier: MIT */
/*
 * comego COUNT OBJECTS: threads that come and go.
 *
 * A server with a thread for each connection, a program that starts one for
 * each task.  COUNT threads, two at a time, make OBJECTS objects each, free
 * them and end.  What an allocator sets up for a thread, and takes down after
 * it, is paid COUNT times; a heap that is not used again leaks COUNT times.
 */
#include "bench.h"

enum { OBJECTS_MAX = 4096, AT_ONCE = 2 };

static size_t objects;

static void *live(void *index)
{
    uint64_t state = random_start((uintptr_t)index);
    void *object[OBJECTS_MAX];

    for (size_t i = 0; i < objects; i++)
        object[i] = make(random_size(&state, 512));
    for (size_t i = 0; i < objects; i++)
        free(object[i]);
    return NULL;
}

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 10000);
    objects = argument(argc, argv, 2, 100);
    if (objects > OBJECTS_MAX)
        return 2;

    for (size_t i = 0; i < count; i += AT_ONCE)
        run_threads(AT_ONCE, live);
    print_resident_after_free();
    return 0;
}
