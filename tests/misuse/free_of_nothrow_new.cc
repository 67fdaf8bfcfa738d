/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): allocated by operator new */
/* levels: 2 3 */
#include "misuse.h"

#include <new>

int main()
{
    free(misused(::operator new(48, std::nothrow)));
    return 0;
}
