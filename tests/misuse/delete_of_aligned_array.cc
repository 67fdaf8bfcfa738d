/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete[](@): allocated by aligned operator new[] */
/* levels: 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    const auto wide = std::align_val_t(64);
    ::operator delete[](misused(::operator new[](48, wide)));
    return 0;
}
