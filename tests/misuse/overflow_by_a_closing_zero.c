/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 32-byte object */
/* levels: 2 3 */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(24));
    p[24] = '\0'; /* of a string of 24 characters */
    free(p);
    return 0;
}
