/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): allocated by operator new */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    (void)!realloc(misused(::operator new(48)), 50);
    return 0;
}
