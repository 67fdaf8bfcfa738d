/* SPDX-License-Identifier: MIT */
/* By clock_gettime(2), and by the counters that processors have. */
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

uint64_t sta_clock_rough(void)
{
#if defined __x86_64__ || defined __i386__
    return __builtin_ia32_rdtsc() / 2; /* 1.5 to 5 a nanosecond */
#elif defined __aarch64__
    uint64_t ticks, each_s;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(each_s));
    return ticks / (each_s / 1000000 + 1) * 1000;
#else
    return sta_clock_wall();
#endif
}
