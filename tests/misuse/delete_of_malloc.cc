/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): allocated by malloc */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    ::operator delete(misused(malloc(48)));
    return 0;
}
