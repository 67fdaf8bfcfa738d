/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
#include <string.h>

#include "misuse.h"

enum { COUNT = 200 };

int main(void)
{
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(48);
    for (int i = 1; i < COUNT; i++)
        free(p[i]);
    /* The first objects of a slab are neighbours. */
    size_t past = (size_t)((char *)misused(p[1]) - p[0]) + 1;
    __asm__ volatile("" : "+r"(past));
    memset(p[0], 'x', past);
    for (int i = 0; i < 2 * COUNT; i++)
        __asm__ volatile("" : : "r"(malloc(48)));
    return 0;
}
