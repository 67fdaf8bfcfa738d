/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(5000000);
    free(misused(p + malloc_usable_size(p) - 16));
    return 0;
}
