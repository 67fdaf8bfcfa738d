/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "large_heap.h"

int main(void)
{
    fill(64);
    void *p = take(COUNT / 2);
    void *q = misused(p);
    free(p);
    free(take(COUNT / 2 + 1));
    free(q);
    return 0; /* nothing else is allocated or freed */
}
