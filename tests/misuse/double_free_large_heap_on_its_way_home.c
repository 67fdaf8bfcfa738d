/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "large_heap.h"

#include <pthread.h>

static pthread_barrier_t filled;
static void *object;

static void *free_it(void *unused)
{
    pthread_barrier_wait(&filled);
    free(object);
    return unused;
}

/* The object is in use again when what the thread sent is taken in. */
int main(void)
{
    pthread_t thread;
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer); /* no growth meanwhile */
    pthread_barrier_init(&filled, NULL, 2);
    pthread_create(&thread, NULL, free_it, NULL);
    fill(64);
    object = take(COUNT - 10);
    void *q = misused(object);
    pthread_barrier_wait(&filled);
    pthread_join(thread, NULL);
    free(q);
    objects[COUNT - 1] = malloc(64);
    fill(64);
    return 0;
}
