/* SPDX-License-Identifier: MIT */
/* expect: stalloc: aligned operator delete(@): allocated by operator new */
/* levels: 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    ::operator delete(misused(::operator new(48)), std::align_val_t(16));
    return 0;
}
