/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 48-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    p[40] = 'x';
    free(p);
    return 0;
}
