/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    free(misused((void *)(UINTPTR_MAX - 4095)));
    return 0;
}
