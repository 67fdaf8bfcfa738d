/* SPDX-License-Identifier: MIT */
/* The time that a process has taken. */
#ifndef STA_OS_CLOCK_H
#define STA_OS_CLOCK_H

#include <stdint.h>

/* Returns for how many nanoseconds processors worked for this process, in all
 * of its threads; 0 where the system does not tell.  errno stays. */
uint64_t sta_clock_process(void);

#endif
