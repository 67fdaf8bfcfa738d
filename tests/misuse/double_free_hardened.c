/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    void *p = malloc(56);
    void *q = misused(p);
    free(p);
    free(q);
    return 0;
}
