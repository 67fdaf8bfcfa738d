/* SPDX-License-Identifier: MIT */
/* levels: 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *first = malloc(100000);
    char *p = misused(malloc(100000));
    p[-1] = first[0];
    return 0;
}
