/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* variant: local */
#include "large_heap.h"

int main(void)
{
    fill(64);
    void *p = take(COUNT / 2);
    void *q = misused(p);
    free(p);
    for (int i = 0; i < COUNT; i += 3)
        free(take(i));
    free(q);
    for (int i = 0; i < COUNT; i++)
        objects[i] = malloc(64); /* the object once, and not twice */
    return 0;
}
