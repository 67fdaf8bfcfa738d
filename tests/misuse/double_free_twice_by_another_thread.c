/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 512-byte object */
#include <pthread.h>

#include "misuse.h"

static void *free_twice(void *p)
{
    void *q = p;
    __asm__ volatile("" : "+r"(q));
    free(p);
    free(q);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(500);
    void *neighbour = malloc(500);
    pthread_create(&thread, NULL, free_twice, misused(p));
    pthread_join(thread, NULL);
    free(neighbour);
    return 0;
}
