/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/*
 * At exit a program of some work has its free objects looked at for long enough
 * to find one behind fifty thousand others.
 */
#include "large_heap.h"

#include <time.h>

int main(void)
{
    fill(64);
    for (int i = 0; i < COUNT; i += 4)
        free(take(i));
    while (clock() < CLOCKS_PER_SEC)
        ;
    void *p = take(COUNT - 101);
    void *q = misused(p);
    free(p);
    free(take(COUNT - 103));
    free(q);
    return 0;
}
