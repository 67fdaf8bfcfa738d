/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): size 400 for a 48-byte object */
/* levels: 1 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    operator delete[](misused(new char[48]), static_cast<std::size_t>(400));
    return 0;
}
