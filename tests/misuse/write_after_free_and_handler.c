/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc: the free object @ was written to, or freed twice */
/* The handler comes upon the same object, again and again. */
#include "handler.h"
#include "misuse.h"

enum { COUNT = 4000 };

int main(void)
{
    long *p = misused(malloc(40));
    handle_abort();
    free(p);
    p[0] = 4711;
    for (int i = 0; i < COUNT; i++)
        malloc(40);
    return 0;
}
