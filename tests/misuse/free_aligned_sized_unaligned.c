/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free_aligned_sized(@): not aligned to 4096 bytes */
/* levels: 1 2 3 */
#include "misuse.h"

void free_aligned_sized(void *p, size_t align, size_t size)
    __attribute__((weak));

int main(void)
{
    void *first = malloc(48); /* one of the two is not at a page's start */
    void *p = malloc(48);
    p = (size_t)p % 4096 ? p : first;
    free_aligned_sized(misused(p), 4096, 48);
    return 0;
}
