/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(3000000);
    free(misused(p + 8));
    return 0;
}
