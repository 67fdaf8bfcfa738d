/* SPDX-License-Identifier: MIT */
/* expect: stalloc: free(@): not the start of an object */
/* variant: local */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "thin_slabs.h"

/* Slabs of 85 objects, and 256 bytes. */
enum { SIZE = 768 };

static int to_main[2];

/* Its thread does not exist in the child. */
static void *fill(void *unused)
{
    fill_and_thin(SIZE);
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
    int last = COUNT / 2; /* of the slab of an object that was kept */
    while (objects[last + 1] - objects[last] == SIZE)
        last++;
    void *p = misused(objects[last] + SIZE);
    if (fork() == 0) {
        free(objects[COUNT / 2]); /* takes the slab over */
        free(p);
        _exit(0);
    }
    wait(&status);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
        abort();
    _exit(0);
}
