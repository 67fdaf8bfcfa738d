/* SPDX-License-Identifier: MIT */
/* Both by clock_gettime(2). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/clock.h"

#include <time.h>

#include "os/kernel.h"

/* Of 64 bits there is one call, of 32 bits one for each length of a time. */
#ifndef SYS_clock_gettime64
#define SYS_clock_gettime64 SYS_clock_gettime
#elif !defined SYS_clock_gettime
#define SYS_clock_gettime SYS_clock_gettime64
#endif

static uint64_t read_clock(clockid_t clock)
{
    struct timespec t = {0, 0};
    sta_kernel(sizeof t.tv_sec > 4 ? SYS_clock_gettime64 : SYS_clock_gettime,
               clock, (long)&t);
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
