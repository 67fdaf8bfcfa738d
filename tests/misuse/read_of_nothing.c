/* SPDX-License-Identifier: MIT */
/* levels: 3 */
/* signal: SEGV */
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(0));
    return p[0];
}
