/* SPDX-License-Identifier: MIT */
/* expect: stalloc: operator delete(@): size 400 for a 48-byte object */
/* levels: 1 2 3 */
#include "misuse.h"

struct small {
    char bytes[48];
};

struct big {
    char bytes[400];
};

int main()
{
    delete static_cast<big *>(misused(new small));
    return 0;
}
