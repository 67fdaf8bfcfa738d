/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "large_heap.h"

#include <pthread.h>

static pthread_barrier_t barrier;

/* Frees enough objects of a slab to use them itself. */
static void *free_and_allocate(void *p)
{
    void *own = malloc(1000);
    free(p);
    for (int i = COUNT - 100; i < COUNT - 1; i++)
        free(take(i));
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 100; i++)
        objects[i] = malloc(64);
    free(own);
    return NULL;
}

/* The object is in use again when the thread takes it. */
int main(void)
{
    fill(64);
    pthread_t thread;
    void *p = take(COUNT - 1);
    void *q = misused(p);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, free_and_allocate, p);
    pthread_barrier_wait(&barrier);
    free(q);
    objects[COUNT - 1] = malloc(64);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
