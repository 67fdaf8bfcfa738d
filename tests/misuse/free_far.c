/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    free(misused((void *)0xdeadbeefdeadbee0));
    return 0;
}
