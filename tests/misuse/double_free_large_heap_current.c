/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "large_heap.h"

/* The same in the slab that malloc takes from. */
int main(void)
{
    fill(64);
    void *p = take(COUNT - 1);
    void *q = misused(p);
    free(p);
    free(take(COUNT - 2));
    free(q);
    exit(0);
}
