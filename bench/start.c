/* SPDX-License-Identifier: MIT */
/*
 * start COUNT PROGRAM: processes that end as soon as they began.
 *
 * A shell script or a build starts thousands of programs that allocate little;
 * there an allocator's set-up is all one sees of it.  Starts PROGRAM (/bin/true
 * without one) COUNT times, one after another, the preloaded allocator in each.
 */
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

extern char **environ;

int main(int argc, char **argv)
{
    size_t count = argument(argc, argv, 1, 300);
    char fallback[] = "/bin/true";
    char *program = argc > 2 ? argv[2] : fallback;
    char *arguments[] = {program, NULL};

    for (size_t i = 0; i < count; i++) {
        pid_t child;
        int status;
        if (posix_spawn(&child, program, NULL, NULL, arguments, environ) != 0 ||
            waitpid(child, &status, 0) != child || status != 0)
            abort();
    }
    return 0;
}
