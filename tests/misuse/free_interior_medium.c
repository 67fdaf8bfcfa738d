/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(40000);
    free(misused(p + 4096));
    return 0;
}
