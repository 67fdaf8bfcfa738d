/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 5120-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(5000));
    p[5000] = 'x';
    free(p);
    return 0;
}
