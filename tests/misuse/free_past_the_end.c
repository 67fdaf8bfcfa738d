/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

int main(void)
{
    char *p = malloc(5000000);
    free(misused(p + malloc_usable_size(p) - 16));
    return 0;
}
