/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_sized(@): size 41 for a 40-byte object */
/* levels: 2 3 */
#include "misuse.h"

void free_sized(void *p, size_t size) __attribute__((weak));

int main(void)
{
    free_sized(misused(malloc(40)), 41);
    return 0;
}
