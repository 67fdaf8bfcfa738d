/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "large_heap.h"

#include <pthread.h>

static void *give_back(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    fill(64);
    pthread_t thread;
    void *p = take(COUNT / 2);
    void *q = misused(p);
    pthread_create(&thread, NULL, give_back, p);
    pthread_join(thread, NULL); /* it is on its way to this thread */
    free(q);
    free_rest();
    return 0;
}
