/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 96-byte object */
#include "misuse.h"

static void *p;

static void free_again(void)
{
    free(p);
}

int main(void)
{
    p = malloc(96);
    atexit(free_again);
    void *q = misused(p);
    free(q);
    return 0;
}
