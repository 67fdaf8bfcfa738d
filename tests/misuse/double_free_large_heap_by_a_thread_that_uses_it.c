/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "large_heap.h"

#include <pthread.h>

static pthread_barrier_t barrier;

/* Lives on, and frees enough objects to use them itself. */
static void *free_and_allocate(void *p)
{
    void *own = malloc(1000);
    free(take(0)); /* the first of another's is looked at */
    pthread_barrier_wait(&barrier);
    free(p);
    for (int i = 1; i < 100; i++)
        free(take(i));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 200; i++)
        objects[i] = malloc(64);
    free(own);
    return NULL;
}

/* The object's slab was given back when the thread takes it. */
int main(void)
{
    fill(64);
    pthread_t thread;
    void *p = take(COUNT / 2);
    void *q = misused(p);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, free_and_allocate, q);
    free(p);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = COUNT / 4; i < COUNT; i++)
        free(take(i));
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
