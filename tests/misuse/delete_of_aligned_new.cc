/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): allocated by aligned operator new */
/* levels: 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    ::operator delete(misused(::operator new(48, std::align_val_t(64))));
    return 0;
}
