/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_sized(@): size 1000 for a 16-byte object */
/* levels: 1 2 3 */
#include "misuse.h"

#include <pthread.h>

void free_sized(void *p, size_t size) __attribute__((weak));

static pthread_key_t key;

static void free_it(void *p)
{
    free_sized(p, 1000);
}

static void *keep(void *p)
{
    pthread_setspecific(key, p);
    free(malloc(16));
    return NULL;
}

/* The thread has no heap any more. */
int main(void)
{
    pthread_t thread;
    void *p = misused(malloc(16));
    pthread_key_create(&key, free_it);
    pthread_create(&thread, NULL, keep, p);
    pthread_join(thread, NULL);
    return 0;
}
