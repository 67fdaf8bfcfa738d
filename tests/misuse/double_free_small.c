/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 48-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(40);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
