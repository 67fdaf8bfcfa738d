/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 64-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(56));
    for (int i = 0; i < 32; i++)
        p[56 + i] = 'x';
    free(p);
    return 0;
}
