/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): allocated by operator new[] */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    ::operator delete(misused(new int[12]));
    return 0;
}
