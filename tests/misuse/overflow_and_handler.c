/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): overflow of a 48-byte object */
/* levels: 2 3 */
/* It is found under a lock, for which the handler then waits. */
#include "handler.h"
#include "misuse.h"

int main(void)
{
    char *p = misused(malloc(40));
    handle_abort();
    p[40] = 'x';
    free(p);
    return 0;
}
