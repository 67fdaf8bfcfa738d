/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "misuse.h"

enum { COUNT = 200000 }; /* more than the cache holds */

static void *p[COUNT];

int main(void)
{
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(64);
    free(misused(p[5]));
    for (int i = 0; i < COUNT; i++)
        free(p[i]); /* p[5] a second time, and never the last of its list */
    return 0;
}
