/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): allocated by operator new[] */
/* levels: 2 3 */
#include "misuse.h"

int main()
{
    free(misused(new char[100000]));
    return 0;
}
