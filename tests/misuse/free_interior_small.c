/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(48);
    free(misused(p + 16));
    return 0;
}
