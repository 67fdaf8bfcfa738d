/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(100);
    free(misused(p + 1));
    return 0;
}
