/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_sized(@): size 24 for a 96-byte object */
/* levels: 1 2 3 */
#include "misuse.h"

void free_sized(void *p, size_t size) __attribute__((weak));

int main(void)
{
    free_sized(misused(malloc(96)), 24);
    return 0;
}
