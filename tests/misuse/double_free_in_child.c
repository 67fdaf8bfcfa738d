/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 48-byte object */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "misuse.h"

int main(void)
{
    int status;
    void *p = malloc(48);
    void *q = misused(p);
    if (fork() == 0) {
        free(p);
        free(q);
        _exit(0);
    }
    wait(&status);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort();
    return 0;
}
