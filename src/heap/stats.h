/* SPDX-License-Identifier: MIT */
/* Counters: collected on demand, printed as text or JSON. */
#ifndef STA_HEAP_STATS_H
#define STA_HEAP_STATS_H

#include "heap/options.h"
#include "stalloc/malloc.h"

/* Adds up all but what is resident, and reads no file; see sta_stats_get() for
 * what is exact. */
void sta_stats_collect(struct sta_stats *out);

/* Adds up everything. */
void sta_stats_collect_all(struct sta_stats *out);

/* Writes the counters to a descriptor; returns 0 or an errno. */
int sta_stats_write(int fd, enum sta_format format);

/* Prints the line of STALLOC_VERBOSE, and keeps standard error for the end;
 * once, at the library's start. */
void sta_stats_start(void);

/* In a fork's child: keeps it no longer. */
void sta_stats_after_fork(void);

/* Writes what STALLOC_STATS asks for, where STALLOC_STATS_FILE says. */
void sta_stats_at_exit(void);

#endif
