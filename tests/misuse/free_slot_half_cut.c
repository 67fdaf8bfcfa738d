/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

/* Four to a page: the last one is the first on its page. */
enum { SIZE = 1024, COUNT = 5 };

int main(void)
{
    char *p = NULL;
    for (int i = 0; i < COUNT; i++)
        p = malloc(SIZE - 16);
    free(misused(p + SIZE)); /* to be an object, but none so far */
    return 0;
}
