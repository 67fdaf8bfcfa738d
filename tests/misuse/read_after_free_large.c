/* SPDX-License-Identifier: MIT */
/* levels: 2 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(100000));
    free(p);
    return p[5000];
}
