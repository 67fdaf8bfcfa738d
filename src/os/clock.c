/* SPDX-License-Identifier: MIT */
/* The time that a process has taken, by clock_gettime(2). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "os/clock.h"

#include <errno.h>
#include <time.h>

uint64_t sta_clock_process(void)
{
    struct timespec t = {0, 0};
    int saved = errno;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    errno = saved;
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}
