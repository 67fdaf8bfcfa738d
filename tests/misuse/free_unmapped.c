/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    free(misused((void *)4096));
    return 0;
}
