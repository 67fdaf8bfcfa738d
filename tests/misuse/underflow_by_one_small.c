/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 48-byte object */
/* levels: 2 3 */
#include "misuse.h"

enum { COUNT = 300 };

/* Frees an object, a byte before whose neighbour was written to. */
int main(void)
{
    char *p[COUNT];
    for (int i = 0; i < COUNT; i++)
        p[i] = malloc(40);
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < COUNT; k++) {
            if (p[k] == p[i] + 48) {
                p[k][-1] ^= 'x';
                free(misused(p[i]));
            }
        }
    }
    return 0;
}
