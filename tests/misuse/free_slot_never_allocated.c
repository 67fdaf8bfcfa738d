/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 1024-byte object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(1008);
    free(misused(p + 2 * 1024)); /* its page was cut into slots */
    return 0;
}
