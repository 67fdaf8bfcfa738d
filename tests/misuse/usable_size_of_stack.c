/* SPDX-License-Identifier: MIT */
/* expect: stalloc: malloc_usable_size(@): not allocated by stalloc */
/* levels: 1 2 3 */
#include "misuse.h"

int main(void)
{
    char on_stack[64];
    return malloc_usable_size(misused(on_stack)) == 64;
}
