/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    int here[4];
    free(misused(here));
    return 0;
}
