/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 80-byte object */
#include <pthread.h>

#include "misuse.h"

static void *free_it(void *p)
{
    free(p);
    return NULL;
}

int main(void)
{
    pthread_t thread;
    void *p = malloc(80);
    void *q = misused(p);
    free(p);
    pthread_create(&thread, NULL, free_it, q);
    pthread_join(thread, NULL);
    return 0;
}
