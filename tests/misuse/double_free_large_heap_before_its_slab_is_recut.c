/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "large_heap.h"

#include <pthread.h>

static pthread_barrier_t barrier;

/* Lives on, and keeps what it freed for its owner. */
static void *give_back(void *p)
{
    void *own = malloc(1000);
    free(p);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    free(own);
    return NULL;
}

/* The object's slab has slots of another size when the thread's free of it
 * comes home. */
int main(void)
{
    fill(64);
    pthread_t thread;
    void *p = take(COUNT / 2);
    void *q = misused(p);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&thread, NULL, give_back, p);
    pthread_barrier_wait(&barrier);
    free(q);
    free_rest();
    fill(48);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return 0;
}
