/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 16-byte object */
/* levels: 2 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(0));
    p[0] = 'x';
    free(p);
    return 0;
}
