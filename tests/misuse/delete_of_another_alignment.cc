/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): not aligned to 4096 bytes */
/* levels: 1 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    void *first = ::operator new(48); // one is not at a page's start
    void *p = ::operator new(48);
    p = reinterpret_cast<size_t>(p) % 4096 ? p : first;
    ::operator delete(misused(p), std::align_val_t(4096));
    return 0;
}
