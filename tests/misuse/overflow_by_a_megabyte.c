/* SPDX-License-Identifier: MIT */
/* levels: 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    for (int i = 0; i < 1 << 20; i++)
        p[40 + i] = 'x';
    return 0;
}
