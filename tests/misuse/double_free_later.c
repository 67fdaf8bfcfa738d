/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 112-byte object */
#include "misuse.h"

int main(void)
{
    enum { COUNT = 1000 };
    static void *others[COUNT];
    void *p = malloc(100);
    void *q = misused(p);
    for (int i = 0; i < COUNT; i++)
        others[i] = malloc(100);
    free(p);
    for (int i = 1; i < COUNT; i += 2) /* the rest keeps their pages in use */
        free(others[i]);
    free(q);
    return 0;
}
