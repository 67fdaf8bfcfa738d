/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    static char data[64];
    free(misused(data));
    return 0;
}
