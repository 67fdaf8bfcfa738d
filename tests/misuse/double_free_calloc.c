/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 1024-byte object */
#include "misuse.h"

int main(void)
{
    void *p = calloc(10, 100);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
