/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(56));
    free(p);
    p[0] ^= 'x';
    for (int i = 0; i < 20000; i++)
        free(malloc(56)); /* until its turn comes again */
    return 0;
}
