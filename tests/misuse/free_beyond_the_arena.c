/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

int main(void)
{
    char *p = malloc(16);
    free(misused(p + ((size_t)1 << 28))); /* reserved, never used */
    return 0;
}
