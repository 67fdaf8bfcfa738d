/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/*
 * What a thread has freed of another's objects may not have been sent to it
 * when the process ends.
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
    void *p = take(COUNT - 1);
    void *q = misused(p);
    free(p);
    free(take(COUNT - 2));
    free(q);
    return 0;
}
