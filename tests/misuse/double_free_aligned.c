/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 256-byte object */
#include "misuse.h"

int main(void)
{
    void *p = aligned_alloc(256, 256);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
