/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 32-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(32);
    void *q = misused(p);
    free(p);
    free(malloc(5000));
    free(malloc(500000));
    free(malloc(33));
    free(q);
    return 0;
}
