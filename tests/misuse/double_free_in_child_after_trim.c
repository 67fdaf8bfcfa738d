/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): double free of a 64-byte object */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "thin_slabs.h"

static int to_main[2];

/* Its thread does not exist in the child. */
static void *fill(void *unused)
{
    fill_and_thin(64);
    if (write(to_main[1], "x", 1) == 1)
        pause();
    return unused;
}

int main(void)
{
    pthread_t thread;
    char filled;
    int status;
    if (pipe(to_main) != 0 || pthread_create(&thread, NULL, fill, NULL) != 0 ||
        read(to_main[0], &filled, 1) != 1)
        return 1;
    void *p = misused(freed());
    if (fork() == 0) {
        free(p);
        _exit(0);
    }
    wait(&status);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort();
    _exit(0);
}
