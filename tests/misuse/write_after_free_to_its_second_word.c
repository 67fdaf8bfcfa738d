/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
#include "misuse.h"

enum { COUNT = 200 };

int main(void)
{
    long *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(48);
    for (int i = 0; i < COUNT; i++)
        free(p[i]);
    misused(p[7]);
    p[7][1] = 4711; /* where a list of free objects goes on */
    for (int i = 0; i < 2 * COUNT; i++)
        __asm__ volatile("" : : "r"(malloc(48)));
    return 0;
}
