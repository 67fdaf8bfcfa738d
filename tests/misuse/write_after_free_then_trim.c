/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* levels: 2 3 */
#include "misuse.h"

/* Not in every C library, but in ours. */
int malloc_trim(size_t keep) __attribute__((weak));

int main(void)
{
    char *p = misused(malloc(56));
    free(p);
    p[40] ^= 'x';
    malloc_trim(0); /* gives its memory back */
    return 0;
}
