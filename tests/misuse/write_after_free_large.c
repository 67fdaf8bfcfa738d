/* SPDX-License-Identifier: MIT */
/* levels: 2 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(100000));
    free(p);
    p[5000] = 'x';
    return 0;
}
