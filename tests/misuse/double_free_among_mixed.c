/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/*
 * A thread that frees many objects of another keeps all that it frees together,
 * for its next requests.
 */
#include "large_heap.h"

#include <pthread.h>

static void *replace(void *unused)
{
    for (int i = 0; i < COUNT; i++) {
        free(objects[i]);
        objects[i] = malloc(64);
    }
    void *p = take(COUNT / 4);
    void *q = misused(p);
    free(p);
    free(take(COUNT / 5));
    free(q);
    free_rest();
    return unused;
}

int main(void)
{
    pthread_t thread;
    fill(64);
    pthread_create(&thread, NULL, replace, NULL);
    pthread_join(thread, NULL);
    return 0;
}
