/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): double free of a 48-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(48);
    void *q = misused(p);
    free(p);
    return realloc(q, 100) != NULL;
    return 0;
}
