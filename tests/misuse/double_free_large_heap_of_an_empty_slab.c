/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "large_heap.h"

/* The slab was empty and kept when the second free came; another size has it
 * go. */
int main(void)
{
    fill(64);
    void *p = take(COUNT / 2 + 500);
    void *q = misused(p);
    free(p);
    for (int i = COUNT / 2 - 2000; i < COUNT / 2 + 2000; i++)
        free(take(i));
    free(q);
    for (int i = 0; i < COUNT; i++)
        objects[i] = malloc(1000);
    _Exit(0);
}
