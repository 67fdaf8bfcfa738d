/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 16-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(0);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
