/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): double free of a 64-byte object */
#include "thin_slabs.h"

int main(void)
{
    fill_and_thin(64);
    void *p = misused(freed());
    return realloc(p, 60) != NULL;
}
