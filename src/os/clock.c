/* SPDX-License-Identifier: MIT */
/* Both by clock_gettime(2). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/clock.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of 64 bits there is one call, of 32 bits one for each length of a time. */
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SYS_clock_gettime
#elif !defined SYS_clock_gettime
#define SYS_clock_gettime SYS_clock_gettime64
#endif

/* By number: libraries that have a program see another time replace the C
 * library's function, which is called under a lock, by one that allocates. */
static uint64_t read_clock(clockid_t clock)
{
    struct timespec t = {0, 0};
    int saved = errno;
    syscall(sizeof t.tv_sec > 4 ? SYS_clock_gettime64 : SYS_clock_gettime,
            clock, &t);
    errno = saved;
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t sta_clock_process(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t sta_clock_wall(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
