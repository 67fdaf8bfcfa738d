/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_sized(@): size 1000 for a 16-byte object */
/* levels: 1 2 3 */
#include "misuse.h"

#include <pthread.h>

void free_sized(void *p, size_t size) __attribute__((weak));

static void *free_it(void *p)
{
    free_sized(p, 1000);
    return NULL;
}

/* It is the thread's first call. */
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, free_it, misused(malloc(16)));
    pthread_join(thread, NULL);
    return 0;
}
