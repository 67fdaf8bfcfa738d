/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "large_heap.h"

#include <pthread.h>

static void *free_it(void *p)
{
    free(p);
    return NULL;
}

/* What the thread sent to the slab was not taken in yet. */
int main(void)
{
    pthread_t thread;
    fill(64);
    void *p = take(COUNT / 2);
    void *q = misused(p);
    pthread_create(&thread, NULL, free_it, p);
    pthread_join(thread, NULL);
    free(take(COUNT / 2 + 1));
    free(q);
    return 0;
}
