/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

int main(void)
{
    void *p = malloc(5000000);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
