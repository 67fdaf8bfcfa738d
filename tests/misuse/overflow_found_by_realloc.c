/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): overflow of a 48-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    p[40] = 'x';
    free(realloc(p, 100));
    return 0;
}
