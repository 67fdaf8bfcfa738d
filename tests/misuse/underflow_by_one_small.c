/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 48-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    for (int i = 0; i < 300; i++) {
        char *volatile q = malloc(40); /* one of these lies behind p */
        if (q == p + 48)
            q[-1] ^= 'x';
    }
    free(p);
    return 0;
}
