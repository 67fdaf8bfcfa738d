/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_sized(@): size 10 for a 1024-byte object */
#include "misuse.h"

/* Four to a page: the last one is the first on its page. */
enum { SIZE = 1024, COUNT = 5 };

void free_sized(void *p, size_t size) __attribute__((weak));

int main(void)
{
    char *p = NULL;
    for (int i = 0; i < COUNT; i++)
        p = malloc(SIZE - 16);
    free_sized(misused(p), 10);
    return 0;
}
