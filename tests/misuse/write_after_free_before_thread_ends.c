/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include <pthread.h>

#include "misuse.h"

enum { COUNT = 200, MORE = 1000 };

static void *volatile more[MORE];

/* The thread's end gives its lists of free objects back, as it has more than a
 * next thread is to find. */
static void *damage(void *arg)
{
    long *p[COUNT];
    for (int i = 0; i < MORE; i++)
        more[i] = malloc(1024);
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(48);
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    misused(p[7]);             /* first: it allocates */
    while (malloc(48) != p[8]) /* p[7] is on the thread's own list, at last */
        ;
    p[7][1] = 4711;
    return arg;
}

int main(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, damage, NULL) != 0)
        return 1;
    pthread_join(thread, NULL);
    return 0;
}
