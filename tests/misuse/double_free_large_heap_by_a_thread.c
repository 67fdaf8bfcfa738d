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
    free(p);
    pthread_create(&thread, NULL, give_back, q);
    pthread_join(thread, NULL);
    return 0;
}
