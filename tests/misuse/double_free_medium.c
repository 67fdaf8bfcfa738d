/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 40960-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(40000);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
