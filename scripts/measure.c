/* SPDX-License-Identifier: MIT */
/*
 * Runs one command under a preloaded library and says what it used, for
 * scripts/compare:
 *
 *     measure RESULT-FILE LIBRARY COMMAND [ARGUMENT...]
 *
 * LIBRARY may be empty.  RESULT-FILE gets one line: wall, user and system time
 * in microseconds, peak resident size in KiB, minor and major page faults, and
 * the exit status as a shell would give it.
 *
 * Why not /usr/bin/time or hyperfine: the first counts time in steps of 10 ms,
 * the second knows no page faults and cannot take turns between libraries, and
 * either would be preloaded itself or start `env` in between and count that.
 * Nor can a script do this: a process's peak resident size starts at that of
 * the process that called exec, which for an interpreter hides a small
 * program's. This program is linked statically where possible and touches
 * nothing, so that its own size (well under 1 MiB) is below that of any
 * command.
 *
 * The exit status is 0 when the command was started, whatever came of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static long long to_us(struct timeval t)
{
    return t.tv_sec * 1000000LL + t.tv_usec;
}

int main(int argc, char **argv)
{
    struct rusage used;
    volatile int exec_errno = 0;
    int status;

    if (argc < 4) {
        fprintf(stderr, "usage: measure RESULT-FILE LIBRARY COMMAND...\n");
        return 2;
    }
    unsetenv("LD_PRELOAD");
    if (argv[2][0] != '\0')
        setenv("LD_PRELOAD", argv[2], 1);

    long long start_us = now_us();
    /* vfork: the child shares our memory, so starting it copies nothing. */
    pid_t child = vfork();
    if (child == 0) {
        execvp(argv[3], argv + 3);
        exec_errno = errno;
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &used) != child) {
        fprintf(stderr, "measure: %s\n", strerror(errno));
        return 1;
    }
    long long wall_us = now_us() - start_us;

    if (exec_errno != 0) {
        fprintf(stderr, "measure: %s: %s\n", argv[3], strerror(exec_errno));
        return 1;
    }
    FILE *out = fopen(argv[1], "w");
    if (out == NULL) {
        fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    fprintf(out, "%lld %lld %lld %ld %ld %ld %d\n", wall_us,
            to_us(used.ru_utime), to_us(used.ru_stime), used.ru_maxrss,
            used.ru_minflt, used.ru_majflt,
            WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    return fclose(out) != 0;
}
