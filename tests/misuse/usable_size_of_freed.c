/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc_usable_size(@): double free of a 48-byte object */
#include "misuse.h"

int main(void)
{
    void *p = malloc(48);
    void *q = misused(p);
    free(p);
    return malloc_usable_size(q) != 0;
    return 0;
}
