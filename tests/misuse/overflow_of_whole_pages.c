/* SPDX-License-Identifier: MIT */
/* levels: 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(65536));
    p[65536] = 'x';
    return 0;
}
