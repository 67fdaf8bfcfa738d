/* SPDX-License-Identifier: MIT */
/* The time that a process has taken, and the time that passes. */
#ifndef STA_OS_CLOCK_H
#define STA_OS_CLOCK_H

#include <stdint.h>

/* Returns for how many nanoseconds processors worked for this process, in all
 * of its threads; 0 where the system does not tell.  errno stays. */
uint64_t sta_clock_process(void);

/* Returns nanoseconds since some moment before the process began; 0 where the
 * system does not tell.  errno stays. */
uint64_t sta_clock_wall(void);

/* The same without a system call, which a sandbox may end the process for, if
 * the processor has a counter; within a factor of two. */
uint64_t sta_clock_rough(void);

#endif
