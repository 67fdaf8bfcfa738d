/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): no object starts there, or it was freed before */
#include "misuse.h"

enum { COUNT = 3000 };

int main(void)
{
    char *top = NULL;
    for (int i = 0; i < COUNT; i++) {
        char *p = malloc(48);
        top = p > top ? p : top;
    }
    free(misused(top + 200 * 48)); /* in a slab of this size, on a later page */
    return 0;
}
