/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/*
 * A thread that frees many objects of another keeps all that it frees together;
 * its slabs know nothing of that when the process ends.
 */
#include "large_heap.h"

#include <pthread.h>
#include <unistd.h>

static void *make(void *barrier)
{
    fill(64);
    pthread_barrier_wait(barrier);
    pause();
    return NULL;
}

int main(void)
{
    pthread_t thread;
    pthread_barrier_t filled;
    pthread_barrier_init(&filled, NULL, 2);
    pthread_create(&thread, NULL, make, &filled);
    pthread_barrier_wait(&filled);
    static void *own[COUNT];
    for (int i = 0; i < COUNT; i++)
        own[i] = malloc(64);
    for (int i = 0; i < COUNT; i++) {
        free(objects[i]);
        objects[i] = malloc(64);
        if (i % 8 == 0) /* more than it frees, or it keeps no more of them */
            own[i] = malloc(64);
    }
    void *p = own[COUNT / 2 + 1];
    void *q = misused(p);
    free(p);
    free(own[COUNT / 2 + 3]);
    free(q);
    return 0;
}
