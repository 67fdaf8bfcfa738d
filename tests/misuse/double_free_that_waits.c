/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
/* levels: 2 */
#include "misuse.h"

int main(void)
{
    void *p = malloc(56);
    void *q = misused(p);
    free(p);
    for (int i = 0; i < 10; i++)
        free(malloc(56));
    free(q);
    return 0;
}
