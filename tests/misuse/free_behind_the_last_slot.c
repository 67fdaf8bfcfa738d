/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
#include "misuse.h"

/* The first slab of 768-byte objects has four pages: 21 of them, and 256
 * bytes. */
enum { COUNT = 21 };

int main(void)
{
    char *first = malloc(768);
    for (int i = 1; i < COUNT; i++)
        __asm__ volatile("" : : "r"(malloc(768)));
    free(misused(first + COUNT * 768));
    return 0;
}
