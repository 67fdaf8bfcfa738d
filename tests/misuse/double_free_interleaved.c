/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(60);
    void *between = malloc(60);
    void *q = misused(p);
    free(p);
    free(between);
    free(q); /* p is not the first of its list any more */
    return 0;
}
