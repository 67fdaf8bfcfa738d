/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    free(misused((void *)1));
    return 0;
}
