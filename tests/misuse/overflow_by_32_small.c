/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 64-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p;
    do /* behind the last one of a page there may be none, at level 3 */
        p = malloc(56);
    while ((uintptr_t)p % 4096 == 4096 - 64);
    p = misused(p);
    for (int i = 0; i < 32; i++)
        p[56 + i] = 'x';
    free(p);
    return 0;
}
