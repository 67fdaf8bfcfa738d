/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): not the start of an object */
#include "misuse.h"

int main(void)
{
    char *p = malloc(480);
    return realloc(misused(p + 16), 100) != NULL;
    return 0;
}
