/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 102400-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(100000));
    p[100000] = 'x';
    free(p);
    return 0;
}
