/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete[](@): allocated by malloc */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    ::operator delete[](misused(calloc(50, 100)));
    return 0;
}
