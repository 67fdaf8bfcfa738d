/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "misuse.h"

enum { COUNT = 200000 }; /* more than the cache holds */

static void *p[COUNT];

int main(void)
{
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(64);
    long *q = misused(p[COUNT - 5]);
    free(q);
    for (int i = 0; i < COUNT; i += 2)
        free(p[i]);
    free(q);
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(64);
    return 0;
}
