/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 5120-byte object */
#include "large_heap.h"

int main(void)
{
    fill(5000);
    void *p = take(COUNT / 2);
    void *q = misused(p);
    free(p); /* the heap's list has it now, its slab has it not */
    free(q);
    return 0;
}
