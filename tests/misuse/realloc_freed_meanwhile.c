/* SPDX-License-Identifier: MIT */
/* expect: stalloc: realloc(@): double free of a 10240-byte object */
/* levels: 2 3 */
#include <signal.h>
#include <sys/mman.h>

#include "misuse.h"

enum { PAGE = 4096, BYTES = 10000 };
static char *object;

/* What another thread may do while realloc() copies. */
static void free_it(int signal_number)
{
    (void)signal_number;
    mprotect(object + PAGE, PAGE, PROT_READ | PROT_WRITE);
    free(object);
}

int main(void)
{
    object = misused(malloc(BYTES));
    void *neighbour = malloc(BYTES);
    signal(SIGSEGV, free_it);
    mprotect(object + PAGE, PAGE, PROT_NONE);
    free(realloc(object, 3 * BYTES));
    free(neighbour);
    return 0;
}
