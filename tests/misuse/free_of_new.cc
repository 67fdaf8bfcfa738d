/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): allocated by operator new */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    free(misused(::operator new(5000)));
    return 0;
}
