/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): not allocated by stalloc */
#include "misuse.h"

int main(void)
{
    int here[4];
    return realloc(misused(here), 100) != NULL;
    return 0;
}
