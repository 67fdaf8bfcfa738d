/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
#include "misuse.h"

/* Not in every C library, but in ours. */
int malloc_trim(size_t keep) __attribute__((weak));

enum { COUNT = 4000 };

int main(void)
{
    long *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(48);
    for (int i = 0; i < COUNT; i++)
        if (i % 50 != 0)
            free(p[i]);
    misused(p[7]);
    p[7][1] = 4711;
    malloc_trim(0); /* looks for free pages among the objects in use */
    return 0;
}
