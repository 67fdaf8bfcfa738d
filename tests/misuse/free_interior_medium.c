/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

int main(void)
{
    char *p = malloc(40000);
    free(misused(p + 4096));
    return 0;
}
